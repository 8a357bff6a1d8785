//! Several collections searched together: what can be asked so. Both engines refuse the rest alike.

use super::{Direction, Error, Filter, From, Moment, Order, Query, Result};

/// Whether it is one search over several collections; an error where what it asks makes no sense.
pub(super) fn check(query: &Query) -> Result<bool> {
    if query.on.is_empty() {
        return Err(Error::invalid("a query names no collection"));
    }
    if query.members.is_empty() {
        return match query.on.len() {
            1 => Ok(false),
            _ => Err(Error::invalid("a search over several collections says what each is asked")),
        };
    }
    if query.members.len() != query.on.len() {
        return Err(Error::internal("a search over several collections with more or fewer members"));
    }
    if (1..query.on.len()).any(|at| query.on[..at].contains(&query.on[at])) {
        return Err(Error::invalid("a search names a collection twice"));
    }
    if query.rank.is_some() || query.rule != Filter::All || query.filter != Filter::All {
        return Err(Error::internal("what each collection is asked stands in its member"));
    }
    let lacking = if query.at != Moment::Live {
        "a snapshot"
    } else if !query.order.is_empty() && query.order != [Order::Score(Direction::Desc)] {
        "an order of its own"
    } else if matches!(query.page.from, From::Offset(_)) {
        "an offset"
    } else if !query.ticks.is_empty() || !query.compute.is_empty() || !query.suggest.is_empty() {
        "counting and suggesting"
    } else if !query.fetch.highlights.is_empty() || !query.fetch.inner_hits.is_empty() {
        "marks and elements"
    } else {
        return Ok(true);
    };
    Err(Error::Unsupported(format!("{lacking} over several collections")))
}
