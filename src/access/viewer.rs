//! Who is asking.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::Role;

/// Put into every request by a layer of the server; on a socket the one it was opened with, unless its first message says more.
#[derive(Clone, Debug, PartialEq)]
pub struct Viewer {
    pub who: Who,
    pub role: Arc<Role>,
    /// What row rules may ask for: `sub`, and whatever an account or a token says.
    pub claims: Map<String, Json>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// Not signed in.
    Anybody,
    User {
        id: Arc<str>,
    },
    Key {
        id: Arc<str>,
    },
    /// Somebody that another service knows.
    Outside {
        subject: Arc<str>,
    },
}

impl Who {
    /// The name of a command of hooke on the same data folder, which is admitted like a key.
    pub const COMMAND: &str = "command";

    pub fn command() -> Self {
        Who::Key { id: Who::COMMAND.into() }
    }

    pub fn is_command(&self) -> bool {
        matches!(self, Who::Key { id } if &**id == Who::COMMAND)
    }
}

/// As it is kept with what somebody made: unique among viewers.
impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Who::Anybody => f.write_str("anybody"),
            Who::User { id } => write!(f, "user {id}"),
            Who::Key { id } => write!(f, "key {id}"),
            Who::Outside { subject } => write!(f, "outside {subject}"),
        }
    }
}

impl Who {
    /// As it may stand in a log: another service may know somebody by their mail address, of which only a hash is written.
    pub fn logged(&self) -> String {
        match self {
            Who::Outside { subject } => {
                let hash = ring::digest::digest(&ring::digest::SHA256, subject.as_bytes());
                hash.as_ref().iter().take(8).fold(String::from("outside "), |text, byte| text + &format!("{byte:02x}"))
            }
            known => known.to_string(),
        }
    }
}

impl Viewer {
    pub fn new(who: Who, role: Arc<Role>, claims: Map<String, Json>) -> Arc<Self> {
        Arc::new(Viewer { who, role, claims })
    }

    /// Nobody had to say who they are.
    pub fn anybody(role: Arc<Role>) -> Arc<Self> {
        Viewer::new(Who::Anybody, role, Map::new())
    }

    /// hooke itself, or whoever may do everything.
    pub fn open() -> Arc<Self> {
        Viewer::anybody(Role::admin())
    }
}
