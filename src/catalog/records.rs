//! The memory of the catalog, kept as documents: one for each collection, on a shelf of the state.
//! Several processes may share it: whoever writes first decides, and the others take that over.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::memory::{Memory, Remembered};
use super::shelf::{Shelf, unsearched};
use crate::search::{Call, CollectionName, DocumentId, Engine, Error, Precondition, Refresh, Result, Source, Version};

/// Documents in one round trip: each may hold as many paths as a mapping has.
const BATCH: usize = 500;

/// What is on record, and in which state.
#[derive(Default)]
pub(super) struct Records {
    known: BTreeMap<String, (Option<Version>, Remembered)>,
}

impl Records {
    /// Reads those not yet known into the memory; `None` where there are none.
    pub(super) async fn load(
        &mut self,
        shelf: &Shelf,
        call: &Call,
        memory: &mut Memory,
        names: impl Iterator<Item = &str>,
    ) -> Result<Option<()>> {
        let missing: Vec<String> = names.filter(|name| !self.known.contains_key(*name)).map(str::to_owned).collect();
        if missing.is_empty() {
            return Ok(None);
        }
        self.read(shelf, call, memory, &missing).await.map(Some)
    }

    async fn read(&mut self, shelf: &Shelf, call: &Call, memory: &mut Memory, names: &[String]) -> Result<()> {
        for names in names.chunks(BATCH) {
            let ids: Vec<DocumentId> = names.iter().filter_map(|id| DocumentId::parse(id).ok()).collect();
            let found = shelf.get(call, ids.iter().cloned()).await?;
            for (id, found) in ids.iter().zip(found) {
                let id = id.as_str();
                let (version, on_record) = match found {
                    Some(document) => (Some(document.version), from_source(&document.source)),
                    None => (None, Remembered::default()),
                };
                let remembered = memory.collections.entry(id.to_owned()).or_default();
                remembered.adopt(&on_record);
                self.known.insert(id.to_owned(), (version, on_record));
            }
        }
        Ok(())
    }

    /// Writes what has changed; `None` where nothing has. True where another process had been faster: then the memory holds what that one decided, and the
    /// names must be given out again.
    pub(super) async fn save(&mut self, shelf: &Shelf, call: &Call, memory: &mut Memory) -> Result<Option<bool>> {
        let changed: Vec<String> = self
            .known
            .iter()
            .filter(|(id, (_, on_record))| memory.of(id).is_some_and(|remembered| remembered.as_kept() != *on_record))
            .map(|(id, _)| id.clone())
            .collect();
        if changed.is_empty() {
            return Ok(None);
        }
        let mut outdated = Vec::new();
        for ids in changed.chunks(BATCH) {
            let kept: Vec<Remembered> = ids.iter().filter_map(|id| memory.of(id)).map(Remembered::as_kept).collect();
            let mut batch = Vec::with_capacity(ids.len());
            for (id, kept) in ids.iter().zip(&kept) {
                let version = self.known.get(id).and_then(|(version, _)| *version);
                let precondition = version.map_or(Precondition::Absent, Precondition::Version);
                batch.push((DocumentId::parse(id).map_err(Error::internal)?, to_source(id, kept), precondition));
            }
            let outcomes = shelf.put_all(call, batch, Refresh::None).await?;
            for ((id, kept), outcome) in ids.iter().zip(kept).zip(outcomes) {
                match outcome {
                    Ok(version) => drop(self.known.insert(id.clone(), (Some(version), kept))),
                    Err(Error::Conflict(_)) => outdated.push(id.clone()),
                    Err(error) => return Err(error),
                }
            }
        }
        self.read(shelf, call, memory, &outdated).await?;
        Ok(Some(!outdated.is_empty()))
    }
}

