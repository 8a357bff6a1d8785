//! Elasticsearch's own: `cluster` against a real one, `wire` against a made-up one that misbehaves.

mod cluster;
mod wire;
