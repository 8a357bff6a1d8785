//! Everything tested from outside: the engines at their trait, hooke through its real router on a port of its own.
//!
//! `HOOKE_TEST_ELASTICSEARCH` names an Elasticsearch to test on (`scripts/test` starts one). Without it half of the tests say that
//! they did not run; under `HOOKE_TEST_REQUIRE=1` they fail instead.

#![allow(clippy::unwrap_used)]
#![allow(unreachable_pub, reason = "in a binary `pub` is for its other modules")]

mod accounts;
mod app;
mod attack;
mod audit;
mod audits;
mod browser;
mod commands;
mod conformance;
mod contract;
mod counting;
mod differential;
mod docs;
mod figures;
mod graphql_http;
mod ground;
mod hostile;
mod introspection;
mod jobs;
mod jobs_fetch;
mod jobs_kinds;
mod jobs_pages;
mod jobs_processes;
mod known;
mod lab;
mod layering;
mod lists;
mod live;
mod mutations;
mod pages;
mod parsers;
mod places;
mod rating;
mod reference;
mod relations;
mod rest;
mod rest_compat;
mod rest_http;
mod roles;
mod roundtrips;
mod server;
mod snapshots;
mod stale;
mod suggestions;
mod together;
mod traces;
mod upstream;
mod vectors;
mod verify;
