//! A collection as it is kept on disk: its uid and its mapping.

use serde::{Deserialize, Serialize};

use super::super::mapping;
use super::super::{Collection, CollectionName, Error, Result};

/// What is kept of one collection.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    /// Never given twice: a collection made again under the same name is another one.
    pub(super) uid: u64,
    mapping: serde_json::Value,
}

impl Record {
    pub(super) fn new(uid: u64, collection: &Collection) -> Self {
        Record { uid, mapping: mapping::write(&collection.fields) }
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(Error::internal)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(Error::internal)
    }

    /// The collection as every later start will read it: fields in the mapping's order. What a mapping cannot say is refused,
    /// so a collection is used in this form from its first day.
    pub(super) fn collection(&self, name: CollectionName) -> Result<Collection> {
        Ok(Collection::new(name, mapping::parse(&self.mapping)?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_collection_comes_back_as_it_was() {
        let fields = mapping::parse(&json!({
            "_meta": {"hooke": {"lists": {"o.tag": true, "n": false}}},
            "properties": {
                "title": {"type": "text", "analyzer": "whitespace", "fields": {"raw": {"type": "keyword", "ignore_above": 256}}},
                "n": {"type": "half_float", "doc_values": false, "null_value": 1.5},
                "at": {"type": "date_nanos", "format": "strict_date_optional_time||epoch_second", "index": false},
                "o": {"properties": {"tag": {"type": "keyword", "normalizer": "lowercase"}, "free": {"type": "flattened"}}},
                "items": {"type": "nested", "properties": {"ip": {"type": "ip"}}},
                "v": {"type": "dense_vector", "dims": 3, "similarity": "l2_norm"}
            }
        }));
        let name = CollectionName::parse("things").unwrap();
        let collection = Collection::new(name.clone(), fields.unwrap());
        let record = Record::decode(&Record::new(7, &collection).encode().unwrap()).unwrap();
        assert_eq!(record.uid, 7);
        assert_eq!(record.collection(name).unwrap(), collection);
    }
}
