//! The root of mutations, what they answer, and the small types they share. Which of them there are is the settings' to say.

use async_graphql::Value;
use async_graphql::dynamic::{Enum, EnumItem, Field, InputObject, InputValue, Object, TypeRef};

use super::{Types, described, field, input as argument, input::Inputs, word};
use crate::catalog::Exposed;
use crate::config::Writes;

pub(super) const NAME: &str = "Mutation";

pub(super) fn root() -> Object {
    Object::new(NAME).description(
        "Carried out one after another, in their order: each sees what those before it did. What could not be done is told in `errors`.",
    )
}

/// The mutations of one collection.
pub(super) fn add(types: &mut Types, root: Object, exposed: &Exposed) -> Object {
    let (one, many) = (&exposed.names.type_name, &exposed.names.types_name);
    let inputs = super::input::add(types, exposed);
    let (payload, bulk) = add_payloads(types, exposed);
    let refresh = |types: &mut Types| argument("refresh", types.shared("Refresh")).default_value(word("NONE"));
    let id = || InputValue::new("id", TypeRef::named_nn(TypeRef::ID));
    let if_version = || argument("ifVersion", TypeRef::STRING);
    let returns = |verb: &str, description: &str| described(format!("{verb}{one}"), TypeRef::named(&payload), description);

    let mut fields: Vec<Field> = Vec::new();
    if let Inputs { document: Some((input, patch)), .. } = &inputs {
        let whole = || InputValue::new("input", TypeRef::named_nn(input));
        fields.push(
            returns("create", "A new document. CONFLICT if there is one of that id; without an id it gets one.")
                .argument(whole())
                .argument(argument("id", TypeRef::ID))
                .argument(refresh(types)),
        );
        fields.push(
            returns("update", "Changes a document. NOT_FOUND if there is none, CONFLICT if it is not that version.")
                .argument(id())
                .argument(InputValue::new("patch", TypeRef::named_nn(patch)))
                .argument(if_version())
                .argument(refresh(types)),
        );
        fields.push(
            returns("upsert", "Puts a whole document there, whatever was there before.")
                .argument(id())
                .argument(whole())
                .argument(refresh(types)),
        );
    }
    fields.push(
        returns("delete", "Removes a document, and answers with it as it was. NOT_FOUND if there is none.")
            .argument(id())
            .argument(if_version())
            .argument(refresh(types)),
    );
    fields.push(
        described(
            format!("bulk{many}"),
            TypeRef::named(bulk),
            "Many operations at once, each with an outcome of its own; a value that does not fit refuses them all.",
        )
        .argument(InputValue::new("operations", TypeRef::named_nn_list_nn(&inputs.operation)))
        .argument(refresh(types)),
    );
    fields.into_iter().fold(root, Object::field)
}

/// `PackagePayload` and `PackagesBulkPayload`.
fn add_payloads(types: &mut Types, exposed: &Exposed) -> (String, String) {
    let names = &exposed.names;
    let (payload, bulk) = (format!("{}Payload", names.type_name), format!("{}BulkPayload", names.types_name));
    let errors = TypeRef::named_nn_list_nn(types.shared("WriteError"));
    types.add(
        Object::new(&payload)
            .field(field(exposed.payload_name(), TypeRef::named(&names.type_name)))
            .field(field("version", TypeRef::named(TypeRef::STRING)))
            .field(field("errors", errors.clone())),
    );
    types.add(
        Object::new(&bulk)
            .description("One item an operation, in order.")
            .field(field("items", TypeRef::named_nn_list_nn(&payload)))
            .field(described("errors", errors, "Of the bulk as a whole: then nothing was written.")),
    );
    (payload, bulk)
}

/// What is about collections as such.
pub(super) fn add_collections(types: &mut Types, root: Object) -> Object {
    let payload = types.shared("CollectionPayload");
    let name = || InputValue::new("name", TypeRef::named_nn(TypeRef::STRING));
    let fields = InputValue::new("fields", TypeRef::named_nn_list_nn(types.shared("FieldInput")));
    root.field(
        described("createCollection", TypeRef::named(payload), "An empty collection; it is in the schema when this answers.")
            .argument(name())
            .argument(fields),
    )
    .field(described("removeCollection", TypeRef::named(payload), "With all its documents.").argument(name()))
}

/// Whether there is anything to mutate.
pub(super) fn any(writes: Writes, collections: usize) -> bool {
    match writes {
        Writes::Off => false,
        Writes::Documents => collections > 0,
        Writes::All => true,
    }
}

/// A type that only mutations need, by name; false if it is none of these.
pub(super) fn add_shared(types: &mut Types, name: &str) -> bool {
    if let Some((description, items)) = enumeration(name) {
        let made = Enum::new(name).items(items.iter().copied().map(EnumItem::new));
        types.add(if description.is_empty() { made } else { made.description(description) });
        return true;
    }
    match name {
        "WriteError" => {
            let code = types.shared("ErrorCode");
            types.add(
                Object::new(name)
                    .description("path leads into the input: operations, 3, input, addedOn.")
                    .field(field("code", TypeRef::named_nn(code)))
                    .field(field("message", TypeRef::named_nn(TypeRef::STRING)))
                    .field(field("path", TypeRef::named_nn_list_nn(TypeRef::STRING))),
            );
        }
        "CollectionPayload" => {
            let errors = TypeRef::named_nn_list_nn(types.shared("WriteError"));
            types.add(Object::new(name).field(field("name", TypeRef::named(TypeRef::STRING))).field(field("errors", errors)));
        }
        "FieldInput" => {
            let kind = types.shared("FieldKind");
            let flag = |name: &str| argument(name, TypeRef::BOOLEAN).default_value(Value::Boolean(false));
            types.add(
                InputObject::new(name)
                    .field(
                        InputValue::new("path", TypeRef::named_nn(TypeRef::STRING))
                            .description("shipping.city lies in the object shipping."),
                    )
                    .field(InputValue::new("kind", TypeRef::named_nn(kind)))
                    .field(flag("list").description("Holds several values. NESTED does unless this says false."))
                    .field(flag("keyword").description("Of a TEXT: can be filtered, sorted and grouped by its whole value too."))
                    .field(argument("format", TypeRef::STRING).description("Of a DATE, as Elasticsearch writes it: yyyy-MM-dd."))
                    .field(argument("dims", TypeRef::INT).description("Of a VECTOR.")),
            );
        }
        _ => return false,
    }
    true
}

fn enumeration(name: &str) -> Option<(&'static str, &'static [&'static str])> {
    Some(match name {
        "Refresh" => (
            "Whether a write waits until searches see it: no; until the next refresh; or refreshes itself.",
            &["NONE", "WAIT", "NOW"],
        ),
        "ErrorCode" => (
            "",
            &[
                "BAD_USER_INPUT",
                "NOT_FOUND",
                "CONFLICT",
                "UNAUTHENTICATED",
                "FORBIDDEN",
                "LIMIT_EXCEEDED",
                "BAD_CURSOR",
                "TIMEOUT",
                "BACKEND_UNAVAILABLE",
                "PARTIAL_RESULT",
                "UNSUPPORTED",
                "INTERNAL",
            ],
        ),
        "FieldKind" => ("", &crate::graphql::mutation::FIELD_KINDS),
        _ => return None,
    })
}
