//! Every behaviour of `Engine` once: each test runs on the embedded engine and on Elasticsearch and must hold on both.

use std::io::Write as _;

use crate::ground::{Kind, elasticsearch_url};

/// Names tests of a file; each becomes two, one for each engine.
macro_rules! conformance {
    ($($name:ident)*) => {
        $(
            mod $name {
                use crate::ground::{Kind, run};

                #[tokio::test]
                async fn embedded() {
                    run(Kind::Embedded, stringify!($name), super::$name).await;
                }

                #[tokio::test]
                async fn elasticsearch() {
                    run(Kind::Elasticsearch, stringify!($name), super::$name).await;
                }
            }
        )*
        pub(super) const COUNT: usize = [$(stringify!($name)),*].len();
    };
}

mod asking;
mod collections;
mod computing;
mod dates;
mod elements;
mod errors;
mod explanations;
mod facets;
mod filters;
mod get;
mod groups;
mod highlights;
mod ip;
mod metrics;
mod nested;
mod numbers;
mod order;
mod paging;
mod patterns;
mod places;
mod suggestions;
mod text;
mod together;
mod unicode;
mod vectors;
mod writes;

const COUNT: usize = collections::COUNT
    + dates::COUNT
    + elements::COUNT
    + errors::COUNT
    + explanations::COUNT
    + facets::COUNT
    + filters::COUNT
    + get::COUNT
    + groups::COUNT
    + highlights::COUNT
    + ip::COUNT
    + metrics::COUNT
    + nested::COUNT
    + numbers::COUNT
    + order::COUNT
    + paging::COUNT
    + patterns::COUNT
    + places::COUNT
    + suggestions::COUNT
    + text::COUNT
    + together::COUNT
    + unicode::COUNT
    + vectors::COUNT
    + writes::COUNT;

/// The test runner hides what tests print that pass; this must be seen.
#[tokio::test]
async fn tells_how_many_run_where() {
    let elastic = match crate::ground::Ground::open(Kind::Elasticsearch).await {
        Some(ground) => {
            let health = ground.engine.health(&crate::ground::call()).await.unwrap();
            format!("{COUNT} on Elasticsearch {} at {}", health.version.unwrap_or_default(), elasticsearch_url().unwrap())
        }
        None => "NONE on Elasticsearch (HOOKE_TEST_ELASTICSEARCH is not set)".into(),
    };
    writeln!(std::io::stderr(), "conformance: {COUNT} tests on the embedded engine, {elastic}").unwrap();
    const { assert!(COUNT > 50) };
}
