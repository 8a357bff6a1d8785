//! The first documents of a group, in an order of their own.

use tantivy::query::{BooleanQuery, Occur, Query as IndexQuery};

use super::super::super::{Computed, PageRequest, Query, Result, Top};
use super::super::collecting::Pass;
use super::super::searching::narrow;
use super::super::sorting::Sorting;
use super::Computing;
use super::rows::{Listed, Rows};

impl Computing<'_> {
    pub(super) fn top(&self, top: &Top, rows: &Rows) -> Result<Computed> {
        let searcher = &self.view.searcher;
        let sorting = Sorting::of(&Query { order: top.order.clone(), page: PageRequest::default(), ..self.query.clone() })?;
        // of elements the documents that hold them
        let listed: Box<dyn IndexQuery> = Box::new(Listed::of(searcher, &self.reach(rows, None)?));
        let scores = self.query.rank.is_some() && sorting.needs_scores();
        let query = if scores {
            let ranked = narrow(self.view, self.query, self.ranking, std::iter::empty())?;
            Box::new(BooleanQuery::new(vec![(Occur::Must, ranked), (Occur::Must, listed)]))
        } else {
            listed
        };
        let size = top.size as usize;
        let (query, sorting, stopped) = (query.as_ref(), &sorting, self.view.stopped);
        let found = Pass { searcher, query, sorting, after: None, before: None, size, scores, stopped }.run()?;
        let fields = top.fields.as_deref();
        let documents = found.first.iter().map(|found| self.view.documents.document(found.spot.seq_no, fields));
        Ok(Computed::Top(documents.collect::<Result<_>>()?))
    }
}
