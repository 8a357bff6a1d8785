//! Who may see and do what: the viewer of a request and the role they have. How one becomes a viewer (accounts, keys, tokens) is
//! not its business, nor what an engine makes of a rule.

mod role;
mod viewer;

pub use role::{Grant, Role, Roles};
pub use viewer::{Viewer, Who};
