//! What is kept is bounded: jobs that ended long ago go, and files go with their jobs.

use super::Inner;
use super::job::State;
use super::running::PATIENCE;
use crate::search::{Call, Error, Result};

/// Old jobs removed by one sweep.
const SWEPT: u32 = 500;

/// Removes jobs that ended long ago, and files of jobs that are not there.
pub(super) async fn run(inner: &Inner) -> Result<()> {
    let call = Call::within(PATIENCE * 3).named("jobs");
    for (version, job) in inner.records.outdated(&call, inner.config.jobs.kept as u64, SWEPT).await? {
        match inner.records.remove(&call, &job.id, version).await {
            Ok(()) | Err(Error::Conflict(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    for id in inner.files.sweep().await? {
        match inner.records.get(&call, &id).await? {
            None => inner.files.forget(&id).await,
            Some((_, job)) if job.state == State::Succeeded => inner.files.forget_input(&id).await,
            Some(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::super::{Jobs, Kind, Order};
    use super::*;
    use crate::config::{Config, Writes};
    use crate::search::Source;
    use crate::upstream::Upstreams;

    #[tokio::test]
    async fn jobs_that_ended_first_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config { data: folder.path().to_owned(), writes: Some(Writes::All), ..Config::default() };
        config.jobs.kept = 2;
        let engine = crate::search::open(&config.engine()).await.unwrap();
        let catalog = crate::catalog::open(engine.clone(), engine.clone(), &config);
        let upstreams = Arc::new(Upstreams::open(&config, &engine).unwrap());
        let jobs = Jobs::open(engine.clone(), engine.clone(), catalog, upstreams, &config).await.unwrap();
        let call = Call::within(Duration::from_secs(20));
        let mut ids = Vec::new();
        for seconds in [0.0, 0.0, 0.0, 0.0, 60.0] {
            let mut arguments = Source::new();
            arguments.insert("seconds".into(), seconds.into());
            let job = jobs.start(&call, Order { kind: Kind::Wait, collection: None, arguments }).await.unwrap();
            let from = Instant::now();
            while seconds == 0.0 && !jobs.get(&call, &job.id).await.unwrap().state.is_final() {
                assert!(from.elapsed() < Duration::from_secs(20));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            ids.push(job.id);
        }
        let from = Instant::now();
        // a list may be a moment behind
        while jobs.list(&call, Some(State::Succeeded), 10, None).await.unwrap().jobs.len() < 4 {
            assert!(from.elapsed() < Duration::from_secs(20));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        run(&jobs.inner).await.unwrap();
        for (at, id) in ids.iter().enumerate() {
            assert_eq!(jobs.get(&call, id).await.is_ok(), at >= 2, "{at}");
        }
    }
}
