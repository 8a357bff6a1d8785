//! Jobs: their type, the roots that show them, and those that start and steer them.

use async_graphql::Value;
use async_graphql::dynamic::{Enum, EnumItem, InputObject, InputValue, Object, Subscription, TypeRef};

use super::{Types, described, field, input, live};
use crate::catalog::Catalog;
use crate::jobs::{Kind, Steer};

pub(super) fn add_roots(types: &mut Types, query: Object) -> Object {
    add_types(types);
    query
        .field(
            described("job", TypeRef::named("Job"), "Null where there is none.")
                .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID))),
        )
        .field(
            described("jobs", TypeRef::named("JobConnection"), "The newest first.")
                .argument(input("state", "JobState"))
                .argument(input("first", TypeRef::INT).default_value(Value::from(20)))
                .argument(input("after", TypeRef::STRING)),
        )
}

pub(super) fn subscribe(subscription: Subscription) -> Subscription {
    let job = live("job", TypeRef::named("Job"), "As it changes, until it has come to its end; null where there is none.");
    subscription.field(job.argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID))))
}

pub(super) fn add_mutations(types: &mut Types, mut root: Object, catalog: &Catalog) -> Object {
    let errors = TypeRef::named_nn_list_nn(types.shared("WriteError"));
    types.add(Object::new("JobPayload").field(field("job", TypeRef::named("Job"))).field(field("errors", errors)));
    let mut order = InputObject::new("JobInput").field(InputValue::new("kind", TypeRef::named_nn("JobKind")));
    if !catalog.collections.is_empty() {
        order = order.field(input("collection", "CollectionName"));
    }
    let json = types.shared("JSON");
    types.add(order.field(input("arguments", json).description("By kind; see docs/jobs.md.")));
    root = root.field(
        described("startJob", TypeRef::named("JobPayload"), "Answered at once; the job goes on by itself.")
            .argument(InputValue::new("input", TypeRef::named_nn("JobInput"))),
    );
    for steer in Steer::ALL {
        root = root.field(
            field(format!("{}Job", steer.as_str()), TypeRef::named("JobPayload"))
                .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID))),
        );
    }
    root
}

fn add_types(types: &mut Types) {
    let (node_id, long, time, page_info) =
        (types.node_id(), types.shared("Long"), types.shared("DateTime"), types.shared("PageInfo"));
    let own_id = if types.relay { "_id" } else { "id" };
    let float = || TypeRef::named(TypeRef::FLOAT);
    types.add(Enum::new("JobKind").items(Kind::ALL.map(|kind| EnumItem::new(kind.as_str()))));
    let states = ["QUEUED", "RUNNING", "PAUSED", "SUCCEEDED", "FAILED", "CANCELLED"];
    types.add(Enum::new("JobState").items(states.map(EnumItem::new)));
    types.add(
        Object::new("Job")
            .implement("Node")
            .field(field(node_id, TypeRef::named_nn(TypeRef::ID)))
            .field(field(own_id, TypeRef::named_nn(TypeRef::ID)))
            .field(field("kind", TypeRef::named_nn("JobKind")))
            .field(field("state", TypeRef::named_nn("JobState")))
            .field(described("done", TypeRef::named_nn(long), "Documents, calls, milliseconds or numbers, by kind."))
            .field(described("of", TypeRef::named(long), "Null where it is not known."))
            .field(described("rate", float(), "Done per second, lately."))
            .field(field("secondsLeft", float()))
            .field(field("createdAt", TypeRef::named_nn(time)))
            .field(field("startedAt", TypeRef::named(time)))
            .field(field("finishedAt", TypeRef::named(time)))
            .field(
                described("log", TypeRef::named_nn_list_nn(TypeRef::STRING), "The last lines, the oldest first.")
                    .argument(input("last", TypeRef::INT).default_value(Value::from(20))),
            )
            .field(described("error", TypeRef::named(TypeRef::STRING), "Why it failed.")),
    );
    types.add(
        Object::new("JobConnection")
            .field(field("pageInfo", TypeRef::named_nn(page_info)))
            .field(field("edges", TypeRef::named_nn_list_nn("JobEdge"))),
    );
    types.add(
        Object::new("JobEdge")
            .field(field("cursor", TypeRef::named_nn(TypeRef::STRING)))
            .field(field("node", TypeRef::named_nn("Job"))),
    );
}
