//! What live queries cost the engine: equal ones are run once, and one look watches for all.

use std::time::{Duration, Instant};

use super::{NOTES, run_at, texts};
use crate::ground::{Kind, elasticsearch_url};
use crate::roundtrips::Proxy;

#[tokio::test]
async fn equal_subscriptions_cost_one_search() {
    let Some(elasticsearch) = elasticsearch_url() else {
        eprintln!("SKIPPED, HOOKE_TEST_ELASTICSEARCH is not set");
        return;
    };
    let (proxy, url) = Proxy::start(elasticsearch).await;
    run_at(Kind::Elasticsearch, Some(url), async |bench| {
        let mut sockets = Vec::new();
        for _ in 0..5 {
            sockets.push(bench.socket().await);
        }
        proxy.take();
        for (at, socket) in sockets.iter_mut().enumerate() {
            for id in ["a", "b"] {
                socket.subscribe(id, &NOTES.replace("subscription", &format!("subscription S{at} # of {id}\n"))).await;
            }
        }
        for socket in &mut sockets {
            for id in ["a", "b"] {
                assert!(texts(&socket.news(id).await).is_empty());
            }
        }
        assert_eq!(proxy.take().len(), 1, "ten subscriptions, one search");
        bench.put("x", 1, "one").await;
        let began = Instant::now();
        for socket in &mut sockets {
            for id in ["a", "b"] {
                assert_eq!(texts(&socket.news(id).await), ["one"]);
            }
        }
        // the write itself may wake it twice: when it is taken, and when it is seen
        let searches = proxy.take().iter().filter(|seen| seen.path.contains("_search")).count();
        let most = 1 + began.elapsed().as_secs() as usize + 1;
        assert!(searches <= most, "{searches} searches in {:?}", began.elapsed());
        drop(sockets);
        // with the last subscriber the looking ends
        let from = Instant::now();
        loop {
            proxy.take_all();
            // long enough for two looks
            tokio::time::sleep(Duration::from_millis(1_200)).await;
            if !proxy.take_all().iter().any(|seen| seen.path.starts_with("/_stats")) {
                break;
            }
            assert!(from.elapsed() < Duration::from_secs(10), "somebody still looks");
        }
    })
    .await;
}
