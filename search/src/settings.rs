//! What an engine must be told to be opened; where settings are read from is not known here.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Which engine, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Absent: the embedded engine.
    pub elasticsearch: Option<ElasticConfig>,
    pub selection: Selection,
    /// Of the embedded engine.
    pub folder: PathBuf,
}

/// Which indices of a cluster are collections.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Names or patterns with `*`; empty: everything.
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    /// Collection name -> index pattern, such as `logs` -> `logs-*`.
    pub patterns: BTreeMap<String, String>,
}

#[derive(Clone)]
pub struct ElasticConfig {
    /// One or more nodes of one cluster: `http://127.0.0.1:9200`.
    pub urls: Vec<String>,
    pub username: Option<String>,
    pub password: Option<String>,
    pub api_key: Option<String>,
    /// A PEM file of the authority that signed the cluster's certificate.
    pub ca_file: Option<PathBuf>,
    /// Searches in flight at once; more wait for their turn until their deadline.
    pub max_in_flight: usize,
    /// Ask for compressed answers: worth it across a WAN, costs a fifth of the time on a LAN.
    pub gzip: bool,
}

impl fmt::Debug for ElasticConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ElasticConfig")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| "[hidden]"))
            .field("api_key", &self.api_key.as_ref().map(|_| "[hidden]"))
            .field("ca_file", &self.ca_file)
            .field("max_in_flight", &self.max_in_flight)
            .field("gzip", &self.gzip)
            .finish()
    }
}

impl Default for ElasticConfig {
    fn default() -> Self {
        ElasticConfig {
            urls: vec!["http://127.0.0.1:9200".into()],
            username: None,
            password: None,
            api_key: None,
            ca_file: None,
            max_in_flight: 64,
            gzip: false,
        }
    }
}
