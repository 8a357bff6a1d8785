//! The table can fail: with one defence left out, what it stops gets through.

use std::time::Duration;

use hooke::config::{Config, Defence};

use super::forged::Guarded;
use super::table::{By, all};
use super::{run, target};

/// What each limit is when it is left out.
fn lift(config: &mut Config, name: &str) {
    let limits = &mut config.limits;
    let long = Duration::from_secs(60);
    match name {
        "tokens" => limits.tokens = usize::MAX,
        "root_fields" => limits.root_fields = usize::MAX,
        "aliases" => limits.aliases = usize::MAX,
        "depth" => limits.depth = usize::MAX,
        "first" | "last" => limits.first = u32::MAX,
        "offset+first" => limits.window = u32::MAX,
        "cost" => limits.cost = usize::MAX,
        "groups" => limits.groups = u32::MAX,
        "top_hits" => limits.top_hits = u32::MAX,
        "filter_depth" => limits.filter_depth = usize::MAX,
        "filter_clauses" => limits.filter_clauses = usize::MAX,
        "in_values" => limits.in_values = usize::MAX,
        "pattern_length" => limits.pattern_length = usize::MAX,
        "operations" => limits.operations = u32::MAX,
        "subscriptions" => limits.subscriptions = usize::MAX,
        "body" => limits.body = 64 << 20,
        "head_time" => limits.head_time = long,
        "body_time" => (limits.body_time, limits.time) = (long, long),
        "time" => limits.time = long,
        other => panic!("nobody knows how to lift {other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_defence_the_table_fails() {
    let lines =
        [Defence::Host, Defence::Origin, Defence::GetWrites, Defence::ContentType, Defence::DuplicateInputs, Defence::Directives];
    let mut ways: Vec<By> = lines.map(By::Line).to_vec();
    for attack in all() {
        if matches!(attack.by, By::Limit(_)) && !ways.contains(&attack.by) {
            ways.push(attack.by);
        }
    }
    assert!(ways.len() > 20, "{ways:?}");
    let mut idle = Vec::new();
    for by in ways {
        let app = target(|config| match by {
            By::Limit(name) => lift(config, name),
            By::Line(defence) => config.limits.without = Some(defence),
            By::Grammar => {}
        })
        .await;
        // one of each sort is enough, and those that would never end are left out
        let attacks: Vec<_> = all().into_iter().filter(|attack| attack.by == by && !attack.deadly).take(3).collect();
        assert!(!attacks.is_empty(), "{by:?}");
        let report = run(&app.url, &attacks, Duration::MAX).await;
        println!("without {by:?}: refused {} of {}", report.refused, attacks.len());
        if report.failures.is_empty() {
            idle.push(format!("{by:?}"));
        }
        app.stop().await;
    }
    assert!(idle.is_empty(), "what these stop is stopped without them: {idle:?}");
}

/// The same where one signs in: each of these must get in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_defence_forgeries_are_taken() {
    for defence in [Defence::Signature, Defence::Claims, Defence::Renewal, Defence::Csrf] {
        let guarded = Guarded::open(|config| config.limits.without = Some(defence)).await;
        let mut attacks = guarded.attacks();
        attacks.retain(|attack| attack.by == By::Line(defence));
        let report = run(&guarded.app.url, &attacks, Duration::MAX).await;
        println!("without {defence:?}: refused {} of {}", report.refused, attacks.len());
        assert!(
            !attacks.is_empty() && report.refused == 0,
            "{defence:?} is not what stops {} of them: {:#?}",
            report.refused,
            report.failures
        );
        guarded.app.stop().await;
    }
}
