# Tasks one repeats. `just` alone lists them.

default:
    @just --list

# Serve on the embedded engine under ./data
run *ARGS:
    cargo run --release -- {{ARGS}}

# Everything CI runs, on a real Elasticsearch that it obtains, starts and stops
test *ARGS:
    ./scripts/test {{ARGS}}

# A real Elasticsearch to work against: start, stop, status
elasticsearch COMMAND="status":
    ./scripts/elasticsearch {{COMMAND}}

# What must hold before a commit
check:
    cargo fmt --all --check
    cargo clippy --all-targets --features paused-clock -- -D warnings

# Write schema.graphql, openapi.json and hooke.sample.toml anew from the code
schemas:
    UPDATE=1 cargo test stale

# Random queries to both engines and the plain evaluator, so many, from a seed of your own; see docs/correctness.md
differential CASES="100000" SEED="1":
    HOOKE_TEST_CASES={{CASES}} HOOKE_TEST_SEED={{SEED}} ./scripts/test --test it -- differential

# Hold hooke to openapi.json by schemathesis, so many requests for each operation
contract EXAMPLES="300":
    ./scripts/contract {{EXAMPLES}}

# Attacks against a running hooke, and how many are refused; --server URL for one of your own
attack *ARGS:
    ./scripts/attack {{ARGS}}

# Licences, bans and sources of all dependencies (cargo install cargo-deny)
deny:
    cargo deny --locked check licenses bans sources

# Random input to each parser, for so many seconds each
fuzz SECONDS="60":
    ./scripts/fuzz {{SECONDS}}

# What takes long: long differential runs with a seed of your own, many requests made up from openapi.json, the tests of perf
nightly:
    HOOKE_TEST_CASES=100000 ./scripts/test differential
    ./scripts/contract
    cd perf && cargo test --locked

# How fast values are completed among so many documents on the embedded engine; the test says what it prints
suggest-speed DOCUMENTS="1000000":
    HOOKE_TEST_DOCUMENTS={{DOCUMENTS}} cargo test --release --test it completing_many -- --ignored --nocapture

# Load a running hooke: original, search, facets, page, get, mixed, write or thousand; see perf/README.md
perf SCENARIO="mixed" *ARGS:
    cargo run --locked --manifest-path perf/Cargo.toml -- {{SCENARIO}} {{ARGS}}

# What vectors take on 100,000 documents and facets and groups on 1,000,000, embedded: minutes
figures DOCUMENTS="":
    HOOKE_FIGURES_DOCUMENTS={{DOCUMENTS}} cargo test --release --test it figures:: -- --ignored --nocapture --test-threads 1

# The limit of an upstream for real: 250 calls at 100 a minute, two minutes
lab-real:
    cargo build --release
    ./scripts/lab-real

# What schemas of ten roles weigh that each see other fields of 1,000 collections, and of ten that see other rows
roles-memory:
    cargo test --release --lib memory_of_a_thousand -- --ignored --nocapture
