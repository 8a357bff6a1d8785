//! What is counted over the documents found: facets, aggregates and groups. Each that is selected gets a slot; a fault in the
//! arguments of one is an error of that field alone.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::connection::without_nulls;
use super::{Planner, is_given, paths, within_role};
use crate::catalog::ask::{self, Frame};
use crate::catalog::{Exposed, ExposedField, cursor};
use crate::graphql::errors::Failure;
use crate::graphql::operation::{Node, Part, Values, What, arguments};
use crate::search::{Compute, FieldRef, Filter, GroupBy, GroupKey, GroupOrder, Kind, Metric, Scope, Slot, Top};

/// By the address of the node, which stays where it is while an operation runs.
pub(crate) type Counted<'a> = HashMap<usize, Made<'a>>;

/// Where the answer of a node is found.
#[derive(Debug)]
pub(crate) enum Made<'a> {
    Failed(Failure),
    /// With the clause of its own field, to tell which values are asked for. No slot: nothing of it is selected.
    Facet {
        slot: Option<Slot>,
        field: &'a FieldRef,
        tick: Option<Filter>,
    },
    /// The counts of metrics.
    Counts(Slot),
    /// One metric, by its place.
    Metric(Slot, usize),
    Groups {
        slot: Slot,
        keys: Vec<GroupKey>,
        cursors: Option<String>,
        after: bool,
    },
    Top(Slot),
}

pub(crate) fn address(node: &Node) -> usize {
    std::ptr::from_ref(node).addr()
}

/// What is computed on one level: of the whole result, or in each group.
type Level = Vec<(Slot, Compute)>;

pub(super) struct Counting<'a, 'b> {
    planner: &'b Planner<'a>,
    exposed: &'a Exposed,
    variables: &'b Values,
    /// Of the connection.
    arguments: &'b Values,
    ticks: &'b [(FieldRef, Filter)],
    slots: Slot,
    level: Level,
    made: Counted<'a>,
    /// The last fault on the way: what lies in a grouping fails all of it, or it would be told only where there are groups.
    fault: Option<Failure>,
}

impl<'a, 'b> Counting<'a, 'b> {
    pub(super) fn new(
        planner: &'b Planner<'a>,
        exposed: &'a Exposed,
        variables: &'b Values,
        arguments: &'b Values,
        ticks: &'b [(FieldRef, Filter)],
    ) -> Self {
        Counting {
            planner,
            exposed,
            variables,
            arguments,
            ticks,
            slots: 0,
            level: Level::new(),
            made: Counted::new(),
            fault: None,
        }
    }

    pub(super) fn finish(self) -> (Vec<(Slot, Compute)>, Counted<'a>) {
        (self.level, self.made)
    }

    pub(super) fn of_connection(&mut self, node: &'a Node) {
        let mut level = std::mem::take(&mut self.level);
        match node.what {
            What::Counted(Part::Facets) => self.facets(&node.sub, &self.exposed.fields, &mut level),
            What::Counted(Part::Aggregate) => self.aggregate(&node.sub, &self.exposed.fields, None, &mut level),
            What::Counted(Part::GroupBy) => self.grouping(node, 1, &mut level),
            _ => {}
        }
        self.level = level;
    }

    fn slot(&mut self) -> Slot {
        self.slots += 1;
        self.slots
    }

    fn put(&mut self, node: &Node, made: Result<Made<'a>, Failure>) {
        let made = made.unwrap_or_else(|failure| {
            self.fault = Some(failure.clone());
            Made::Failed(failure)
        });
        self.made.insert(address(node), made);
    }

