//! The settings, parsed: what every part of hooke may ask for. Reading them from flags, environment and files is in `config::table`
//! (one row a setting) and `config::sources`.

mod accounts;
mod collections;
mod defences;
mod proxies;
mod roles;
mod sources;
mod table;
mod upstreams;
mod values;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use crate::search::ElasticConfig;
use crate::search::{self, Selection};

pub use accounts::{AccountsConfig, IdentityConfig, MailConfig};
pub use defences::{Defence, Enforcement};
pub use proxies::Network;
pub use roles::{Allowed, GrantConfig, RoleConfig};
pub use sources::{Faults, Sources};
pub use table::{SETTINGS, Setting, Shape, sample};
pub use upstreams::{LabConfig, Rate, UpstreamConfig};
pub use values::duration;

#[derive(Clone, Debug)]
pub struct Config {
    pub listen: SocketAddr,
    /// The data folder: the embedded engine, the state, keys.
    pub data: PathBuf,
    /// Absent: the embedded engine.
    pub elasticsearch: Option<ElasticConfig>,
    /// Absent: `off` on Elasticsearch, `all` embedded.
    pub writes: Option<Writes>,
    /// Listen on an address that is not loopback although nobody has to sign in.
    pub insecure: bool,
    /// Names by which this server may be called beside loopback ones: `search.example.org`.
    pub hosts: Vec<String>,
    /// How people reach this server: links in mails and cookies are made for it.
    pub public_url: Option<String>,
    /// Origins of pages elsewhere that may ask, without cookies: `https://app.example.org`.
    pub origins: Vec<String>,
    /// Proxies in front of us: only what comes from these may say for whom it asks.
    pub proxies: Vec<Network>,
    /// What cursors and cookies are signed with; absent: `secret_file`, else a file made in the data folder.
    pub secret: Option<Secret>,
    pub secret_file: Option<PathBuf>,
    /// Load the sample into an empty data folder.
    pub sample: bool,
    pub catalog: CatalogConfig,
    pub graphql: GraphqlConfig,
    pub compat: CompatConfig,
    pub state: StateConfig,
    pub jobs: JobsConfig,
    pub limits: Limits,
    pub rates: RatesConfig,
    /// Other people's APIs, by the name they go by here.
    pub upstreams: BTreeMap<String, UpstreamConfig>,
    /// Who may see and do what, by the name of the role.
    pub roles: BTreeMap<String, RoleConfig>,
    pub lab: LabConfig,
    pub accounts: AccountsConfig,
    pub log: LogConfig,
}

/// A text that never shows in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    pub format: LogFormat,
    /// `info`, or by part: `info,hooke::search=debug`.
    pub level: String,
    /// An operation that takes longer is logged by its hash.
    pub slow: Duration,
    /// Whether everybody who reaches this server may read `/metrics`; absent: where it listens on loopback.
    pub metrics: Option<bool>,
    /// Where traces are sent.
    pub traces: Option<String>,
}

