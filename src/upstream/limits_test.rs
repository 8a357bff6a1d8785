//! The limit as the other side sees it, under a clock that stands still until nobody has anything to do: calls come at random, are on
//! their way for a while, and are written down when they arrive.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use super::gate::{Gate, Refusal};
use super::shares::{Board, Record};
use crate::config::Rate;
use crate::search::{Error, Result, Version};

/// When calls arrived.
type Times = Arc<Mutex<Vec<Instant>>>;

fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Runs it on a clock that jumps to the next timer.
fn paused<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test)
}

/// Arrivals in order; so many in any window of the period, its end left out.
fn fullest(arrivals: &[Instant], period: Duration) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, at) in arrivals.iter().enumerate() {
        while *at - arrivals[first] >= period {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}

/// A call: when somebody wants it, how long it is on its way, and how long until the answer begins.
#[derive(Clone, Copy, Debug)]
struct Plan {
    wanted: u64,
    way: u64,
    answer: u64,
}

/// Makes the calls; the moments of arrival, sorted, and the numbers of the calls in the order in which they were let through.
async fn make(gate: &Arc<Gate>, plans: &[Plan], log: &Arc<Mutex<Vec<Instant>>>) -> Vec<usize> {
    let order = Arc::new(Mutex::new(Vec::new()));
    let start = Instant::now();
    let calls = plans.iter().enumerate().map(|(n, plan)| {
        let (order, log, plan) = (order.clone(), log.clone(), *plan);
        async move {
            sleep(millis(plan.wanted)).await;
            let pass = gate.admit(start + Duration::from_secs(86_400)).await.unwrap();
            order.lock().unwrap().push(n);
            sleep(millis(plan.way)).await;
            log.lock().unwrap().push(Instant::now());
            sleep(millis(plan.answer)).await;
            pass.arrived();
        }
    });
    futures_util::future::join_all(calls).await;
    order.lock().unwrap().clone()
}

fn plans(most_way: u64) -> impl Strategy<Value = Vec<Plan>> {
    let plan = (0_u64..4_000, 0..=most_way, 0_u64..2_000);
    prop_oneof![
        // spread out, and all at once
        proptest::collection::vec(plan.clone(), 1..80),
        proptest::collection::vec(plan, 1..80).prop_map(|plans| plans
            .into_iter()
            .map(|plan| Plan { wanted: 0, way: plan.1, answer: plan.2 })
            .map(|plan| (plan.wanted, plan.way, plan.answer))
            .collect()),
    ]
    .prop_map(|plans| plans.into_iter().map(|(wanted, way, answer)| Plan { wanted, way, answer }).collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// No window ever holds more than the limit, calls begin in the order in which they came, and they take no longer than they must.
    #[test]
    fn no_window_holds_more_than_the_limit(calls in 1_u32..20, period in 300_u64..60_000, concurrency in 1_usize..40, plans in plans(250)) {
        let rate = Rate { calls, period: millis(period) };
        let (arrivals, order, took) = paused(async {
            let gate = Gate::new(rate, concurrency, None);
            let log = Arc::default();
            let start = Instant::now();
            let order = make(&gate, &plans, &log).await;
            let mut arrivals = log.lock().unwrap().clone();
            arrivals.sort_unstable();
            (arrivals, order, start.elapsed())
        });
        prop_assert_eq!(arrivals.len(), plans.len());
        let most = fullest(&arrivals, rate.period);
        prop_assert!(most <= calls as usize, "{} in one window of {:?}", most, rate);
        let mut sorted = order.clone();
        // those wanted in the same millisecond keep the order in which they asked
        sorted.sort_by_key(|n| (plans[*n].wanted, *n));
        prop_assert_eq!(&order, &sorted);
        if concurrency >= plans.len() {
            let windows = rate.least(u32::try_from(plans.len()).unwrap()).as_millis() / u128::from(period);
            let slow = plans.iter().map(|plan| plan.wanted + plan.way + plan.answer).max().unwrap();
            // for each window waited for: the margin, a thousandth, and the grain of timers
            let most = windows * u128::from(period + period / 1_000 + (period / 100).max(250) + 4) + u128::from(slow) + 2;
            prop_assert!(took.as_millis() <= most, "{took:?} of {most} ms for {} calls at {rate}", plans.len());
        }
    }

    /// Processes that share a limit, one of which may die on the way, keep to it together.
    #[test]
    fn processes_keep_to_one_limit_together(
        calls in 1_u32..30,
        period in 500_u64..20_000,
        plans in proptest::collection::vec(plans(250), 1..4),
        dies in proptest::option::of(100_u64..9_000),
        slow in 0_u64..60,
    ) {
        let rate = Rate { calls, period: millis(period) };
        let (arrivals, all) = paused(async {
            let state = Arc::new(Shelf { record: Mutex::default(), start: Instant::now(), slow });
            let log: Arc<Mutex<Vec<Instant>>> = Arc::default();
            let mut tasks = Vec::new();
            for (n, plans) in plans.iter().cloned().enumerate() {
                let gate = Gate::new(rate, 100, Some(state.clone() as Arc<dyn Board>));
                let log = log.clone();
                tasks.push(tokio::spawn(async move {
                    let work = make(&gate, &plans, &log);
                    match dies {
                        // its share stays on record
                        Some(after) if n == 0 => drop(tokio::time::timeout(millis(after), work).await),
                        _ => drop(work.await),
                    }
                }));
            }
            for task in tasks {
                task.await.unwrap();
            }
            let mut arrivals = log.lock().unwrap().clone();
            arrivals.sort_unstable();
            (arrivals, plans.iter().map(Vec::len).sum::<usize>())
        });
        prop_assert!(dies.is_some() || arrivals.len() == all);
        let most = fullest(&arrivals, rate.period);
        prop_assert!(most <= calls as usize, "{} in one window of {:?}", most, rate);
    }
}

/// A record in memory that answers slowly.
struct Shelf {
    record: Mutex<(u64, Record)>,
    start: Instant,
    slow: u64,
}

#[async_trait::async_trait]
impl Board for Shelf {
    async fn read(&self) -> Result<(Option<Version>, Record)> {
        sleep(millis(self.slow)).await;
        let (version, record) = self.record.lock().unwrap().clone();
        Ok(((version > 0).then_some(Version { seq_no: version, primary_term: 1 }), record))
    }

    async fn write(&self, over: Option<Version>, record: &Record) -> Result<bool> {
        sleep(millis(self.slow)).await;
        let lost = {
            let mut kept = self.record.lock().unwrap();
            if over.map_or(0, |version| version.seq_no) != kept.0 {
                return Ok(false);
            }
            *kept = (kept.0 + 1, record.clone());
            // now and then the answer is lost, and with it whether it was written
            kept.0.is_multiple_of(7)
        };
        sleep(millis(self.slow)).await;
        if lost { Err(Error::Timeout) } else { Ok(true) }
    }

    fn now(&self) -> u64 {
        1_000_000 + u64::try_from(self.start.elapsed().as_millis()).unwrap()
    }
}

/// The figure that is promised: 250 calls at 100 a minute within 2 % of two minutes.
#[test]
fn two_hundred_and_fifty_calls_take_two_minutes() {
    let took = paused(async {
        let gate = Gate::new(Rate::default(), 100, None);
        let plans: Vec<Plan> = (0..250).map(|n| Plan { wanted: 0, way: n % 40, answer: 200 + n % 500 }).collect();
        let log = Arc::default();
        let start = Instant::now();
        make(&gate, &plans, &log).await;
        let arrivals = log.lock().unwrap().clone();
        assert!(fullest(&arrivals, Duration::from_secs(60)) <= 100);
        start.elapsed()
    });
    assert!(took >= Duration::from_secs(120) && took <= millis(122_400), "{took:?}");
}

#[test]
fn one_that_is_idle_gives_its_share_back_and_two_share_while_both_are_busy() {
    paused(async {
        let state = Arc::new(Shelf { record: Mutex::default(), start: Instant::now(), slow: 5 });
        let rate: Rate = "10/2s".parse().unwrap();
        let gates: Vec<_> = (0..2).map(|_| Gate::new(rate, 100, Some(state.clone() as Arc<dyn Board>))).collect();
        let many: Vec<Plan> = (0..60).map(|_| Plan { wanted: 0, way: 1, answer: 1 }).collect();
        let (first, second): (Times, Times) = Default::default();
        let start = Instant::now();
        futures_util::future::join(make(&gates[0], &many, &first), make(&gates[1], &many, &second)).await;
        // 120 calls at 10 in 2 s are 22 s; places that change hands cost half a second once
        assert!(start.elapsed() < millis(26_000), "{:?}", start.elapsed());
        let halves = [&first, &second].map(|log| log.lock().unwrap().iter().filter(|at| **at - start < millis(12_000)).count());
        assert!(halves.iter().all(|half| *half >= 15), "{halves:?}");
        sleep(millis(6_000)).await;
        assert_eq!(state.record.lock().unwrap().1.shares, [], "idle ones hold nothing");
        // and what is closed holds nothing at once
        drop(gates[0].admit(Instant::now() + millis(5_000)).await.unwrap());
        assert_eq!(state.record.lock().unwrap().1.shares.len(), 1);
        gates[0].close().await;
        assert_eq!(state.record.lock().unwrap().1.shares, []);
    });
}

#[test]
fn a_caller_gives_up_at_its_deadline_or_before_a_long_pause() {
    paused(async {
        let gate = Gate::new("1/1m".parse().unwrap(), 1, None);
        drop(gate.admit(Instant::now() + millis(10)).await.unwrap());
        let start = Instant::now();
        assert_eq!(gate.admit(start + millis(500)).await.err(), Some(Refusal::Late));
        assert_eq!(start.elapsed(), millis(500));
        gate.pause(Duration::from_secs(300));
        assert_eq!(gate.admit(Instant::now() + millis(500)).await.err(), Some(Refusal::Paused(Duration::from_secs(300))));
        // one who leaves lets the next one in
        let gate = Gate::new("2/1m".parse().unwrap(), 1, None);
        let held = gate.admit(Instant::now() + millis(10)).await.unwrap();
        let left = tokio::time::timeout(millis(5), gate.admit(Instant::now() + millis(1_000))).await;
        assert!(left.is_err());
        drop(held);
        assert!(gate.admit(Instant::now() + millis(10)).await.is_ok());
    });
}
