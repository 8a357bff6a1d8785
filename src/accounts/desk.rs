//! What is done after the answer was given: a registration or a forgotten password is answered at once, alike for every address, and
//! worked off here, by the same work for every address. One task owns the queue and ends with the accounts; another sends the mails,
//! again and again where the mail server is not ready, so that one that hangs holds up mails alone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::mail::{Failed, Letter, Post};
use super::password::Passwords;
use super::records::{Place, Records};
use super::users::{Owner, Record, owner_place};
use super::{Fault, keys, times, token, users};
use crate::search::{Call, Error, Precondition, Refresh};

/// Waiting; who comes after them is told to come back.
const QUEUE: usize = 256;
/// Mails that wait for the mail server. More are let go, and the log says so: one can ask for the link once more.
const MAILS: usize = 256;
/// Sent at once, so that one that is slow to be taken does not hold up all.
const AT_ONCE: usize = 4;
/// A mail that was not taken is sent again after so long: a hiccup, a restart, a server that takes no mail of somebody new at once.
const AGAIN: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(60), Duration::from_secs(900)];
/// For one piece of work.
const PATIENCE: Duration = Duration::from_secs(60);
const SWEEP: Duration = Duration::from_secs(600);
/// Seconds for which a link holds.
const ACTIVATE: i64 = 86_400;
const RESET: i64 = 3_600;

/// What the token of a link is good for; kept under its hash.
#[derive(Serialize, Deserialize)]
#[serde(tag = "for")]
pub(super) enum Ticket {
    Activate {
        email: String,
        password: String,
        name: Option<String>,
        expires: i64,
    },
    Reset {
        user: String,
        generation: u64,
        expires: i64,
    },
    /// Of an address that is known already or not at all: written so that it takes as long.
    Nothing {
        filling: String,
        expires: i64,
    },
}

impl Ticket {
    pub(super) fn holds(&self, now: i64) -> bool {
        let (Ticket::Activate { expires, .. } | Ticket::Reset { expires, .. } | Ticket::Nothing { expires, .. }) = self;
        now < *expires
    }
}

pub(super) fn place(token: &str) -> String {
    format!("ticket-{}", token::hash(token))
}

enum Work {
    Register { email: String, password: String, name: Option<String>, url: Arc<str> },
    Forgotten { email: String, url: Arc<str> },
    KeyUsed { id: Arc<str> },
}

pub(super) struct Desk {
    queue: mpsc::Sender<Work>,
    _working: AbortOnDropHandle<()>,
    _sending: AbortOnDropHandle<()>,
}

impl Desk {
    pub(super) fn open(records: Arc<Records>, passwords: Arc<Passwords>, post: Post) -> Self {
        let (queue, coming) = mpsc::channel(QUEUE);
        let (mails, letters) = mpsc::channel(MAILS);
        let clerk = Clerk { records, passwords, mails };
        Desk {
            queue,
            _working: AbortOnDropHandle::new(tokio::spawn(clerk.work(coming))),
            _sending: AbortOnDropHandle::new(tokio::spawn(carry(Arc::new(post), letters))),
        }
    }

    pub(super) fn register(&self, email: String, password: String, name: Option<String>, url: Arc<str>) -> Result<(), Fault> {
        self.queue.try_send(Work::Register { email, password, name, url }).map_err(|_| Fault::Busy)
    }

    pub(super) fn forgotten(&self, email: String, url: Arc<str>) -> Result<(), Fault> {
        self.queue.try_send(Work::Forgotten { email, url }).map_err(|_| Fault::Busy)
    }

    /// Where there is too much to do it is not noted down.
    pub(super) fn key_used(&self, id: Arc<str>) {
        let _ = self.queue.try_send(Work::KeyUsed { id });
    }
}

/// A mail that was not taken, how often it was tried, and when it is due.
struct Waiting {
    letter: Letter,
    tries: usize,
    due: tokio::time::Instant,
}

/// Sends mails, a few at once; ends when nobody has any more. What waits to be sent again is bounded as the queue is.
async fn carry(post: Arc<Post>, mut letters: mpsc::Receiver<Letter>) {
    let mut under_way = JoinSet::new();
    let mut again: VecDeque<Waiting> = VecDeque::new();
    loop {
        let next = again.iter().map(|waiting| waiting.due).min();
        let room = under_way.len() < AT_ONCE;
        let (letter, tries) = tokio::select! {
            Some(ended) = under_way.join_next() => {
                match ended {
                    Ok(Some(waiting)) if again.len() < MAILS => again.push_back(waiting),
                    Ok(Some(_)) => tracing::warn!("too many mails of accounts wait to be sent again: one is let go"),
                    Ok(None) => {}
                    Err(fault) => tracing::warn!(%fault, "a mail of accounts was lost"),
                }
                continue;
            }
            () = async { tokio::time::sleep_until(next.unwrap_or_else(tokio::time::Instant::now)).await }, if room && next.is_some() => {
                let now = tokio::time::Instant::now();
                let Some(at) = again.iter().position(|waiting| waiting.due <= now) else { continue };
                let Some(waiting) = again.remove(at) else { continue };
                (waiting.letter, waiting.tries)
            }
            coming = letters.recv(), if room => match coming {
                Some(letter) => (letter, 0),
                None => return,
            },
        };
        let post = post.clone();
        under_way.spawn(async move { send(&post, letter, tries).await });
    }
}

