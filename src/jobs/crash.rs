//! A crash at any step of a job: at the step that is told, the process's jobs stand still for ever, as if it had been killed there.

use std::sync::atomic::{AtomicU64, Ordering};

/// Steps so far, and the one to die at.
pub(super) struct Point {
    passed: AtomicU64,
    at: AtomicU64,
    pub(super) died: tokio::sync::Notify,
}

impl Default for Point {
    fn default() -> Self {
        Point { passed: AtomicU64::new(0), at: AtomicU64::new(u64::MAX), died: tokio::sync::Notify::new() }
    }
}

impl Point {
    pub(super) fn set(&self, at: u64) {
        self.at.store(at, Ordering::SeqCst);
    }

    pub(super) async fn step(&self) {
        let number = self.passed.fetch_add(1, Ordering::SeqCst);
        if number >= self.at.load(Ordering::SeqCst) {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }
}

mod rounds {
    use std::collections::BTreeMap;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use serde_json::{Value as Json, json};
    use tempfile::TempDir;

    use super::super::{Job, Jobs, Kind, Order, State};
    use crate::catalog;
    use crate::config::{Config, UpstreamConfig, Writes};
    use crate::search::{
        Action, Call, Collection, CollectionName, DocumentId, Engine, Filter, Precondition, Query, Refresh, Source, Write,
        mapping,
    };
    use crate::upstream::Upstreams;

    const PATIENCE: Duration = Duration::from_secs(20);
    /// Documents to work on, and how many at once: three batches.
    const DOCUMENTS: u64 = 11;
    const BATCH: usize = 4;

    struct House {
        config: Config,
        engine: Arc<dyn Engine>,
        catalog: Arc<catalog::Watch>,
        _folder: TempDir,
    }

    fn call() -> Call {
        Call::within(PATIENCE)
    }

    fn source(json: Json) -> Source {
        json.as_object().cloned().unwrap()
    }

    impl House {
        async fn open() -> House {
            let folder = TempDir::new().unwrap();
            let mut config = Config { data: folder.path().to_owned(), writes: Some(Writes::All), ..Config::default() };
            config.jobs.batch = BATCH;
            config.jobs.lease = Duration::from_millis(500);
            let rate = "5000/1s".parse().unwrap();
            let settings = UpstreamConfig { url: numbers().await, rate, ..UpstreamConfig::default() };
            config.upstreams.insert("numbers".into(), settings);
            let engine = crate::search::open(&config.engine()).await.unwrap();
            let catalog = catalog::open(engine.clone(), engine.clone(), &config);
            let house = House { config, engine, catalog, _folder: folder };
            house.fill().await;
            house
        }

        async fn fill(&self) {
            let fields =
                mapping::parse(&json!({ "properties": { "n": { "type": "long" }, "half": { "type": "keyword" } } })).unwrap();
            let name = CollectionName::parse("things").unwrap();
            let collection = Collection::new(name.clone(), fields);
            self.engine.create(&call(), &collection).await.unwrap();
            let write = |n: u64| Write {
                on: name.clone(),
                rule: Filter::All,
                action: Action::Index {
                    id: DocumentId::parse(&format!("d{n}")).ok(),
                    source: source(json!({ "n": n, "half": if n.is_multiple_of(2) { "even" } else { "odd" } })),
                    precondition: Precondition::None,
                },
            };
            for outcome in self.engine.write(&call(), (0..DOCUMENTS).map(write).collect(), Refresh::Now).await.unwrap() {
                outcome.unwrap();
            }
            self.catalog.refresh(&call()).await.unwrap();
        }

        /// As a process would that starts on this folder.
        async fn jobs(&self) -> Arc<Jobs> {
            self.jobs_in(&self.config).await
        }

        async fn jobs_in(&self, config: &Config) -> Arc<Jobs> {
            let upstreams = Arc::new(Upstreams::open(config, &self.engine).unwrap());
            let engine = self.engine.clone();
            Jobs::open(engine.clone(), engine, self.catalog.clone(), upstreams, config).await.unwrap()
        }

        async fn documents(&self, name: &str) -> BTreeMap<String, u64> {
            let mut query = Query::new(CollectionName::parse(name).unwrap());
            query.page.size = 1_000;
            let page = self.engine.search(&call(), &[query]).await.unwrap().remove(0).unwrap();
            let number = |source: &Source| source["n"].as_u64().unwrap();
            page.hits.iter().map(|hit| (hit.document.id.to_string(), number(&hit.document.source))).collect()
        }
    }

