//! Whether a row rule lets a document through that the index may not hold yet: it is put into an index of its own, in memory.

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

pub(super) fn allows(collection: &Arc<Collection>, rule: &Filter, id: &DocumentId, source: &Source) -> Result<bool> {
    match rule {
        Filter::All => return Ok(true),
        Filter::Nothing => return Ok(false),
        _ => {}
    }
    let layout = Arc::new(Layout::new(collection)?);
    let mut writer = Index::builder()
        .schema(layout.schema.clone())
        .single_segment_index_writer::<TantivyDocument>(tantivy::directory::RamDirectory::create(), ARENA)
        .map_err(Error::internal)?;
    writer.add_document(index_document(&layout, collection, id.as_str(), 0, source)?).map_err(Error::internal)?;
    let index = writer.finalize().map_err(Error::internal)?;
    let reader: IndexReader = index.reader().map_err(Error::internal)?;
    let documents = One { id, collection };
    let view = View { searcher: reader.searcher(), layout, documents: &documents, stopped: &|| false };
    let mut query = Query::new(collection.name.clone());
    query.rule = rule.clone();
    query.fetch = Fetch { fields: Some(Vec::new()), ..Fetch::default() };
    Ok(!run(&view, &query)?.hits.is_empty())
}

/// The one document there is.
struct One<'a> {
    id: &'a DocumentId,
    collection: &'a Collection,
}

impl Documents for One<'_> {
    fn document(&self, seq_no: u64, _: Option<&[Arc<str>]>) -> Result<Document> {
        Ok(Document {
            id: self.id.clone(),
            index: Arc::from(self.collection.name.as_str()),
            routing: None,
            version: version(seq_no),
            source: Source::new(),
        })
    }
}