/// What is to be sent again, if it failed.
async fn send(post: &Post, letter: Letter, tries: usize) -> Option<Waiting> {
    match (post.send(&letter).await, AGAIN.get(tries)) {
        (Ok(()), _) => None,
        (Err(Failed::ForNow(cause)), Some(wait)) => {
            tracing::info!(cause, seconds = wait.as_secs(), "a mail of accounts was not sent, and is tried again");
            Some(Waiting { letter, tries: tries + 1, due: tokio::time::Instant::now() + *wait })
        }
        (Err(Failed::ForNow(cause) | Failed::ForGood(cause)), _) => {
            tracing::warn!(cause, "a mail of accounts could not be sent");
            None
        }
    }
}

struct Clerk {
    records: Arc<Records>,
    passwords: Arc<Passwords>,
    mails: mpsc::Sender<Letter>,
}

impl Clerk {
    async fn work(self, mut coming: mpsc::Receiver<Work>) {
        let mut swept: Option<Instant> = None;
        while let Some(work) = coming.recv().await {
            let call = Call::within(PATIENCE);
            let done = tokio::time::timeout(PATIENCE, async {
                match work {
                    Work::Register { email, password, name, url } => self.register(&call, email, password, name, &url).await,
                    Work::Forgotten { email, url } => self.forgotten(&call, email, &url).await,
                    Work::KeyUsed { id } => Ok(keys::note_use(&self.records, &call, &id).await?),
                }
            });
            match done.await {
                Ok(Ok(())) => {}
                // other causes may name addresses
                Ok(Err(fault)) => {
                    let cause = fault.chain().find_map(|cause| cause.downcast_ref::<Error>().map(ToString::to_string));
                    tracing::warn!(cause, "what a mail of accounts is for could not be kept");
                }
                Err(_) => tracing::warn!("what a mail of accounts is for took too long to keep"),
            }
            if swept.is_none_or(|at| at.elapsed() > SWEEP) {
                swept = Some(Instant::now());
                if let Err(fault) = self.records.sweep(&call, times::now()).await {
                    tracing::debug!(%fault, "what has expired could not be swept away");
                }
            }
        }
    }

    async fn register(
        &self,
        call: &Call,
        email: String,
        password: String,
        name: Option<String>,
        url: &str,
    ) -> anyhow::Result<()> {
        let password = self.passwords.hash(password).await?;
        let known = self.records.get::<Owner>(call, &owner_place(&email)).await?.is_some();
        let secret = token::hex(&token::random::<32>()?);
        let expires = times::now() + ACTIVATE;
        let (ticket, letter) = if known {
            let text = format!(
                "Somebody, maybe you, wanted to make an account for this address at {url}.\n\nThere is one already: sign in at {url}/login\nIf you have forgotten the password: {url}/forgot\n\nIf it was not you, nothing needs to be done.\n"
            );
            let filling = format!("{password}{email}{}", name.unwrap_or_default());
            (Ticket::Nothing { filling, expires }, Letter { to: email, subject: "You have an account already", text })
        } else {
            let text = format!(
                "Somebody, hopefully you, wants to make an account for this address at {url}.\n\nTo make it, open this link within a day:\n{url}/activate?token={secret}\n\nIf it was not you, do not open it: nothing is made then.\n"
            );
            let letter = Letter { to: email.clone(), subject: "Activate your account", text };
            (Ticket::Activate { email, password, name, expires }, letter)
        };
        self.keep(call, &secret, &ticket, expires).await?;
        self.post(letter);
        Ok(())
    }

    fn post(&self, letter: Letter) {
        if self.mails.try_send(letter).is_err() {
            tracing::warn!("too many mails of accounts wait for the mail server: one is let go");
        }
    }

    async fn forgotten(&self, call: &Call, email: String, url: &str) -> anyhow::Result<()> {
        let owner = self.records.get::<Owner>(call, &owner_place(&email)).await?;
        let id = owner.map_or_else(|| "nobody".to_owned(), |(_, owner)| owner.user);
        let user = self.records.get::<Record>(call, &users::place(&id)).await?.map(|(_, record)| record);
        let user = user.filter(|user| !user.disabled);
        let secret = token::hex(&token::random::<32>()?);
        let expires = times::now() + RESET;
        let ticket = match &user {
            Some(user) => Ticket::Reset { user: user.id.clone(), generation: user.generation, expires },
            None => Ticket::Nothing { filling: id, expires },
        };
        self.keep(call, &secret, &ticket, expires).await?;
        if user.is_none() {
            return Ok(());
        }
        let text = format!(
            "Somebody, hopefully you, has forgotten the password of the account of this address at {url}.\n\nTo choose another one, open this link within an hour:\n{url}/reset?token={secret}\n\nIf it was not you, nothing needs to be done.\n"
        );
        self.post(Letter { to: email, subject: "Choose another password", text });
        Ok(())
    }

    async fn keep(&self, call: &Call, secret: &str, ticket: &Ticket, expires: i64) -> anyhow::Result<()> {
        let at = place(secret);
        let own = Place { id: &at, kind: "ticket", owner: None, expires: Some(expires) };
        self.records.put(call, own, ticket, Precondition::Absent, Refresh::None).await?;
        Ok(())
    }
}
