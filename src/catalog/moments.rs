//! Walks over pages that see one moment: a snapshot is opened for the first page and its id travels in the cursors, so that any process
//! on the same engine goes on with it. Here is kept who holds how many: the engine pays for each. An engine lets go by itself of what nobody
//! asked for during five minutes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::cursor::Signer;
use crate::search::{Call, CollectionName, Engine, Error, Key, Page, Result, SnapshotId};

/// As long as both engines keep one that is not used.
const KEPT: Duration = Duration::from_secs(5 * 60);

/// What this process opened, by viewer.
pub struct Moments {
    most: usize,
    held: Mutex<HashMap<Box<str>, Vec<Held>>>,
}

struct Held {
    /// `None` while it is being opened.
    id: Option<SnapshotId>,
    number: u64,
    used: Instant,
    /// Its last page was seen: it may still be walked back, but is the first to be let go.
    ended: bool,
}

/// What keeps a place of a snapshot that is being opened: given up if opening fails or is abandoned.
struct Place<'a> {
    moments: &'a Moments,
    viewer: &'a str,
    number: u64,
    taken: bool,
}

impl Moments {
    /// So many at once for each viewer.
    pub fn new(most: usize) -> Self {
        Moments { most, held: Mutex::default() }
    }

    /// A snapshot for this viewer. Where there are too many, one whose walk has ended is let go.
    pub async fn open(&self, engine: &dyn Engine, call: &Call, viewer: &str, name: &CollectionName) -> Result<SnapshotId> {
        let (mut place, gone) = self.reserve(viewer)?;
        if let Some(gone) = gone {
            match engine.close_snapshot(call, gone).await {
                Ok(()) | Err(Error::SnapshotGone) => {}
                // it expires by itself
                Err(fault) => tracing::debug!(request_id = &*call.request_id, %fault, "a snapshot could not be closed"),
            }
        }
        let id = engine.open_snapshot(call, name).await?;
        place.fill(id.clone());
        Ok(id)
    }

    /// A page of it was seen; if that was the last in its direction, it may be let go when somebody needs its place. The engine may have
    /// given it another id: by that it is closed one day.
    pub fn used(&self, viewer: &str, id: &SnapshotId, page: &Page, backward: bool) {
        let more = if backward { page.has_previous } else { page.has_next };
        let mut held = self.lock();
        let same = |one: &&mut Held| one.id.is_some() && (one.id.as_ref() == Some(id) || one.id == page.moment);
        let one = held.get_mut(viewer).and_then(|all| all.iter_mut().find(same));
        if let Some(one) = one {
            if page.moment.is_some() {
                one.id.clone_from(&page.moment);
            }
            one.used = Instant::now();
            one.ended |= !more;
        }
    }

    fn reserve<'a>(&'a self, viewer: &'a str) -> Result<(Place<'a>, Option<SnapshotId>)> {
        let now = Instant::now();
        let mut held = self.lock();
        // whoever never comes back leaves nothing behind
        held.retain(|_, all| {
            all.retain(|one| now.duration_since(one.used) < KEPT);
            !all.is_empty()
        });
        let all = held.entry(viewer.into()).or_default();
        let mut gone = None;
        if all.len() >= self.most {
            let ended = all.iter().enumerate().filter(|(_, one)| one.ended && one.id.is_some()).min_by_key(|(_, one)| one.used);
            let Some(at) = ended.map(|(at, _)| at) else {
                return Err(Error::Limit(format!(
                    "{} snapshots are open (limits.snapshots): walk one to its end, or wait until one has not been used for {} minutes",
                    self.most,
                    KEPT.as_secs() / 60
                )));
            };
            gone = all.swap_remove(at).id;
        }
        let number = all.iter().map(|one| one.number + 1).max().unwrap_or(0);
        all.push(Held { id: None, number, used: now, ended: false });
        Ok((Place { moments: self, viewer, number, taken: false }, gone))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Vec<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    fn fill(&mut self, id: SnapshotId) {
        let mut held = self.moments.lock();
        let one = held.get_mut(self.viewer).and_then(|all| all.iter_mut().find(|one| one.number == self.number));
        if let Some(one) = one {
            one.id = Some(id);
            self.taken = true;
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.taken {
            return;
        }
        let mut held = self.moments.lock();
        if let Some(all) = held.get_mut(self.viewer) {
            all.retain(|one| one.number != self.number);
        }
    }
}

/// Reads the cursors of a walk.
pub struct Reading<'s> {
    signer: &'s Signer,
    binding: &'s str,
    in_snapshot: bool,
    /// The snapshot of the cursor that was read; `None` before the first page.
    pub found: Option<SnapshotId>,
}

impl<'s> Reading<'s> {
    /// In a snapshot, cursors carry it.
    pub fn new(signer: &'s Signer, binding: &'s str, in_snapshot: bool) -> Self {
        Reading { signer, binding, in_snapshot, found: None }
    }

