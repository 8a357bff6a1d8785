//! The scenarios by name: what a user asks, again and again. A step is a pure function from chance to a request; one function
//! performs them all, and writes down how long each took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use goose::GooseError;
use goose::goose::{GooseMethod, GooseRequest, GooseUser, Scenario, Transaction, TransactionFunction, TransactionResult};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use crate::documents::{document, scatter, section, word};
use crate::figures::Sample;
use crate::target::{Data, Prepared};

/// Measurements kept in memory, of 16 bytes each.
pub(crate) const MOST_SAMPLES: usize = 10_000_000;
/// Failures told in full.
const MOST_TOLD: usize = 5;
/// Of one request; hooke's own deadline is 10 s, that of its experiments longer.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// A health check, then a page of hashtags, as the load test of the service that hooke grew from
    Original,
    /// Words with a filter, highlights and a total, through GraphQL
    Search,
    /// A search with what is counted beside it: two facets, an average, and groups, through GraphQL
    Facets,
    /// All that a search page shows, through GraphQL: hits, facets with ticks, histograms, figures, groups, suggestions; and its box, completed
    Page,
    /// Documents by id, through REST
    Get,
    /// Six searches to three documents to one write
    Mixed,
    /// Documents put, through REST
    Write,
    /// A thousand users at once, each waiting five seconds for one answer
    Thousand,
}

/// What one step asks for.
struct Call {
    name: &'static str,
    method: GooseMethod,
    path: String,
    body: Option<Value>,
    /// Whether a good status carries a good answer.
    holds: fn(&Value) -> bool,
}

type Step = fn(&Ground, &GooseUser) -> Call;

impl Name {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Name::Original => "original",
            Name::Search => "search",
            Name::Facets => "facets",
            Name::Page => "page",
            Name::Get => "get",
            Name::Mixed => "mixed",
            Name::Write => "write",
            Name::Thousand => "thousand",
        }
    }

    pub(crate) fn users(self) -> usize {
        if self == Name::Thousand { 1_000 } else { 10 }
    }

    pub(crate) fn data(self) -> Data {
        match self {
            Name::Thousand => Data::None,
            Name::Original => Data::Hashtags,
            Name::Search | Name::Facets | Name::Page | Name::Get | Name::Mixed | Name::Write => Data::Documents,
        }
    }

    /// Steps, and how often one comes.
    fn steps(self) -> &'static [(usize, Step)] {
        match self {
            Name::Original => &[(1, check_health), (1, list_hashtags)],
            Name::Search => &[(1, search_words)],
            Name::Facets => &[(1, count_facets)],
            Name::Page => &[(1, show_page), (2, complete_name)],
            Name::Get => &[(1, get_document)],
            Name::Mixed => &[(6, search_words), (3, get_document), (1, put_document)],
            Name::Write => &[(1, put_document)],
            Name::Thousand => &[(1, wait_long)],
        }
    }

    pub(crate) fn scenario(self, ground: &Arc<Ground>) -> Result<Scenario, GooseError> {
        let mut scenario = Scenario::new(self.text());
        for (weight, step) in self.steps() {
            let (ground, step) = (ground.clone(), *step);
            let function: TransactionFunction = Arc::new(move |user| {
                let ground = ground.clone();
                Box::pin(async move {
                    if self == Name::Thousand {
                        ground.gather().await;
                    }
                    let call = step(&ground, user);
                    perform(&ground, user, call).await
                })
            });
            scenario = scenario.register_transaction(Transaction::new(function).set_weight(*weight)?);
        }
        Ok(scenario)
    }
}

fn check_health(_: &Ground, _: &GooseUser) -> Call {
    Call {
        name: "healthcheck",
        method: GooseMethod::Get,
        path: "/v1/healthcheck".into(),
        body: None,
        holds: |answer| answer["status"] == "OK",
    }
}

fn list_hashtags(ground: &Ground, _: &GooseUser) -> Call {
    Call {
        name: "hashtags",
        method: GooseMethod::Get,
        path: format!("/v1/content/search/{}/0/10", ground.data.collection),
        body: None,
        holds: |answer| answer["hits"]["hits"].as_array().is_some_and(|hits| !hits.is_empty()),
    }
}

