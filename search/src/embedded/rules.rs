//! Whether a row rule lets documents through that the index may not hold yet: they are put into an index of their own, in memory.

use std::sync::Arc;

use tantivy::{Index, IndexReader, TantivyDocument};

use super::super::{Collection, Document, DocumentId, Error, Fetch, Filter, Query, Result, Source};
use super::documents::Documents;
use super::indexing::index_document;
use super::layout::Layout;
use super::searching::{View, run};
use super::store::version;

/// The least that the index library takes.
const ARENA: usize = 15_000_000;

/// Whether the rule lets this document through.
pub(super) fn allows(collection: &Arc<Collection>, rule: &Filter, id: &DocumentId, source: &Source) -> Result<bool> {
    allowed(collection, rule, &[(id, source)]).map(|through| through == [true])
}

/// Which of these documents the rule lets through, one answer for each.
pub(super) fn allowed(collection: &Arc<Collection>, rule: &Filter, documents: &[(&DocumentId, &Source)]) -> Result<Vec<bool>> {
    match rule {
        Filter::All => return Ok(vec![true; documents.len()]),
        Filter::Nothing => return Ok(vec![false; documents.len()]),
        _ => {}
    }
    let layout = Arc::new(Layout::new(collection)?);
    let mut writer = Index::builder()
        .schema(layout.schema.clone())
        .single_segment_index_writer::<TantivyDocument>(tantivy::directory::RamDirectory::create(), ARENA)
        .map_err(Error::internal)?;
    for (place, (id, source)) in (0..).zip(documents) {
        for entry in index_document(&layout, collection, id.as_str(), place, source)? {
            writer.add_document(entry).map_err(Error::internal)?;
        }
    }
    let reader: IndexReader = writer.finalize().and_then(|index| index.reader()).map_err(Error::internal)?;
    let view = View { searcher: reader.searcher(), layout, documents: &Places(collection), stopped: &|| false };
    let mut query = Query::new(collection.name.clone());
    query.rule = rule.clone();
    query.fetch = Fetch { fields: Some(Vec::new()), ..Fetch::default() };
    query.page.size = u32::try_from(documents.len()).map_err(Error::internal)?;
    let mut through = vec![false; documents.len()];
    for hit in run(&view, &query)?.hits {
        let place = usize::try_from(hit.document.version.seq_no).map_err(Error::internal)?;
        through[place] = true;
    }
    Ok(through)
}

/// The documents of that index have no number but their place.
struct Places<'a>(&'a Collection);

impl Documents for Places<'_> {
    fn document(&self, seq_no: u64, _: Option<&[Arc<str>]>) -> Result<Document> {
        Ok(Document {
            id: DocumentId::parse("-").map_err(Error::internal)?,
            index: Arc::from(self.0.name.as_str()),
            routing: None,
            version: version(seq_no),
            source: Source::new(),
        })
    }
}