    /// The place that a cursor names.
    pub fn place(&mut self, cursor: &str) -> Option<Key> {
        let key = self.signer.read(self.binding, cursor)?;
        if !self.in_snapshot {
            return Some(key);
        }
        let mut values = key.0.into_iter();
        let Some(Json::String(id)) = values.next() else { return None };
        self.found = Some(SnapshotId(id.into()));
        Some(Key(values.collect()))
    }
}

/// What a page's cursors carry, of the snapshot that it was asked by.
pub fn of_page<'p>(id: &'p SnapshotId, page: &'p Page) -> &'p SnapshotId {
    page.moment.as_ref().unwrap_or(id)
}

/// The cursor of a hit, within its snapshot where there is one.
pub fn cursor(signer: &Signer, binding: &str, snapshot: Option<&SnapshotId>, key: &Key) -> String {
    match snapshot {
        Some(id) => signer.write(binding, &Key([vec![Json::from(&*id.0)], key.0.clone()].concat())),
        None => signer.write(binding, key),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::search;

    async fn engine() -> (tempfile::TempDir, std::sync::Arc<dyn Engine>, CollectionName) {
        let folder = tempfile::tempdir().unwrap();
        let engine = search::open_embedded(folder.path()).await.unwrap();
        let name = CollectionName::parse("things").unwrap();
        let fields = search::mapping::parse(&json!({ "properties": { "n": { "type": "long" } } })).unwrap();
        let collection = search::Collection::new(name.clone(), fields);
        engine.create(&call(), &collection).await.unwrap();
        (folder, engine, name)
    }

    fn call() -> Call {
        Call::within(Duration::from_secs(30))
    }

    #[tokio::test]
    async fn each_viewer_holds_so_many_and_ended_walks_make_room() {
        let (_folder, engine, name) = engine().await;
        let moments = Moments::new(2);
        let open = async |viewer: &str| moments.open(&*engine, &call(), viewer, &name).await;
        let one = open("ann").await.unwrap();
        let two = open("ann").await.unwrap();
        let refused = open("ann").await.unwrap_err();
        assert!(refused.to_string().contains("limits.snapshots"), "{refused}");
        open("bob").await.unwrap();

        moments.used("ann", &two, &Page::default(), false);
        moments.used("bob", &one, &Page::default(), false);
        let three = open("ann").await.unwrap();
        assert_ne!(three, one);
        assert!(matches!(engine.close_snapshot(&call(), two).await, Err(Error::SnapshotGone)), "it was let go");
        engine.close_snapshot(&call(), one).await.unwrap();
        assert!(open("ann").await.is_err());
    }

    #[tokio::test]
    async fn what_gets_another_id_is_let_go_by_it() {
        let (_folder, engine, name) = engine().await;
        let moments = Moments::new(1);
        let first = moments.open(&*engine, &call(), "", &name).await.unwrap();
        let later = engine.open_snapshot(&call(), &name).await.unwrap();
        let page = Page { moment: Some(later.clone()), has_next: true, ..Page::default() };
        moments.used("", &first, &page, false);
        // the page before is asked for again
        moments.used("", &first, &page, true);
        moments.open(&*engine, &call(), "", &name).await.unwrap();
        assert!(matches!(engine.close_snapshot(&call(), later).await, Err(Error::SnapshotGone)), "it was let go");
        engine.close_snapshot(&call(), first).await.unwrap();
    }

    #[tokio::test]
    async fn a_place_is_given_back_where_opening_fails() {
        let (_folder, engine, name) = engine().await;
        let moments = Moments::new(1);
        let other = CollectionName::parse("others").unwrap();
        for _ in 0..3 {
            assert!(matches!(moments.open(&*engine, &call(), "", &other).await, Err(Error::NotFound(_))));
        }
        moments.open(&*engine, &call(), "", &name).await.unwrap();
    }

    #[test]
    fn a_cursor_carries_its_snapshot() {
        let (id, key) = (SnapshotId("s".into()), Key(vec![json!("a"), json!(1)]));
        let mut page = Page::default();
        assert_eq!(of_page(&id, &page), &id);
        page.moment = Some(SnapshotId("t".into()));
        assert_eq!(of_page(&id, &page), &SnapshotId("t".into()));
        let signer = Signer::new(b"secret");
        let read = |snapshot: Option<&SnapshotId>, key: &Key, in_snapshot| {
            let mut reading = Reading::new(&signer, "b", in_snapshot);
            (reading.place(&cursor(&signer, "b", snapshot, key)), reading.found)
        };
        assert_eq!(read(Some(&id), &key, true), (Some(key.clone()), Some(id)));
        assert_eq!(read(None, &key, false), (Some(key), None));
        // one of no snapshot is of no use in one
        for live in [Key(vec![json!(1)]), Key(Vec::new())] {
            assert_eq!(read(None, &live, true), (None, None));
        }
    }
}