impl Default for LogConfig {
    fn default() -> Self {
        LogConfig { format: LogFormat::Auto, level: "info".into(), slow: Duration::from_secs(1), metrics: None, traces: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Pretty on a terminal, JSON otherwise.
    Auto,
    Pretty,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Writes {
    Off,
    /// Documents of collections that exist.
    Documents,
    /// Collections are made and removed too.
    All,
}

#[derive(Clone, Debug, Default)]
pub struct CatalogConfig {
    /// Names or patterns with `*`; empty: everything.
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    /// Collection name -> index pattern, such as `logs` -> `logs-*`.
    pub patterns: BTreeMap<String, String>,
    pub collections: BTreeMap<String, CollectionConfig>,
}

/// What settings say of one collection; paths are those of the document.
#[derive(Clone, Debug, Default)]
pub struct CollectionConfig {
    /// The name of the root field; the type is named after it.
    pub name: Option<String>,
    /// The name of one document where the inflector errs.
    pub singular: Option<String>,
    pub hide: Vec<String>,
    pub rename: BTreeMap<String, String>,
    /// Path -> whether it is a list.
    pub lists: BTreeMap<String, bool>,
    /// Name of a field -> the documents of another collection that it holds.
    pub relations: BTreeMap<String, RelationConfig>,
}

/// `author = { field = "author_id", to = "users" }`, and back `posts = { to = "posts", by = "author_id", many = true }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationConfig {
    pub to: String,
    /// The path of the own documents that names the others, or `_id`.
    pub field: String,
    /// The path of the others that is named, or `_id`.
    pub by: String,
    pub many: bool,
}

#[derive(Clone, Debug)]
pub struct GraphqlConfig {
    /// `id`, `node(id:)` and `nodes(ids:)` instead of `nodeId`.
    pub relay: bool,
    /// A folder of the only operations that may run.
    pub documents: Option<PathBuf>,
    /// Clients may send a hash in place of a text that they have sent before.
    pub persisted: bool,
    /// Whether there is a page to try operations on.
    pub playground: bool,
}

impl Default for GraphqlConfig {
    fn default() -> Self {
        GraphqlConfig { relay: false, documents: None, persisted: true, playground: true }
    }
}

/// For the routes of the service that hooke grew from.
#[derive(Clone, Debug)]
pub struct CompatConfig {
    /// The collection whose hashtags are told.
    pub hashtags: String,
}

impl Default for CompatConfig {
    fn default() -> Self {
        CompatConfig { hashtags: "digi_hashtags".into() }
    }
}

/// Where hooke keeps what it must remember itself.
#[derive(Clone, Debug, Default)]
pub struct StateConfig {
    pub place: StatePlace,
    /// Processes on one cluster share a state of the same name; empty: the usual one.
    pub name: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StatePlace {
    /// In the engine where `writes` is `all`, else in the data folder.
    #[default]
    Auto,
    Engine,
    Folder,
}

impl StateConfig {
    /// How a hidden collection for this purpose is called, after its prefix.
    pub fn purpose(&self, purpose: &str) -> String {
        if self.name.is_empty() { purpose.to_owned() } else { format!("{}-{purpose}", self.name) }
    }
}

#[derive(Clone, Debug)]
pub struct JobsConfig {
    /// Run at once in this process.
    pub running: usize,
    /// Waiting, running or paused, in all.
    pub queued: usize,
    /// Jobs that have ended and are still shown.
    pub kept: usize,
    /// After so long without a sign of life of its process a job is taken over by another.
    pub lease: Duration,
    /// Documents written at once.
    pub batch: usize,
    /// Bytes of a file to be loaded.
    pub upload: u64,
    /// Bytes of all files of jobs together.
    pub space: u64,
    /// Where those files are; absent: `jobs` in the data folder.
    pub folder: Option<PathBuf>,
    /// For work that keeps a core busy; absent: one a core, less one where there are several.
    pub threads: Option<usize>,
}

impl Default for JobsConfig {
    fn default() -> Self {
        JobsConfig {
            running: 4,
            queued: 1_000,
            kept: 1_000,
            lease: Duration::from_secs(10),
            batch: 500,
            upload: 1 << 30,
            space: 10 << 30,
            folder: None,
            threads: None,
        }
    }
}

/// Points that one caller may spend: a request costs one, an operation what it asks of the engine. Absent: none on loopback.
#[derive(Clone, Debug, Default)]
pub struct RatesConfig {
    pub key: Option<Rate>,
    pub user: Option<Rate>,
    /// Of who is not signed in.
    pub address: Option<Rate>,
}

#[derive(Clone, Debug)]
pub struct Limits {
    /// What happens to an operation that breaks a limit.
    pub enforce: Enforcement,
    /// Bytes of a request body after decompression.
    pub body: usize,
    pub tokens: usize,
    pub depth: usize,
    pub aliases: usize,
    pub root_fields: usize,
    pub first: u32,
    pub window: u32,
    pub filter_depth: usize,
    pub filter_clauses: usize,
    pub pattern_length: usize,
    pub in_values: usize,
    /// Open at once for one viewer.
    pub snapshots: usize,
    /// What an operation may ask for: hits, buckets and groups, those inside one another multiplied.
    pub cost: usize,
    /// Groups of one grouping, and groups listed for an order or a condition that needs all of them.
    pub groups: u32,
    /// Groups inside groups.
    pub group_depth: usize,
    /// Documents of one group.
    pub top_hits: u32,
    /// Operations of one bulk mutation.
    pub operations: u32,
    pub time: Duration,
    pub errors: usize,
    /// Operations at once on one WebSocket.
    pub subscriptions: usize,
    /// For the head of a request to arrive, and for the next request on a connection that is kept.
    pub head_time: Duration,
    /// For the next piece of a body to arrive.
    pub body_time: Duration,
    /// Requests being answered at once; more are sent away with 503.
    pub in_flight: usize,
    /// Open connections; more wait until one is closed.
    pub connections: usize,
    /// Left out, to see what it is good for. No flag, variable or file reaches this.
    pub without: Option<Defence>,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            enforce: Enforcement::Refuse,
            body: 2 * 1024 * 1024,
            tokens: 5_000,
            depth: 15,
            aliases: 30,
            root_fields: 20,
            first: 1_000,
            window: 10_000,
            filter_depth: 8,
            filter_clauses: 1_024,
            pattern_length: 256,
            in_values: 10_000,
            snapshots: 100,
            cost: 10_000,
            groups: 10_000,
            group_depth: 5,
            top_hits: 100,
            operations: 1_000,
            time: Duration::from_secs(10),
            errors: 20,
            subscriptions: 100,
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(15),
            in_flight: 1_024,
            connections: 20_000,
            without: None,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4000)),
            data: PathBuf::from("./data"),
            elasticsearch: None,
            writes: None,
            insecure: false,
            hosts: Vec::new(),
            public_url: None,
            origins: Vec::new(),
            proxies: Vec::new(),
            secret: None,
            secret_file: None,
            sample: true,
            catalog: CatalogConfig::default(),
            graphql: GraphqlConfig::default(),
            compat: CompatConfig::default(),
            state: StateConfig::default(),
            jobs: JobsConfig::default(),
            limits: Limits::default(),
            rates: RatesConfig::default(),
            upstreams: BTreeMap::new(),
            roles: BTreeMap::new(),
            lab: LabConfig::default(),
            accounts: AccountsConfig::default(),
            log: LogConfig::default(),
        }
    }
}

