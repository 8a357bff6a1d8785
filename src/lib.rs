//! hooke: a typed GraphQL API, a REST API and search pages in front of Elasticsearch, or of an embedded engine.
//!
//! The table of contents, from the top of the house to the ground; each module uses only those below it
//! (`docs/ARCHITECTURE.md` has the map, a test holds the code against it).

/// What can be done from a shell.
pub mod commands;

/// HTTP: all routes, the layers around them, from listening to a graceful end.
pub mod server;

/// The GraphQL API: the catalog as a schema, operations as one round trip, answers in their order.
pub mod graphql;

/// The REST API under `/v1`.
pub mod rest;

/// What people see of hooke in a browser.
pub mod pages;

/// What one running hooke consists of: engines, data folder, secret, counts.
pub mod app;

/// The experiments that one can run and see plotted.
pub mod lab;

/// Long tasks with a state: started, watched, steered, kept over a crash.
pub mod jobs;

/// How much one caller may ask for, in one process and in several.
pub mod rates;

/// Calls to other people's APIs: in sequence, at once, inside their rate.
pub mod upstream;

/// People who sign in, keys of programs, tokens that another service signs.
pub mod accounts;

/// Who may see and do what: viewers, roles, row and field rules.
pub mod access;

/// Whether an engine answers as it should: a plain evaluator, and random queries.
pub mod verify;

/// Collections as exposed: names, lists, hot swap; plain JSON becomes parts of a query.
pub mod catalog;

/// The core: what a query means, and the two engines that answer it.
pub use hooke_search as search;

/// Settings, for all.
pub mod config;

/// Code and status of every error, for all.
pub mod error;

/// Logs, request ids and counts, for all.
pub mod telemetry;
