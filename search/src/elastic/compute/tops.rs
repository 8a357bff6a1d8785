//! The first documents of a group, in an order of their own.

use serde_json::{Value as Json, json};

use super::answers::{lacking, part};
use super::levels::{reach, reached};
use super::{Aggs, Asking};
use crate::compute::levels::Level;
use crate::elastic::request::source;
use crate::elastic::response::documents;
use crate::elastic::sorting::{self, Walk};
use crate::{Computed, Direction, Order, Origin, Result, Slot, Top};

pub(super) fn add(asking: &Asking<'_>, slot: Slot, top: &Top, level: Level<'_>, into: &mut Aggs) -> Result<()> {
    if top.size == 0 {
        return Ok(());
    }
    let order = match top.order.as_slice() {
        [] if asking.ranked => vec![Order::Score(Direction::Desc)],
        order => order.to_vec(),
    };
    let many = matches!(asking.collection.origin, Origin::Many { .. });
    let mut sort = sorting::keys(&order, Walk { backward: false, snapshot: false, many })?;
    // the place in the shard is not to be had here
    sort.pop();
    let source = source(top.fields.as_deref(), asking.collection, false);
    let hits = json!({"top_hits": {"size": top.size, "sort": sort, "_source": source, "seq_no_primary_term": true}});
    reach(&format!("{slot}h"), level, None, Aggs::from_iter([(format!("{slot}h"), hits)]), into);
    Ok(())
}

pub(super) fn read(slot: Slot, top: &Top, level: Level<'_>, within: &Json) -> Result<Computed> {
    if top.size == 0 {
        return Ok(Computed::Top(Vec::new()));
    }
    let within = reached(&format!("{slot}h"), level, None, within)?;
    let hits = part(within, &format!("{slot}h"))?["hits"]["hits"].as_array().ok_or_else(|| lacking("first documents"))?;
    Ok(Computed::Top(documents(hits)?))
}