fn search_words(ground: &Ground, _: &GooseUser) -> Call {
    let chance = ground.chance();
    let query = format!(
        "query ($words: String!, $section: String!) {{ page: {}(search: {{ query: $words }}, filter: {{ section: {{ ne: $section }} }}, first: 10) \
         {{ total {{ value }} edges {{ score node {{ _id name section size addedOn }} highlights(fields: [DESCRIPTION]) {{ fragments {{ html }} }} }} }} }}",
        ground.data.field
    );
    Call {
        name: "search",
        method: GooseMethod::Post,
        path: "/graphql".into(),
        body: Some(json!({
            "query": query,
            "variables": {"words": format!("{} {}", word(chance), word(chance >> 8)), "section": section(chance >> 16)},
        })),
        holds: |answer| answer["errors"].is_null() && answer["data"]["page"]["edges"].is_array(),
    }
}

fn count_facets(ground: &Ground, _: &GooseUser) -> Call {
    let chance = ground.chance();
    let query = format!(
        "query ($words: String!, $section: String!) {{ page: {}(search: {{ query: $words }}, facetFilters: {{ section: {{ eq: $section }} }}, first: 10) \
         {{ total {{ value }} nodes {{ _id name }} facets {{ section {{ values {{ value count selected }} otherCount }} size(interval: {{ size: 10000 }}) {{ buckets {{ from count }} }} }} \
         aggregate {{ size {{ avg }} }} groupBy(keys: [{{ field: SECTION }}], first: 5) {{ nodes {{ key {{ section }} count }} }} }} }}",
        ground.data.field
    );
    Call {
        name: "facets",
        method: GooseMethod::Post,
        path: "/graphql".into(),
        body: Some(json!({
            "query": query,
            "variables": {"words": format!("{} {}", word(chance), word(chance >> 8)), "section": section(chance >> 16)},
        })),
        holds: |answer| answer["errors"].is_null() && answer["data"]["page"]["facets"]["section"]["values"].is_array(),
    }
}

/// The query of a whole search page. A third of the words is mistyped: their pages find little, and have something to suggest.
fn show_page(ground: &Ground, _: &GooseUser) -> Call {
    let chance = ground.chance();
    let query = format!(
        "query ($words: String!, $section: String!, $tag: String!) {{ page: {}( \
           search: {{ query: $words, fields: [{{ field: NAME, boost: 3 }}, {{ field: DESCRIPTION }}], operator: AND }} \
           filter: {{ size: {{ gte: 1000 }} }}, facetFilters: {{ section: {{ ne: $section }}, tags: {{ ne: $tag }} }} \
           orderBy: [{{ score: DESC }}, {{ field: SIZE, direction: DESC }}], first: 10) {{ \
         total(upTo: 10000) {{ value relation }} pageInfo {{ hasNextPage endCursor }} \
         edges {{ cursor score node {{ _id name section size addedOn }} highlights(fields: [DESCRIPTION]) {{ fragments {{ html }} }} }} \
         facets {{ section {{ values {{ value count selected }} otherCount }} tags(first: 8) {{ values {{ value count selected }} otherCount distinctCount }} \
           size(interval: {{ size: 10000 }}) {{ buckets {{ from to count }} stats {{ min max }} }} addedOn(interval: {{ calendar: YEAR }}) {{ buckets {{ from to count }} }} }} \
         aggregate {{ count size {{ min max avg percentiles(at: [50, 95]) {{ at value }} }} }} \
         groupBy(keys: [{{ field: SECTION }}], first: 5) {{ nodes {{ key {{ section }} count aggregate {{ size {{ avg }} }} topHits(first: 1) {{ name }} }} }} \
         suggestions {{ didYouMean {{ text }} relaxed {{ text dropped total {{ value }} }} }} }} }}",
        ground.data.field
    );
    let (first, mut second) = (word(chance), word(chance >> 8).to_owned());
    if (chance >> 24).is_multiple_of(3) {
        second.remove(1);
    }
    Call {
        name: "page",
        method: GooseMethod::Post,
        path: "/graphql".into(),
        body: Some(json!({
            "query": query,
            "variables": {"words": format!("{first} {second}"), "section": section(chance >> 16), "tag": word(chance >> 32)},
        })),
        holds: |answer| {
            let page = &answer["data"]["page"];
            let whole =
                page["edges"].is_array() && page["facets"]["section"]["values"].is_array() && page["suggestions"].is_object();
            answer["errors"].is_null() && whole && page["aggregate"]["count"].is_number()
        },
    }
}

/// What a box asks while one types.
fn complete_name(ground: &Ground, _: &GooseUser) -> Call {
    let chance = ground.chance();
    let word = word(chance);
    let query = format!(
        "query ($prefix: String!) {{ values: {}Suggest(field: NAME, prefix: $prefix, first: 8) {{ text count }} }}",
        ground.data.field
    );
    Call {
        name: "complete",
        method: GooseMethod::Post,
        path: "/graphql".into(),
        body: Some(json!({ "query": query, "variables": {"prefix": &word[..1 + (chance >> 8) as usize % word.len()]} })),
        holds: |answer| answer["errors"].is_null() && answer["data"]["values"].is_array(),
    }
}

