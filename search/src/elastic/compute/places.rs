//! Facets of places: how far they are, and on which tiles of the map.

use serde_json::{Map, Value as Json, json};

use super::answers::{buckets, lacking, part};
use super::levels::{add_documents, counts, reach, reached};
use super::{Aggs, with};
use crate::compute::choosing::compare_values;
use crate::compute::interval::LISTED_MOST;
use crate::value::Value;
use crate::{Bucket, Computed, Facet, Result, Slot, ValueCount};

pub(super) fn add(slot: Slot, facet: &Facet, into: &mut Aggs) -> Result<()> {
    let (field, level) = (&facet.field.path, facet.field.nested.as_deref());
    let (mut aggs, mut documents) = (Aggs::new(), Aggs::new());
    add_documents(level, &mut documents);
    if let (Some(from), false) = (facet.from, facet.ranges.is_empty()) {
        // they come back in another order: the key tells which is which
        let range = |(at, range): (usize, &crate::RangeOf)| {
            let mut ends = Map::from_iter([("key".to_owned(), json!(at.to_string()))]);
            for (name, end) in [("from", &range.lower), ("to", &range.upper)] {
                if let Some((end, _)) = end {
                    ends.insert(name.into(), super::keys::plain(end));
                }
            }
            Json::Object(ends)
        };
        let ranges: Vec<Json> = facet.ranges.iter().enumerate().map(range).collect();
        let origin = json!({"lat": from.lat, "lon": from.lon});
        let distance = json!({"geo_distance": {"field": field, "origin": origin, "unit": "m", "ranges": ranges}});
        aggs.insert(format!("{slot}b"), with(distance, documents.clone()));
    }
    if let (Some(zoom), Some(_)) = (facet.zoom, facet.values) {
        // ties have no order there, so all are listed
        let grid = json!({"geotile_grid": {"field": field, "precision": zoom, "size": LISTED_MOST + 1}});
        aggs.insert(format!("{slot}v"), with(grid, documents));
    }
    reach(&format!("{slot}f"), None, level, aggs, into);
    Ok(())
}

pub(super) fn read(slot: Slot, facet: &Facet, within: &Json) -> Result<Computed> {
    let level = facet.field.nested.as_deref();
    let (mut values, mut listed, mut other) = (Vec::new(), Vec::new(), 0);
    let entries = reached(&format!("{slot}f"), None, level, within);
    if facet.from.is_some() && !facet.ranges.is_empty() {
        let found = buckets(part(entries.as_ref().map_err(|_| lacking("places"))?, &format!("{slot}b"))?)?;
        for (at, range) in facet.ranges.iter().enumerate() {
            let key = at.to_string();
            let bucket = found.iter().find(|bucket| bucket["key"] == key).ok_or_else(|| lacking("a distance"))?;
            let end = |end: &Option<(Value, bool)>| end.as_ref().map(|(value, _)| value.clone());
            listed.push(Bucket { lower: end(&range.lower), upper: end(&range.upper), count: counts(level, bucket)? });
        }
    }
    if let (Some(_), Some(first)) = (facet.zoom, facet.values) {
        let found = buckets(part(entries.as_ref().map_err(|_| lacking("places"))?, &format!("{slot}v"))?)?;
        if found.len() as u64 > LISTED_MOST {
            return Ok(Computed::TooMany(LISTED_MOST));
        }
        for bucket in found {
            let key = bucket["key"].as_str().ok_or_else(|| lacking("a tile"))?;
            values.push(ValueCount { value: Some(Value::Text(key.into())), count: counts(level, bucket)? });
        }
        values.sort_by(|a, b| compare_values(&facet.order, a, b));
        let rest = values.split_off(values.len().min(first as usize));
        other = rest.iter().map(|value| value.count.documents).sum();
    }
    Ok(Computed::Facet { values, other, distinct: None, buckets: listed, stats: None })
}
