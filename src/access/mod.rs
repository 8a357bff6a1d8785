//! Who may see and do what: the viewer of a request, their role, and from it the catalog and the engine as they exist for them. How one
//! becomes a viewer (accounts, keys, tokens) is not its business, nor what an engine makes of a rule.

mod answers;
mod desk;
mod fields;
mod guard;
mod role;
mod rows;
mod seal;
#[cfg(test)]
mod tests;
mod viewer;

pub use desk::Desk;
pub use role::{Grant, Role, Roles};
pub use viewer::{Viewer, Who};
