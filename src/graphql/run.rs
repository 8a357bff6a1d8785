//! Runs one operation: compiles it, asks the engine once, shapes the answer.

use std::cell::RefCell;
use std::sync::Arc;

use apollo_compiler::Node as Shared;
use apollo_compiler::executable::{Operation, OperationType};
use apollo_compiler::introspection;
use apollo_compiler::response::{JsonMap, serde_json_bytes};
use apollo_compiler::validation::Valid;
use serde::Serialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use tracing::Instrument as _;

use super::answer::{self, Level, Results, Shaper};
use super::cost;
use super::errors::{self, Failure, Step};
use super::jobs;
use super::moments;
use super::mutation::Reach;
use super::operation::{self, Document, Selector, Values, What};
use super::plan::{Plan, Planner, Related};
use super::version::Version;
use crate::access::Viewer;
use crate::catalog::cursor::Signer;
use crate::catalog::moments::Moments;
use crate::config::{Config, Enforcement};
use crate::error::Code;
use crate::search::date::Time;
use crate::search::{self, Call, Engine, Fetch, Filter};
use crate::telemetry::{TRACED, metrics};

/// So many fields about the schema are one point of cost.
const DESCRIBED: u64 = 1_000;

/// What a client asks.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub query: String,
    pub operation_name: Option<String>,
    /// The id or hash by which the text is known.
    pub known: Option<String>,
    pub variables: serde_json::Map<String, serde_json::Value>,
}

/// What came of it. Written as JSON it is the answer.
#[derive(Debug, Serialize)]
pub struct Answer {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<Failure>,
    /// Absent where the operation was refused before it ran.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) data: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) extensions: Option<Json>,
    /// What it asked for, by `cost`.
    #[serde(skip)]
    pub(crate) cost: u64,
    /// Collections it was about.
    #[serde(skip)]
    pub(crate) collections: Vec<String>,
}

impl Answer {
    pub(crate) fn refused(mut errors: Vec<Failure>) -> Self {
        errors::shorten(&mut errors);
        Answer { errors, data: None, extensions: None, cost: 0, collections: Vec::new() }
    }
}

/// A request that was found valid.
pub(crate) struct Compiled {
    pub(crate) document: Arc<Document>,
    pub(crate) operation: Shared<Operation>,
    pub(crate) variables: Values,
}

/// What running needs beside the version.
pub(crate) struct Runner<'a> {
    pub(crate) version: &'a Arc<Version>,
    pub(crate) viewer: &'a Viewer,
    pub(crate) engine: &'a dyn Engine,
    pub(crate) signer: &'a Signer,
    pub(crate) config: &'a Config,
    pub(crate) moments: &'a Moments,
    /// Whose snapshots are counted together.
    pub(crate) holder: &'a str,
    /// What mutations reach beyond the engine; without it there are only those of documents.
    pub(crate) reach: Option<Reach<'a>>,
}

/// What is shaped, again for each level of relations.
struct Shaping<'a> {
    call: &'a Call,
    planner: &'a Planner<'a>,
    plan: &'a Plan<'a>,
    variables: &'a Values,
    results: &'a Results,
    failures: Vec<Failure>,
}