    fn frame(&self) -> Frame<'b> {
        Frame { limits: self.planner.limits, now: self.planner.now }
    }

    fn read(&self, node: &Node) -> Result<Values, Failure> {
        Ok(arguments(self.planner.schema, &node.field, self.variables)?)
    }

    fn facets(&mut self, selected: &'a [Node], fields: &'a [ExposedField], level: &mut Level) {
        for node in selected {
            let What::Counted(Part::Field(at)) = node.what else { continue };
            let Some(field) = fields.get(at) else { continue };
            if matches!(field.field.kind, Kind::Object | Kind::Nested) {
                self.facets(&node.sub, &field.fields, level);
                continue;
            }
            let made = self.facet(node, field, level);
            self.put(node, made);
        }
    }

    fn facet(&mut self, node: &'a Node, of: &'a ExposedField, level: &mut Level) -> Result<Made<'a>, Failure> {
        let mut facet = ask::facet(self.frame(), of, &self.read(node)?)?;
        let wants =
            |parts: &[Part]| node.sub.iter().any(|inner| matches!(&inner.what, What::Counted(part) if parts.contains(part)));
        if of.field.kind == Kind::GeoPoint && facet.zoom.is_none() && wants(&[Part::Cells]) {
            return Err(Failure::input("cells are tiles of a map: say at which `zoom`, from 0 (one tile) to 29"));
        }
        // the arguments decide what a value, a bucket or a number is; what nobody looks at is not computed
        facet.values = facet.values.filter(|_| wants(&[Part::Values, Part::OtherCount, Part::Cells]));
        facet.missing &= wants(&[Part::Values]);
        facet.distinct &= wants(&[Part::DistinctCount, Part::ExactDistinct]);
        facet.stats &= wants(&[Part::Stats]);
        if !wants(&[Part::Buckets]) {
            (facet.ranges, facet.interval) = (Vec::new(), None);
        }
        let any = facet.values.is_some() || facet.distinct || facet.stats || facet.interval.is_some() || !facet.ranges.is_empty();
        let slot = any.then(|| {
            let slot = self.slot();
            level.push((slot, Compute::Facet(facet)));
            slot
        });
        let tick = self.ticks.iter().find(|(field, _)| field.path == of.field.path).map(|(_, filter)| filter.clone());
        Ok(Made::Facet { slot, field: &of.field, tick })
    }

    fn aggregate(&mut self, selected: &'a [Node], fields: &'a [ExposedField], under: Option<&'a FieldRef>, level: &mut Level) {
        for node in selected {
            let made = match node.what {
                What::Counted(Part::Count | Part::NestedCount) => Made::Counts(self.metrics(under, level)),
                What::Counted(Part::Field(at)) => {
                    let Some(field) = fields.get(at) else { continue };
                    match field.field.kind {
                        Kind::Object => self.aggregate(&node.sub, &field.fields, under, level),
                        Kind::Nested => self.aggregate(&node.sub, &field.fields, Some(&field.field), level),
                        _ => self.measures(&node.sub, &field.field, under, level),
                    }
                    continue;
                }
                _ => continue,
            };
            self.made.insert(address(node), made);
        }
    }

    fn measures(&mut self, selected: &'a [Node], field: &'a FieldRef, under: Option<&'a FieldRef>, level: &mut Level) {
        for node in selected {
            let metric = match node.what {
                What::Counted(Part::Min | Part::Max | Part::Avg | Part::Sum | Part::Stats) => Ok(Metric::Stats),
                What::Counted(Part::StdDev) => Ok(Metric::StdDev),
                What::Counted(Part::DistinctCount | Part::ExactDistinct) => Ok(Metric::Distinct),
                What::Counted(Part::ValueCount) => Ok(Metric::ValueCount),
                What::Counted(Part::Percentiles) => self.read(node).and_then(|arguments| percentiles(&arguments)),
                _ => continue,
            };
            let made = metric.map(|metric| {
                let slot = self.metrics(under, level);
                Made::Metric(slot, place(level, slot, field, metric))
            });
            self.put(node, made);
        }
    }

    /// One for each path on a level, however many ask.
    fn metrics(&mut self, under: Option<&FieldRef>, level: &mut Level) -> Slot {
        let path = |field: Option<&FieldRef>| field.map(|field| field.path.clone());
        let known = level.iter().find_map(|(slot, compute)| match compute {
            Compute::Metrics { under: known, .. } if path(known.as_ref()) == path(under) => Some(*slot),
            _ => None,
        });
        known.unwrap_or_else(|| {
            let slot = self.slot();
            level.push((slot, Compute::Metrics { scope: Scope::Matched, under: under.cloned(), of: Vec::new() }));
            slot
        })
    }

    fn grouping(&mut self, node: &'a Node, depth: usize, level: &mut Level) {
        let made = self.groups(node, depth, level);
        self.put(node, made);
    }

    fn groups(&mut self, node: &'a Node, depth: usize, level: &mut Level) -> Result<Made<'a>, Failure> {
        let limits = self.planner.limits;
        if depth > limits.group_depth {
            return Err(Failure::limit("group_depth", limits.group_depth as u64, depth as u64, "group by several keys at once"));
        }
        let arguments = self.read(node)?;
        let part = |name: &str| arguments.get(name).filter(|json| !json.is_null()).map(without_nulls);
        let (keys_asked, order_asked) = (part("keys"), part("orderBy"));
        let keys = ask::group_keys(self.frame(), self.exposed, keys_asked.as_ref().unwrap_or(&Json::Null))?;
        let order = ask::group_order(self.exposed, order_asked.as_ref().unwrap_or(&Json::Null))?;
        let having = match arguments.get("having") {
            Some(json) => ask::having(self.frame(), self.exposed, json)?,
            None => None,
        };
        let first = size(&arguments, "first", 10, limits.groups)?;

        // an order by key alone is the same whatever else is counted: one can go on behind a key
        let by_key = matches!(order.as_slice(), [GroupOrder::Key(_)]) && keys.iter().all(|key| key.ranges.is_empty());
        let cursors = (by_key && depth == 1).then(|| {
            let of = |name: &str| self.arguments.get(name).filter(|json| !json.is_null()).map(without_nulls);
            let (search, filter, ticks) = (of("search"), of("filter"), of("facetFilters"));
            let grouped = serde_json::json!({ "keys": keys_asked, "orderBy": order_asked, "having": arguments.get("having") });
            cursor::binding(&self.exposed.collection.name, search.as_ref(), filter.as_ref(), ticks.as_ref(), Some(&grouped))
        });
        let after = match (arguments.get("after").and_then(Json::as_str), &cursors) {
            (None, _) => None,
            (Some(_), None) if depth > 1 => return Err(Failure::input("after is for the outermost groupBy")),
            (Some(_), None) => {
                return Err(Failure::input(
                    "groups have pages only where they are ordered by key alone: orderBy: [{ key: ASC }], and no key has ranges",
                ));
            }
            (Some(cursor), Some(binding)) => {
                let key = self.planner.signer.read(binding, cursor).and_then(|key| cursor::group_place(&keys, &key));
                Some(key.ok_or_else(crate::graphql::paging::stale)?)
            }
        };

        let before = self.fault.take();
        let mut inside = Level::new();
        for group in node.sub.iter().filter(|inner| matches!(inner.what, What::Counted(Part::Nodes))).flat_map(|nodes| &nodes.sub)
        {
            match group.what {
                What::Counted(Part::Aggregate) => self.aggregate(&group.sub, &self.exposed.fields, None, &mut inside),
                What::Counted(Part::GroupBy) => self.grouping(group, depth + 1, &mut inside),
                What::Counted(Part::TopHits) => {
                    let made = self.top(group, &mut inside);
                    self.put(group, made);
                }
                _ => {}
            }
        }
        if let Some(failure) = std::mem::replace(&mut self.fault, before) {
            return Err(failure);
        }
        let (slot, after_given) = (self.slot(), after.is_some());
        level.push((slot, Compute::Groups(GroupBy { keys: keys.clone(), first, after, order, having, inside })));
        Ok(Made::Groups { slot, keys, cursors, after: after_given })
    }

    fn top(&mut self, node: &'a Node, level: &mut Level) -> Result<Made<'a>, Failure> {
        let arguments = self.read(node)?;
        let size = size(&arguments, "first", 3, self.planner.limits.top_hits)?;
        let size = within_role(self.exposed, size, is_given(node, "first", self.variables))?;
        let order = match arguments.get("orderBy").filter(|json| !json.is_null()) {
            Some(json) => ask::order(self.frame(), self.exposed, &without_nulls(json))?,
            None => Vec::new(),
        };
        let slot = self.slot();
        let fields = Some(paths(self.exposed, &node.sub).into_iter().collect());
        level.push((slot, Compute::Top(Top { size, order, fields })));
        Ok(Made::Top(slot))
    }
}

/// The place of a metric, which is computed once however many ask.
fn place(level: &mut Level, slot: Slot, field: &FieldRef, metric: Metric) -> usize {
    let found = level.iter_mut().find_map(|(known, compute)| match compute {
        Compute::Metrics { of, .. } if *known == slot => Some(of),
        _ => None,
    });
    let Some(of) = found else { return 0 };
    of.iter().position(|(known, asked)| known.path == field.path && *asked == metric).unwrap_or_else(|| {
        of.push((field.clone(), metric));
        of.len() - 1
    })
}

/// So many are enough to draw a curve.
const MOST_PERCENTILES: usize = 100;

fn percentiles(arguments: &Values) -> Result<Metric, Failure> {
    let at: Vec<f64> = arguments.get("at").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_f64).collect();
    if at.is_empty() || at.iter().any(|at| !(0.0..=100.0).contains(at)) {
        return Err(Failure::input("at names percentages between 0 and 100, at least one"));
    }
    if at.len() > MOST_PERCENTILES {
        return Err(Failure::limit("percentiles", MOST_PERCENTILES as u64, at.len() as u64, "ask for fewer"));
    }
    Ok(Metric::Percentiles(at))
}

/// `first` of groups and of their documents: at least one.
fn size(arguments: &Values, name: &'static str, default: u32, most: u32) -> Result<u32, Failure> {
    match arguments.get(name).and_then(Json::as_i64).map(u32::try_from) {
        None => Ok(default.min(most)),
        Some(Ok(size)) if (1..=most).contains(&size) => Ok(size),
        Some(Ok(size)) if size > most => Err(Failure::limit(name, most.into(), size.into(), "ask for fewer")),
        Some(_) => Err(Failure::input(format!("{name} is at least 1"))),
    }
}
