//! A thousand requests at once to a route that waits five seconds, over real HTTP on the loopback interface: what becomes of a server
//! whose handlers wait. Beside it what was published for other stacks.

use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::{Fault, Meter};
use crate::error::Code;

#[derive(Clone, Debug)]
pub struct Users {
    /// When each request was answered, in the order in which they were sent; `None`: it failed.
    pub finished: Vec<Option<Duration>>,
    /// Why the first that failed did.
    pub fault: Option<String>,
    pub elapsed: Duration,
}

/// Published for a thousand requests of five seconds each: a stack with a pool of threads had answered 100 after 10 s and the last after
/// 50 s; one request after another takes 5,000 s.
pub const PUBLISHED_REQUESTS: u32 = 1_000;
pub const PUBLISHED_DELAY: Duration = Duration::from_secs(5);
pub const PUBLISHED_POOL: [(f64, f64); 2] = [(100.0, 10.0), (1_000.0, 50.0)];
pub const PUBLISHED_SEQUENCE: [(f64, f64); 2] = [(1.0, 5.0), (1_000.0, 5_000.0)];

/// Each run holds thousands of connections: one at a time, and few that wait for it.
static ONE: Semaphore = Semaphore::const_new(1);
static QUEUE: Semaphore = Semaphore::const_new(8);

/// Asks the server at this address for so many users at once. Dropping the future closes all connections.
pub async fn ask(server: &str, requests: u32, delay: Duration, deadline: Instant, meter: &Meter) -> Result<Users, Fault> {
    let busy = || Fault::new(Code::Conflict, "too many run this experiment already: wait for their end");
    let _place = QUEUE.try_acquire().map_err(|_| busy())?;
    let turn = timeout_at(deadline, ONE.acquire()).await;
    let _turn = turn.ok().and_then(Result::ok).ok_or_else(busy)?;
    // one connection for each request: they are many callers, not one
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).build();
    let client = client.map_err(|fault| Fault::new(Code::Internal, format!("no client: {fault}")))?;
    let start = Instant::now();
    // tasks, for the client's part is work for more than one core; they end with the set
    let mut pending = JoinSet::new();
    for number in 0..requests {
        let request = client.get(format!("{server}/lab/users/{}?delay={}", number + 1, delay.as_secs_f64()));
        pending.spawn(async move {
            let answered = async {
                let answer = request.send().await.map_err(|fault| fault.without_url().to_string())?;
                let status = answer.status();
                answer.bytes().await.map_err(|fault| fault.without_url().to_string())?;
                if status.is_success() { Ok(start.elapsed()) } else { Err(format!("answered with status {status}")) }
            };
            let outcome = timeout_at(deadline, answered).await.unwrap_or_else(|_| Err("no answer in time".into()));
            (number as usize, outcome)
        });
    }
    let mut users = Users { finished: vec![None; requests as usize], fault: None, elapsed: Duration::ZERO };
    while let Some(ended) = pending.join_next().await {
        match ended {
            Ok((number, Ok(finished))) => users.finished[number] = Some(finished),
            Ok((_, Err(fault))) => users.fault = users.fault.or(Some(fault)),
            Err(fault) => users.fault = users.fault.or(Some(fault.to_string())),
        }
        meter.one_more();
    }
    users.elapsed = start.elapsed();
    Ok(users)
}

impl Users {
    /// Finish times, the earliest first.
    pub fn sorted(&self) -> Vec<Duration> {
        let mut sorted: Vec<Duration> = self.finished.iter().flatten().copied().collect();
        sorted.sort_unstable();
        sorted
    }

    pub fn failed(&self) -> usize {
        self.finished.iter().filter(|finished| finished.is_none()).count()
    }
}