impl CatalogConfig {
    pub fn selection(&self) -> Selection {
        Selection { include: self.include.clone(), exclude: self.exclude.clone(), patterns: self.patterns.clone() }
    }
}

impl Config {
    /// The engine that the settings ask for.
    pub fn engine(&self) -> search::Settings {
        let (selection, folder) = (self.catalog.selection(), self.data.join("engine"));
        search::Settings { elasticsearch: self.elasticsearch.clone(), selection, folder }
    }

    /// Whether the lab is there: everybody who reaches it can keep this machine busy.
    pub fn has_lab(&self) -> bool {
        self.lab.enabled.unwrap_or(self.listen.ip().is_loopback())
    }

    /// People and programs may say who they are, and whoever does not is a stranger.
    pub fn has_accounts(&self) -> bool {
        self.accounts.enabled || self.accounts.identity.is_some()
    }

    /// Whether everybody who reaches this server may read what it counts.
    pub fn has_metrics(&self) -> bool {
        self.log.metrics.unwrap_or(self.listen.ip().is_loopback())
    }

    /// What may be written, with the default of the engine in use.
    pub fn writes(&self) -> Writes {
        self.writes.unwrap_or(if self.elasticsearch.is_some() { Writes::Off } else { Writes::All })
    }

    /// hooke's own state lies in the engine, not in a store of its own.
    pub fn keeps_state_in_engine(&self) -> bool {
        match self.state.place {
            StatePlace::Auto => self.writes() == Writes::All,
            StatePlace::Engine => true,
            StatePlace::Folder => false,
        }
    }

    /// Other processes may see the same state: it lies on a cluster.
    pub fn shares_state(&self) -> bool {
        self.elasticsearch.is_some() && self.keeps_state_in_engine()
    }
}
