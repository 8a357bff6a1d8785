//! What is computed over documents, on its way to a viewer: small groups are left out where settings say so, documents in it are cleaned.

use crate::search::{Computed, Document, Slot, Suggest, Suggested};

/// The answer where nothing may be suggested.
pub(super) fn nothing(asked: &Suggest) -> Suggested {
    match asked {
        Suggest::DidYouMean { .. } => Suggested::DidYouMean(None),
        Suggest::Relaxed { .. } => Suggested::Relaxed(Vec::new()),
        Suggest::Complete { .. } => Suggested::Complete(Vec::new()),
    }
}

/// Leaves out values, buckets and groups of fewer documents than `least`; what they count goes to the others where others are told.
pub(super) fn clean(computed: &mut [(Slot, Computed)], least: u64, each: &mut impl FnMut(&mut Document)) {
    for (_, computed) in computed {
        match computed {
            Computed::Facet { values, other, buckets, .. } => {
                let small = |count: u64| count < least;
                *other += values.iter().map(|value| value.count.documents).filter(|count| small(*count)).sum::<u64>();
                values.retain(|value| !small(value.count.documents));
                buckets.retain(|bucket| !small(bucket.count.documents));
            }
            Computed::Groups(groups) => {
                let small = |count: u64| count < least;
                groups.other +=
                    groups.groups.iter().map(|group| group.count.documents).filter(|count| small(*count)).sum::<u64>();
                groups.groups.retain(|group| !small(group.count.documents));
                groups.groups.iter_mut().for_each(|group| clean(&mut group.inside, least, each));
            }
            Computed::Top(documents) => documents.iter_mut().for_each(&mut *each),
            Computed::Metrics { .. } | Computed::TooMany(_) | Computed::TooFine(_) => {}
        }
    }
}
