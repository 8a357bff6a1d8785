//! What comes of one operation over time, for transports that can send more than one answer: a query or a mutation has one outcome,
//! a subscription has many.

use std::future::ready;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

use crate::access::Viewer;
use crate::error::Code;
use crate::graphql::errors::{self, Failure};
use crate::graphql::live::News;
use crate::graphql::run::Request;
use crate::graphql::{Api, Subscription};
use crate::rates::{Allowance, Cost};
use crate::search::Call;

#[derive(Debug)]
pub(super) enum Outcome {
    /// An answer as JSON; there may be more.
    Next(Arc<str>),
    /// It never ran, or cannot go on. Nothing follows.
    Errors(Arc<Vec<Failure>>),
    /// All was told. Nothing follows.
    Complete,
}

/// Runs an operation. Dropping the stream cancels it.
pub(super) fn run(
    api: Arc<Api>,
    viewer: Arc<Viewer>,
    allowance: Option<Allowance>,
    request: Request,
    request_id: Arc<str>,
) -> BoxStream<'static, Outcome> {
    let beginning = async move {
        if api.is_subscription(&viewer, &request).await {
            return match api.subscribe(&viewer, &request).await {
                Ok(subscription) => follow(subscription),
                Err(failures) => {
                    if let Some(refusal) = errors::refusal(&failures) {
                        refusal.note();
                    }
                    stream::once(ready(Outcome::Errors(failures.into()))).boxed()
                }
            };
        }
        answer(api, viewer, allowance, request, request_id)
    };
    stream::once(beginning).flatten().boxed()
}

fn answer(
    api: Arc<Api>,
    viewer: Arc<Viewer>,
    allowance: Option<Allowance>,
    request: Request,
    request_id: Arc<str>,
) -> BoxStream<'static, Outcome> {
    let answering = async move {
        let call = Call::within(api.config().limits.time).named(request_id);
        let answer = api.run(&call, &viewer, &request).await;
        if let Some(allowance) = allowance {
            allowance.charge(Cost(answer.cost));
        }
        if let Some(refusal) = errors::refusal(&answer.errors) {
            refusal.note();
        }
        if answer.data.is_none() {
            return vec![Outcome::Errors(answer.errors.into())];
        }
        match serde_json::to_string(&answer) {
            Ok(text) => vec![Outcome::Next(text.into()), Outcome::Complete],
            Err(fault) => {
                tracing::error!(request_id = &*call.request_id, cause = %fault, "an answer cannot be written");
                vec![internal()]
            }
        }
    };
    stream::once(answering).flat_map(stream::iter).boxed()
}

fn follow(subscription: Subscription) -> BoxStream<'static, Outcome> {
    let told = stream::unfold(Some(subscription), |subscription| async {
        let mut subscription = subscription?;
        Some(match subscription.next().await {
            Some(News::Answer(text)) => (vec![Outcome::Next(text)], Some(subscription)),
            Some(News::Last(text)) => (vec![Outcome::Next(text), Outcome::Complete], None),
            Some(News::Done) => (vec![Outcome::Complete], None),
            Some(News::Over(failures)) => (vec![Outcome::Errors(failures)], None),
            Some(News::Waiting) | None => (vec![internal()], None),
        })
    });
    told.flat_map(stream::iter).boxed()
}

fn internal() -> Outcome {
    Outcome::Errors(Arc::new(vec![Failure::new(Code::Internal, "internal error")]))
}