impl Runner<'_> {
    pub(crate) async fn run(&self, call: &Call, request: &Request) -> Answer {
        match self.answer(call, request).await {
            Ok(answer) => answer,
            Err(mut failures) => {
                failures.truncate(self.config.limits.errors);
                Answer::refused(failures)
            }
        }
    }

    async fn answer(&self, call: &Call, request: &Request) -> Result<Answer, Vec<Failure>> {
        let compiled = self.compile(request)?;
        match compiled.operation.operation_type {
            OperationType::Query => self.execute(call, &compiled).await,
            OperationType::Mutation => self.mutate(call, &compiled).await,
            OperationType::Subscription => Err(vec![Failure::input(
                "a subscription answers more than once: send it through a WebSocket (graphql-transport-ws), or accept text/event-stream",
            )]),
        }
    }

    /// The operation meant, with its variables.
    pub(crate) fn compile(&self, request: &Request) -> Result<Compiled, Vec<Failure>> {
        let document = self.version.document(&request.query, &self.config.limits)?;
        let operation = document.operation(request.operation_name.as_deref()).map_err(|failure| vec![failure])?.clone();
        let variables = operation::variables(&self.version.schema, &operation, &request.variables)
            .map_err(|fault| vec![Failure::from(fault)])?;
        Ok(Compiled { document, operation, variables })
    }

    pub(crate) fn selector<'a>(&'a self, compiled: &'a Compiled) -> Selector<'a> {
        Selector {
            document: &compiled.document.valid,
            variables: &compiled.variables,
            roots: &self.version.roots,
            relay: self.config.graphql.relay,
        }
    }

    /// One round trip: a query, or one event of a subscription.
    pub(crate) async fn execute(&self, call: &Call, compiled: &Compiled) -> Result<Answer, Vec<Failure>> {
        let Compiled { document, operation, variables } = compiled;
        let limits = &self.config.limits;
        let nodes = document.selected(operation, &self.selector(compiled));
        let planner = self.planner(compiled);
        let mut plan = planner.plan(&nodes, variables);
        let (most, cost) = (limits.cost as u64, cost::of(&plan.searches, plan.gets.len()));
        if !limits.lets("cost", most, cost) {
            let advice = "ask for fewer hits, buckets or groups, or split the operation";
            return Err(vec![Failure::limit("cost", most, cost, advice)]);
        }
        let introspects = nodes.iter().any(|node| matches!(node.what, What::Introspection));
        if introspects && !self.viewer.role.may_introspect() {
            return Err(vec![Failure::new(Code::Forbidden, "your role may not ask for the schema")]);
        }
        moments::open(self, call, &mut plan).await;
        let described = if introspects { self.introspect(document, operation, variables).await? } else { Default::default() };
        let (introspection, failures, weight) = described;
        // no limit of its own in points, but charged to who asks
        let cost = cost.saturating_add(weight / DESCRIBED);
        let results = self.ask(call, &plan, introspection).await;
        moments::note(self.moments, self.holder, &plan, &results);
        jobs::look(self, call, &mut plan).await;
        self.finish(call, compiled, &plan, results, failures, cost).await
    }

    fn planner<'c>(&'c self, compiled: &'c Compiled) -> Planner<'c> {
        Planner {
            schema: &self.version.schema,
            catalog: &self.version.catalog,
            selector: self.selector(compiled),
            signer: self.signer,
            limits: &self.config.limits,
            now: Time::now(),
            relay: self.config.graphql.relay,
        }
    }

    /// The answer, from what came back; `cost` is what it has cost so far.
    pub(crate) async fn finish(
        &self,
        call: &Call,
        compiled: &Compiled,
        plan: &Plan<'_>,
        results: Results,
        failures: Vec<Failure>,
        cost: u64,
    ) -> Result<Answer, Vec<Failure>> {
        let planner = self.planner(compiled);
        let operation = Shaping { call, planner: &planner, plan, variables: &compiled.variables, results: &results, failures };
        let (data, mut errors, related, cost) = self.shape(&operation, None, cost).await?;
        errors.truncate(self.config.limits.errors);
        let mut collections = answer::collections(plan);
        collections.extend(related);
        collections.sort();
        collections.dedup();
        Ok(Answer { errors, data: Some(data), extensions: None, cost, collections })
    }

    /// The answer; where relations lead on, after one more round trip for each level of them. Also told: where they led.
    async fn shape(
        &self,
        operation: &Shaping<'_>,
        levels: Option<&Level<'_>>,
        cost: u64,
    ) -> Result<(Box<RawValue>, Vec<Failure>, Vec<String>, u64), Vec<Failure>> {
        let call = operation.call;
        let (mut answers, plan) = {
            let mut shaper = Shaper {
                results: operation.results,
                signer: self.signer,
                schema: &self.version.schema,
                variables: operation.variables,
                most_errors: self.config.limits.errors,
                failures: operation.failures.clone(),
                levels,
                needs: RefCell::default(),
            };
            let data = shaper.data(operation.plan);
            let needs = shaper.needs.take();
            if needs.is_empty() {
                let data = serde_json::value::to_raw_value(&data).map_err(|fault| {
                    tracing::error!(request_id = &*call.request_id, cause = %fault, "an answer cannot be written");
                    vec![Failure::new(Code::Internal, "internal error")]
                })?;
                return Ok((data, shaper.failures, Vec::new(), cost));
            }
            operation.planner.related(needs, operation.variables)
        };
        let (most, cost) = (self.config.limits.cost as u64, cost.saturating_add(cost::of(&plan.searches, plan.gets.len())));
        let results = if !self.config.limits.lets("cost", most, cost) {
            let failure = Failure::limit("cost", most, cost, "relations of so many documents: ask for smaller pages");
            answers.values_mut().for_each(|answer| *answer = Related::Failed(failure.clone()));
            Results { pages: Vec::new(), documents: Ok(Vec::new()), introspection: JsonMap::default() }
        } else {
            self.ask(call, &plan, JsonMap::default()).await
        };
        let mut led: Vec<String> = plan.searches.iter().flat_map(|query| &query.on).map(|name| name.to_string()).collect();
        led.extend(plan.gets.iter().map(|document| document.collection.to_string()));
        let level = Level { answers, results, before: levels };
        let (data, failures, further, cost) = Box::pin(self.shape(operation, Some(&level), cost)).await?;
        led.extend(further);
        Ok((data, failures, led, cost))
    }

    /// The searches as one batch, and the documents by id beside it.
    async fn ask(&self, call: &Call, plan: &Plan<'_>, introspection: JsonMap) -> Results {
        let told = |error: &search::Error| Failure::of_engine(error, &call.request_id);
        let searching = async {
            if plan.searches.is_empty() {
                return Vec::new();
            }
            let asked = plan.searches.len();
            metrics().searches.inc_by(asked as u64);
            let span = tracing::trace_span!(target: TRACED, "search", searches = asked);
            let searching = self.engine.search(call, &plan.searches).instrument(span);
            let answered = match tokio::time::timeout_at(call.deadline, searching).await {
                Ok(answered) => answered,
                Err(_) => Err(search::Error::Timeout),
            };
            match answered {
                Ok(pages) if pages.len() == asked => pages.into_iter().map(|page| page.map_err(|error| told(&error))).collect(),
                Ok(pages) => {
                    let error = search::Error::internal(format!("{} answers to {asked} searches", pages.len()));
                    vec![Err(told(&error)); asked]
                }
                Err(error) => vec![Err(told(&error)); asked],
            }
        };
        let getting = async {
            if plan.gets.is_empty() {
                return Ok(Vec::new());
            }
            let fetch = Fetch { fields: Some(plan.paths.iter().cloned().collect()), ..Fetch::default() };
            let span = tracing::trace_span!(target: TRACED, "get", documents = plan.gets.len());
            let got = self.engine.get(call, &plan.gets, &fetch, &Filter::All).instrument(span);
            match tokio::time::timeout_at(call.deadline, got).await {
                Ok(got) => got.map_err(|error| told(&error)),
                Err(_) => Err(told(&search::Error::Timeout)),
            }
        };
        let (pages, documents) = tokio::join!(searching, getting);
        Results { pages, documents, introspection }
    }

    /// The part of the operation that is about the schema. A thousand collections take a while to describe.
    async fn introspect(
        &self,
        document: &Arc<Document>,
        operation: &Shared<Operation>,
        values: &Values,
    ) -> Result<(JsonMap, Vec<Failure>, u64), Vec<Failure>> {
        introspection::check_max_depth(&document.valid, operation)
            .map_err(|fault| vec![Failure::new(Code::LimitExceeded, fault.message().to_string())])?;
        let internal = |cause: &dyn std::fmt::Display| {
            tracing::error!(%cause, "introspection failed");
            vec![Failure::new(Code::Internal, "internal error")]
        };
        let variables: JsonMap =
            serde_json_bytes::from_value(serde_json_bytes::to_value(values).map_err(|fault| internal(&fault))?)
                .map_err(|fault| internal(&fault))?;
        let (version, document, operation) = (self.version.clone(), document.clone(), operation.clone());
        let (named, limits) = (values.clone(), self.config.limits.clone());
        let described = tokio::task::spawn_blocking(move || {
            let (schema, implementers, valid, most) =
                (&version.schema, &version.implementers, &document.valid, version.described);
            // counted no further than it is let through
            let until = if limits.enforce == Enforcement::Warn { most.saturating_mul(10) } else { most };
            let weight = operation::described::weigh(schema, implementers, valid, &operation, &named, until);
            if !limits.lets("introspection", most, weight) {
                let advice = "ask for each part of the schema once, or fetch /schema.graphql";
                return Err(vec![Failure::limit("introspection", most, weight, advice)]);
            }
            let variables = Valid::assume_valid(variables);
            let described = introspection::partial_execute(schema, implementers, valid, &operation, &variables);
            described.map(|described| (described, weight)).map_err(|fault| vec![Failure::input(fault.message().to_string())])
        });
        let (described, weight) = described.await.map_err(|fault| internal(&fault))??;
        let failures = described.errors.into_iter().map(|error| Failure {
            path: error.path.iter().filter_map(|segment| serde_json::to_value(segment).ok()).filter_map(step).collect(),
            ..Failure::new(Code::BadUserInput, error.message).at(error.locations)
        });
        Ok((described.data.unwrap_or_default(), failures.collect(), weight))
    }
}

fn step(segment: serde_json::Value) -> Option<Step> {
    match segment {
        serde_json::Value::String(key) => Some(Step::Key(key)),
        other => other.as_u64().and_then(|index| usize::try_from(index).ok()).map(Step::Index),
    }
}
