//! The audit log: who signed in, who changed users and keys, and what was refused; each an event of the target `hooke::audit` with the
//! same fields. People are named by the ids of their accounts, keys by their prefix; never by what they sent.
//!
//! Who asks, from where and under which id stands around the whole request ([`Origin`]); what happens deep inside only says what it is.

use std::future::Future;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

tokio::task_local! {
    static ORIGIN: Origin;
}

/// What lies around a request, or around a socket that it has opened.
#[derive(Clone, Debug)]
pub struct Origin(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    request_id: Arc<str>,
    address: Option<IpAddr>,
    /// Known once it has been looked into who that is; somebody who signs in is nobody before.
    actor: Mutex<Option<String>>,
    /// A refusal was told already: by whoever knows most about it.
    refused: AtomicBool,
}

/// Put by a handler among the extensions of an answer that refuses something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: &'static str,
    /// Which limit, or what else it was.
    pub reason: Option<String>,
}

impl Refusal {
    /// Of codes that say that somebody may not, rather than that something is wrong.
    pub fn of(code: &'static str, reason: Option<&str>) -> Option<Self> {
        let told = matches!(code, "UNAUTHENTICATED" | "FORBIDDEN" | "LIMIT_EXCEEDED");
        told.then(|| Refusal { code, reason: reason.map(str::to_owned) })
    }

    /// Of who watches, and not of a code: the caller is not to be heard.
    pub fn because(code: &'static str, reason: &'static str) -> Self {
        Refusal { code, reason: Some(reason.into()) }
    }

    pub fn note(&self) {
        note("request", Outcome::Refused, About { code: Some(self.code), reason: self.reason.as_deref(), ..About::default() });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Refused,
}

/// What an event is about, beside who did it.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The id of the user or the key.
    pub subject: Option<&'a str>,
    /// Whose the key is.
    pub owner: Option<&'a str>,
    pub role: Option<&'a str>,
    /// The role before.
    pub was: Option<&'a str>,
    pub code: Option<&'a str>,
    pub reason: Option<&'a str>,
}

impl<'a> About<'a> {
    pub fn of(subject: &'a str) -> Self {
        About { subject: Some(subject), ..About::default() }
    }

    pub fn reason(reason: &'a str) -> Self {
        About { reason: Some(reason), ..About::default() }
    }
}

impl Origin {
    pub fn new(request_id: Arc<str>, address: Option<IpAddr>) -> Self {
        Origin(Arc::new(Inner { request_id, address, actor: Mutex::default(), refused: AtomicBool::new(false) }))
    }

    /// That of the request at work, for what goes on after it.
    pub fn current() -> Option<Self> {
        ORIGIN.try_with(Clone::clone).ok()
    }

    /// What runs inside of it says whose doing it is.
    pub async fn around<F: Future>(self, inside: F) -> F::Output {
        ORIGIN.scope(self, inside).await
    }

    /// Whether a refusal inside was told.
    pub fn told(&self) -> bool {
        self.0.refused.load(Ordering::Relaxed)
    }
}

/// Says who is asking, as soon as it is known; the first message on a socket may say so again.
pub fn name_actor(actor: String) {
    let _ = ORIGIN.try_with(|origin| *origin.0.actor.lock().unwrap_or_else(PoisonError::into_inner) = Some(actor));
}

/// One event. Without a request around it, it was a command or hooke itself.
pub fn note(action: &'static str, outcome: Outcome, about: About<'_>) {
    let origin = Origin::current();
    let actor = match &origin {
        None => Some("hooke".to_owned()),
        Some(origin) => origin.0.actor.lock().unwrap_or_else(PoisonError::into_inner).clone(),
    };
    let actor = actor.as_deref().unwrap_or("anybody");
    let address = origin.as_ref().and_then(|origin| origin.0.address).map(tracing::field::display);
    let request_id = origin.as_ref().map(|origin| &*origin.0.request_id);
    let About { subject, owner, role, was, code, reason } = about;
    let told = match outcome {
        Outcome::Done => "done",
        Outcome::Refused => "refused",
    };
    tracing::info!(target: "hooke::audit", action, outcome = told, actor, address, request_id, subject, owner, role, was, code, reason, "audit");
    if let (Outcome::Refused, Some(origin)) = (outcome, &origin) {
        origin.0.refused.store(true, Ordering::Relaxed);
    }
}