fn get_document(ground: &Ground, _: &GooseUser) -> Call {
    Call {
        name: "get",
        method: GooseMethod::Get,
        path: format!("/v1/collections/{}/documents/{}", ground.data.collection, ground.number()),
        body: None,
        holds: |answer| answer["name"].is_string(),
    }
}

fn put_document(ground: &Ground, _: &GooseUser) -> Call {
    let number = ground.number();
    Call {
        name: "write",
        method: GooseMethod::Put,
        path: format!("/v1/collections/{}/documents/{number}", ground.data.collection),
        body: Some(document(number)),
        holds: |answer| answer["_version"].is_string(),
    }
}

fn wait_long(_: &Ground, user: &GooseUser) -> Call {
    Call {
        name: "users",
        method: GooseMethod::Get,
        path: format!("/lab/users/{}?delay=5", user.weighted_users_index + 1),
        body: None,
        holds: |answer| !answer.is_null(),
    }
}

/// What all users share: where the data is, chance, and what was measured.
pub(crate) struct Ground {
    data: Prepared,
    documents: u64,
    chance: AtomicU64,
    /// Where users wait for each other.
    gate: Barrier,
    started: Instant,
    samples: Mutex<Vec<Sample>>,
    told: AtomicU64,
}

impl Ground {
    pub(crate) fn new(data: Prepared, documents: usize, users: usize) -> Self {
        Ground {
            data,
            documents: documents as u64,
            chance: AtomicU64::new(0),
            gate: Barrier::new(users),
            started: Instant::now(),
            samples: Mutex::default(),
            told: AtomicU64::new(0),
        }
    }

    fn chance(&self) -> u64 {
        scatter(self.chance.fetch_add(1, Ordering::Relaxed))
    }

    /// Of a document that is there.
    fn number(&self) -> u64 {
        self.chance() % self.documents
    }

    /// To start a thousand users takes the machine a while: they wait for the last of them, so that all ask at once.
    async fn gather(&self) {
        let _ = tokio::time::timeout(PATIENCE, self.gate.wait()).await;
    }

    fn record(&self, sample: Sample) {
        let mut samples = self.samples.lock().unwrap_or_else(PoisonError::into_inner);
        if samples.len() < MOST_SAMPLES {
            samples.push(sample);
        }
    }

    fn tell(&self, name: &str, why: &str) {
        if self.told.fetch_add(1, Ordering::Relaxed) < MOST_TOLD as u64 {
            eprintln!("{name} failed: {}", why.chars().take(400).collect::<String>());
        }
    }

    /// All so far, in the order in which they were sent.
    pub(crate) fn samples(&self) -> Vec<Sample> {
        let mut samples = std::mem::take(&mut *self.samples.lock().unwrap_or_else(PoisonError::into_inner));
        samples.sort_by_key(|sample| sample.sent);
        samples
    }
}

/// Sends a request, reads the whole answer, and writes down how long that took and whether it was good.
async fn perform(ground: &Ground, user: &mut GooseUser, call: Call) -> TransactionResult {
    let mut request = user.get_request_builder(&call.method, &call.path)?.timeout(PATIENCE);
    if let Some(body) = &call.body {
        request = request.json(body);
    }
    let request =
        GooseRequest::builder().method(call.method).path(call.path.as_str()).name(call.name).set_request_builder(request).build();
    let sent = ground.started.elapsed();
    let answer = user.request(request).await?;
    let fault = match answer.response {
        Ok(response) => {
            let status = response.status();
            match response.bytes().await {
                Ok(body) if !status.is_success() => Some(format!("{status}: {}", String::from_utf8_lossy(&body))),
                Ok(body) => match serde_json::from_slice(&body) {
                    Ok(json) if (call.holds)(&json) => None,
                    _ => Some(format!("{status}, but the answer is not what it should be: {}", String::from_utf8_lossy(&body))),
                },
                Err(fault) => Some(fault.to_string()),
            }
        }
        Err(fault) => Some(fault.to_string()),
    };
    let took = ground.started.elapsed().saturating_sub(sent);
    ground.record(Sample {
        name: call.name,
        sent: u32::try_from(sent.as_millis()).unwrap_or(u32::MAX),
        micros: u32::try_from(took.as_micros()).unwrap_or(u32::MAX),
        user: u16::try_from(user.weighted_users_index).unwrap_or(u16::MAX),
        failed: fault.is_some(),
    });
    if let Some(why) = fault {
        ground.tell(call.name, &why);
    }
    Ok(())
}
