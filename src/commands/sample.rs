//! The sample: what an empty data folder begins with.

use std::time::Duration;

use anyhow::{Context, anyhow};

use crate::app::App;
use crate::search::{
    Action, Call, Collection, CollectionName, DocumentId, Filter, Precondition, Refresh, Source, Write, mapping,
};

pub(super) const NAME: &str = "landmarks";
const MAPPING: &str = include_str!("../../sample/mapping.json");
const DOCUMENTS: &str = include_str!("../../sample/documents.ndjson");
/// The field that holds the id.
const ID: &str = "slug";
const BATCH: usize = 500;

/// Makes the collection and writes its documents; says how many.
pub(super) async fn load(app: &App) -> anyhow::Result<usize> {
    let name = CollectionName::parse(NAME)?;
    let fields = mapping::parse(&serde_json::from_str(MAPPING)?)?;
    let writes = DOCUMENTS.lines().map(|line| write(&name, line)).collect::<anyhow::Result<Vec<_>>>()?;
    let call = Call::within(Duration::from_secs(60)).named("sample");
    let collection = Collection::new(name, fields);
    app.engine.create(&call, &collection).await.context("the collection cannot be made")?;
    for batch in writes.chunks(BATCH) {
        for outcome in app.engine.write(&call, batch.to_vec(), Refresh::Now).await? {
            outcome?;
        }
    }
    app.catalog.refresh(&call).await?;
    Ok(writes.len())
}

fn write(on: &CollectionName, line: &str) -> anyhow::Result<Write> {
    let source: Source = serde_json::from_str(line)?;
    let id = source.get(ID).and_then(|id| id.as_str()).context("a document of the sample has no id")?;
    let id = DocumentId::parse(id).map_err(|fault| anyhow!(fault))?;
    let action = Action::Index { id: Some(id), source, precondition: Precondition::Absent };
    Ok(Write { on: on.clone(), rule: Filter::All, action })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_sample_is_whole() {
        let name = CollectionName::parse(NAME).unwrap();
        let writes: Vec<_> = DOCUMENTS.lines().map(|line| write(&name, line).unwrap()).collect();
        let ids: BTreeSet<_> =
            writes.iter().map(|write| format!("{:?}", write.action).split('"').nth(1).map(str::to_owned)).collect();
        assert!(writes.len() >= 500);
        assert_eq!(ids.len(), writes.len());
        mapping::parse(&serde_json::from_str(MAPPING).unwrap()).unwrap();
    }
}
