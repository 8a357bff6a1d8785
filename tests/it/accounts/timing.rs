//! Whether an address is known does not show in how long an answer takes.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{House, PASSWORD, add_user, send};
use crate::app::TestApp;

async fn took(app: &TestApp, path: &str, email: &str) -> Duration {
    let body = match path {
        "/v1/forgot" => json!({ "email": email }),
        "/v1/register" => json!({ "email": email, "password": "wrong password", "name": "Somebody" }),
        _ => json!({ "email": email, "password": "wrong password" }),
    };
    let from = Instant::now();
    let (status, _) = send(app, "POST", path, None, Some(body)).await;
    let took = from.elapsed();
    assert!(matches!(status, 401 | 202 | 503), "{path} {status}");
    took
}

/// The medians of interleaved pairs, a known address and an unknown one.
async fn medians(pairs: usize, path: &str) -> (Duration, Duration) {
    let house = House::open(false, |config| config.accounts.attempts = 1_000_000).await.unwrap();
    add_user(&house.app, "ada@example.org", "member").await;
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for n in 0..pairs {
        let stranger = format!("eve{n}@example.org");
        // now the one first, now the other
        if n % 2 == 0 {
            known.push(took(&house.app, path, "ada@example.org").await);
        }
        unknown.push(took(&house.app, path, &stranger).await);
        if n % 2 == 1 {
            known.push(took(&house.app, path, "ada@example.org").await);
        }
    }
    house.stop().await;
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    (median(known), median(unknown))
}

#[tokio::test]
#[ignore = "takes minutes, and wants a machine of its own: cargo test --test it -- --ignored whether_an_address_is_known"]
async fn whether_an_address_is_known_does_not_show_in_500_pairs() {
    for path in ["/v1/login", "/v1/forgot", "/v1/register"] {
        let (known, unknown) = medians(500, path).await;
        println!("{path}: known {known:?}, unknown {unknown:?}");
        assert!(known.abs_diff(unknown) < Duration::from_millis(2), "{path}: known {known:?}, unknown {unknown:?}");
    }
}

/// On a machine that does much else only a missing hash would show: that is tens of milliseconds.
#[tokio::test]
async fn an_unknown_address_takes_a_hash_as_well() {
    let (known, unknown) = medians(9, "/v1/login").await;
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.4..2.5).contains(&ratio), "known {known:?}, unknown {unknown:?}");
    assert!(unknown > Duration::from_millis(5), "{unknown:?} is too fast for {PASSWORD:?} to be hashed");
}