    async fn ended(jobs: &Jobs, id: &str) -> Job {
        let from = Instant::now();
        loop {
            let job = jobs.get(&call(), id).await.unwrap();
            if job.state.is_final() {
                return job;
            }
            assert!(from.elapsed() < PATIENCE, "{job:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Kills at every step there is, then at one more after the job went on, and lets it come to its end.
    async fn crash_everywhere(order: Order, least: u64, check: impl AsyncFn(&House, &Job)) {
        for at in 0.. {
            let house = House::open().await;
            let jobs = house.jobs().await;
            jobs.inner.crash.set(at);
            let id = jobs.start(&call(), order.clone()).await.unwrap().id;
            let whole = tokio::select! {
                () = jobs.inner.crash.died.notified() => false,
                _ = ended(&jobs, &id) => true,
            };
            drop(jobs);
            if !whole {
                let jobs = house.jobs().await;
                jobs.inner.crash.set(at % 5);
                tokio::select! {
                    () = jobs.inner.crash.died.notified() => {},
                    _ = ended(&jobs, &id) => {},
                }
            }
            let jobs = house.jobs().await;
            let job = ended(&jobs, &id).await;
            assert_eq!((job.state, job.error.as_deref()), (State::Succeeded, None), "killed at step {at}");
            check(&house, &job).await;
            if whole {
                assert!(at >= least, "only {at} steps");
                return;
            }
        }
    }

    fn order(kind: Kind, collection: Option<&str>, arguments: Json) -> Order {
        Order { kind, collection: collection.map(str::to_owned), arguments: source(arguments) }
    }

    #[tokio::test]
    async fn a_load_is_whole_wherever_it_is_killed() {
        let documents: Vec<Json> = (0..DOCUMENTS).map(|n| json!({ "n": n })).collect();
        let order = order(Kind::Load, Some("made"), json!({ "documents": documents }));
        crash_everywhere(order, 12, async |house: &House, job: &Job| {
            let wanted: BTreeMap<String, u64> = (0..DOCUMENTS).map(|n| (format!("{}-{}", job.id, n + 1), n)).collect();
            assert_eq!(house.documents("made").await, wanted);
        })
        .await;
    }

    #[tokio::test]
    async fn a_copy_is_whole_wherever_it_is_killed() {
        let order = order(Kind::Copy, Some("things"), json!({ "to": "made" }));
        crash_everywhere(order, 12, async |house: &House, _: &Job| {
            assert_eq!(house.documents("made").await, house.documents("things").await);
            assert_eq!(house.documents("made").await.len() as u64, DOCUMENTS);
        })
        .await;
    }

    #[tokio::test]
    async fn a_deletion_is_whole_wherever_it_is_killed() {
        let order = order(Kind::DeleteByFilter, Some("things"), json!({ "filter": { "n": { "gte": 2 } } }));
        crash_everywhere(order, 10, async |house: &House, _: &Job| {
            assert_eq!(house.documents("things").await.into_keys().collect::<Vec<_>>(), ["d0", "d1"]);
        })
        .await;
    }

    #[tokio::test]
    async fn an_export_is_whole_wherever_it_is_killed() {
        let order = order(Kind::Export, Some("things"), json!({}));
        crash_everywhere(order, 5, async |house: &House, job: &Job| {
            let jobs = house.jobs().await;
            let (mut file, _) = jobs.open_result(&call(), &job.id).await.unwrap();
            let mut text = String::new();
            tokio::io::AsyncReadExt::read_to_string(&mut file, &mut text).await.unwrap();
            let ids: Vec<String> = text
                .lines()
                .map(|line| serde_json::from_str::<Json>(line).unwrap()["_id"].as_str().unwrap().to_owned())
                .collect();
            let mut sorted = ids.clone();
            sorted.sort();
            sorted.dedup();
            assert_eq!((ids.len(), sorted.len() as u64), (sorted.len(), DOCUMENTS));
        })
        .await;
    }

    /// An upstream that answers `{"n": …}` for the number at the end of the path.
    async fn numbers() -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/{{n}}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut head = vec![0; 1_024];
                    let read = stream.read(&mut head).await.unwrap_or(0);
                    let text = String::from_utf8_lossy(&head[..read]).into_owned();
                    let body = format!("{{\"n\":{}}}", text.split(['/', ' ']).nth(2).unwrap_or_default());
                    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ";
                    let _ = stream.write_all(format!("{head}{}\r\n\r\n{body}", body.len()).as_bytes()).await;
                });
            }
        });
        url
    }

    #[tokio::test]
    async fn a_fetch_is_whole_wherever_it_is_killed() {
        let order = order(Kind::Fetch, Some("made"), json!({ "calls": DOCUMENTS }));
        crash_everywhere(order, 8, async |house: &House, job: &Job| {
            let wanted: BTreeMap<String, u64> = (1..=DOCUMENTS).map(|n| (format!("{}-{n}", job.id), n)).collect();
            assert_eq!(house.documents("made").await, wanted);
        })
        .await;
    }

    #[tokio::test]
    async fn trying_out_is_whole_wherever_it_is_killed() {
        let compute = order(Kind::Compute, None, json!({ "upTo": 5_000 }));
        crash_everywhere(compute, 3, async |_: &House, job: &Job| {
            assert_eq!(job.result, Some(json!({ "upTo": 5_000, "primes": 669 })));
        })
        .await;
        let wait = order(Kind::Wait, None, json!({ "seconds": 0.15 }));
        crash_everywhere(wait, 3, async |_: &House, job: &Job| {
            assert_eq!((job.done, job.of), (150, Some(150)));
        })
        .await;
    }

    /// A job that the process before held is another's while that one lives, and ours when it has shown no sign of life for a lease.
    #[tokio::test]
    async fn a_claim_of_somebody_else_is_taken_only_when_it_has_run_out() {
        let house = House::open().await;
        let jobs = house.jobs().await;
        let id = jobs.start(&call(), order(Kind::Wait, None, json!({ "seconds": 60 }))).await.unwrap().id;
        let from = Instant::now();
        while jobs.get(&call(), &id).await.unwrap().state != State::Running {
            assert!(from.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // another folder: another node, on the same state
        let other = TempDir::new().unwrap();
        let config = Config { data: other.path().to_owned(), ..house.config.clone() };
        let second = house.jobs_in(&config).await;
        let claim = jobs.get(&call(), &id).await.unwrap().claim;
        for _ in 0..30 {
            second.inner.nudge.notify_one();
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(jobs.get(&call(), &id).await.unwrap().claim, claim, "taken from one who is alive");
        // steered by the one who does not run it
        let paused = second.steer(&call(), &id, super::super::Steer::Pause).await.unwrap();
        assert_eq!(paused.state, State::Paused);
        let running = super::super::lock(&jobs.inner.running).get(&id).cloned();
        if let Some(running) = running {
            tokio::time::timeout(PATIENCE, running.ended()).await.unwrap();
        }
        second.steer(&call(), &id, super::super::Steer::Cancel).await.unwrap();
    }

    /// Who comes back after a standstill finds its claim gone and writes nothing more.
    #[tokio::test]
    async fn who_has_lost_a_claim_stops() {
        let house = House::open().await;
        let jobs = house.jobs().await;
        let id = jobs.start(&call(), order(Kind::Wait, None, json!({ "seconds": 60 }))).await.unwrap().id;
        let from = Instant::now();
        let running = loop {
            if let Some(running) = super::super::lock(&jobs.inner.running).get(&id).cloned() {
                break running;
            }
            assert!(from.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(5)).await;
        };
        // somebody else takes it
        loop {
            let (version, mut job) = jobs.inner.records.get(&call(), &id).await.unwrap().unwrap();
            job.claim += 1;
            job.owner = Some(super::super::job::Owner { node: "other".into(), boot: "other".into() });
            match jobs.inner.records.put(&call(), &job, Precondition::Version(version), Refresh::None).await {
                Ok(_) => break,
                Err(crate::search::Error::Conflict(_)) => {}
                Err(fault) => panic!("{fault:?}"),
            }
        }
        tokio::time::timeout(PATIENCE, running.ended()).await.unwrap();
        let (_, job) = jobs.inner.records.get(&call(), &id).await.unwrap().unwrap();
        assert_eq!((job.state, job.owner.unwrap().node.as_str()), (State::Running, "other"));
    }
}
