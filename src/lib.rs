//! hooke: a typed GraphQL API, a REST API and search pages in front of Elasticsearch, or of an embedded engine.
//!
//! The table of contents, from the top of the house to the ground; each module uses only those below it
//! (`docs/ARCHITECTURE.md` has the map, a test holds the code against it).

pub mod search;
