//! When two subscriptions are the same: same operation, whatever its name, its spaces and its comments, and same variables.

use std::fmt::Write as _;
use std::sync::Arc;

use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

use crate::graphql::run::{Compiled, Request};

/// A digest: it is kept for each live query, and operations may be long.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; SHA256_OUTPUT_LEN]);

impl Key {
    /// Not of the schema: a query that goes on under a new one is still the same.
    /// What a viewer may see is told by their policy.
    pub(super) fn of(compiled: &Compiled, request: &Request, policy: &str) -> Self {
        let mut text = String::with_capacity(request.query.len() + 64);
        let _ = write!(text, "{policy}\0");
        let mut operation = compiled.operation.as_ref().clone();
        operation.name = None;
        let _ = write!(text, "{}", operation.serialize().no_indent());
        for fragment in compiled.document.valid.fragments.values() {
            let _ = write!(text, "\n{}", fragment.serialize().no_indent());
        }
        // a text between the two that no operation holds
        text.push('\0');
        for variable in &compiled.operation.variables {
            let name = variable.name.as_str();
            if let Some(value) = request.variables.get(name) {
                let _ = write!(text, "{name}={value},");
            }
        }
        let mut key = [0; SHA256_OUTPUT_LEN];
        key.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Key(key)
    }

    /// What the log calls it.
    pub(super) fn name(&self) -> Arc<str> {
        let start: String = self.0.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("live-{start}").into()
    }
}