impl Remembered {
    /// What another process decided comes first; what only we know stays.
    fn adopt(&mut self, other: &Remembered) {
        for (mine, theirs) in [
            (&mut self.many, &other.many),
            (&mut self.one, &other.one),
            (&mut self.suggest, &other.suggest),
            (&mut self.type_name, &other.type_name),
        ] {
            if !theirs.is_empty() {
                mine.clone_from(theirs);
            }
        }
        self.objects.extend(other.objects.clone());
        self.enums.extend(other.enums.clone());
        self.lists.extend(other.lists.clone());
        self.fill_enums();
    }

    /// What goes on record: enum values only where they are in question, the others follow from the path.
    fn as_kept(&self) -> Remembered {
        let enums = self.contested().map(|(path, value)| (path.clone(), value.clone())).collect();
        Remembered { enums, ..self.clone() }
    }
}

/// Where they are.
pub(super) fn shelf(state: Arc<dyn Engine>) -> Shelf {
    let single = ["collection", "many", "one", "suggest", "type"].map(|path| unsearched(path, false));
    let lists = ["lists", "singles", "objects", "enums"].map(|path| unsearched(path, true));
    Shelf::new(state, CollectionName::hidden("lists"), single.into_iter().chain(lists).collect())
}

fn to_source(id: &str, kept: &Remembered) -> Source {
    let paths = |list: bool| -> Vec<&String> { kept.lists.iter().filter(|(_, is)| **is == list).map(|(path, _)| path).collect() };
    // a path may hold blanks, a name of GraphQL never does
    let pairs =
        |map: &BTreeMap<String, String>| -> Vec<String> { map.iter().map(|(path, name)| format!("{name} {path}")).collect() };
    let source = json!({
        "collection": id,
        "many": kept.many,
        "one": kept.one,
        "suggest": kept.suggest,
        "type": kept.type_name,
        "lists": paths(true),
        "singles": paths(false),
        "objects": pairs(&kept.objects),
        "enums": pairs(&kept.enums),
    });
    match source {
        Json::Object(source) => source,
        _ => Source::new(),
    }
}

fn from_source(source: &Source) -> Remembered {
    let text = |key: &str| source.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let texts = |key: &str| -> Vec<String> {
        source.get(key).and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let pairs = |key: &str| -> BTreeMap<String, String> {
        let split = |pair: String| pair.split_once(' ').map(|(name, path)| (path.to_owned(), name.to_owned()));
        texts(key).into_iter().filter_map(split).collect()
    };
    let lists = texts("lists").into_iter().map(|path| (path, true));
    Remembered {
        many: text("many"),
        one: text("one"),
        suggest: text("suggest"),
        type_name: text("type"),
        objects: pairs("objects"),
        enums: pairs("enums"),
        lists: lists.chain(texts("singles").into_iter().map(|path| (path, false))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_holds_what_was_decided() {
        let map = |path: &str, name: &str| BTreeMap::from([(path.to_owned(), name.to_owned())]);
        let remembered = Remembered {
            many: "orders".into(),
            one: "order".into(),
            suggest: "ordersSuggest".into(),
            type_name: "Order".into(),
            objects: map("line items", "OrderItem"),
            enums: map("a b", "A_B_12ab"),
            lists: [("tags".to_owned(), true), ("name".to_owned(), false)].into(),
        };
        assert_eq!(from_source(&to_source("orders", &remembered)), remembered);
    }

    #[test]
    fn only_enum_values_in_question_are_kept() {
        let mut remembered = Remembered::default();
        for (path, value) in [("installedSize", "INSTALLED_SIZE"), ("installed_size", "INSTALLED_SIZE_12ab"), ("name", "NAME")] {
            remembered.enums.insert(path.into(), value.into());
        }
        let kept = remembered.as_kept();
        assert_eq!(kept.enums.keys().collect::<Vec<_>>(), ["installedSize", "installed_size"]);
        // one that was seen before hooke was stopped comes before one that came meanwhile
        let mut later = Remembered { lists: [("name".to_owned(), false)].into(), ..Remembered::default() };
        later.adopt(&kept);
        assert_eq!(later.enums["name"], "NAME");
        assert_eq!(later.enums["installed_size"], "INSTALLED_SIZE_12ab");
    }
}
