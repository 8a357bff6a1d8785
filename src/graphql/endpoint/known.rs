//! Operations by name instead of by text: trusted documents, which a folder holds and beside which nothing runs; and automatic
//! persisted queries, which a client sends once with their hash and afterwards by the hash alone.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use moka::sync::Cache;
use serde_json::Value as Json;

use super::hash;
use crate::config::GraphqlConfig;
use crate::error::Code;
use crate::graphql::errors::Failure;
use crate::graphql::run::Request;

/// Bytes of texts that clients have sent with their hashes.
const KEPT: u64 = 4 * 1024 * 1024;
/// A longer text is not kept.
const LONGEST: usize = 64 * 1024;
/// Of one file of trusted documents, and of all.
const MOST: u64 = 64 * 1024 * 1024;

#[derive(Clone)]
pub(super) struct Known {
    /// By their ids and by the hashes of their texts. `None`: any operation may run.
    trusted: Option<Arc<HashMap<String, Arc<str>>>>,
    /// `None`: clients may not persist anything.
    persisted: Option<Cache<String, Arc<str>>>,
}

impl Known {
    /// Reads the folder, where there is one. Blocks on its files.
    pub(super) fn open(config: &GraphqlConfig) -> anyhow::Result<Self> {
        let trusted = config.documents.as_deref().map(read).transpose()?.map(Arc::new);
        if let Some(trusted) = &trusted {
            tracing::info!(documents = trusted.len(), "only trusted documents run");
        }
        let weigh = |hash: &String, text: &Arc<str>| u32::try_from(hash.len() + text.len()).unwrap_or(u32::MAX);
        let persisted =
            (config.persisted && trusted.is_none()).then(|| Cache::builder().max_capacity(KEPT).weigher(weigh).build());
        Ok(Known { trusted, persisted })
    }

    pub(super) fn resolved(&self, mut request: Request) -> Result<Request, Failure> {
        self.resolve(&mut request).map(|()| request)
    }

    /// Whatever text is sent may run.
    #[cfg(test)]
    pub(super) fn nothing() -> Self {
        Known { trusted: None, persisted: None }
    }

    /// Puts the text into a request that names it, and refuses what may not run.
    pub(super) fn resolve(&self, request: &mut Request) -> Result<(), Failure> {
        if let Some(trusted) = &self.trusted {
            return match &request.known {
                Some(id) => match trusted.get(id) {
                    Some(text) if request.query.is_empty() || *request.query == **text => {
                        request.query = text.to_string();
                        Ok(())
                    }
                    Some(_) => Err(Failure::input("the query is not the one of this id: leave it out")),
                    None => Err(not_found()),
                },
                None if trusted.contains_key(&hash(&request.query)) => Ok(()),
                None => Err(Failure::new(Code::Forbidden, "only trusted documents run here: send the id of one as documentId")),
            };
        }
        let Some(id) = &request.known else { return Ok(()) };
        let Some(persisted) = &self.persisted else {
            return Err(Failure::coded("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported"));
        };
        if request.query.is_empty() {
            request.query = persisted.get(id).ok_or_else(not_found)?.to_string();
        } else if hash(&request.query) != *id {
            return Err(Failure::input("provided sha does not match query"));
        } else if request.query.len() <= LONGEST {
            persisted.insert(id.clone(), request.query.as_str().into());
        }
        Ok(())
    }
}

/// The words that clients look for.
fn not_found() -> Failure {
    Failure::coded("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
}

/// What a request names instead of a text, or beside it: `documentId`, or `extensions.persistedQuery.sha256Hash`.
pub(super) fn named(document: Option<Json>, extensions: Option<&Json>) -> Result<Option<String>, Failure> {
    match document {
        None | Some(Json::Null) => {}
        Some(Json::String(id)) => return Ok(Some(id)),
        Some(_) => return Err(Failure::input("documentId must be a text")),
    }
    let Some(persisted) = extensions.and_then(|extensions| extensions.get("persistedQuery")).filter(|given| !given.is_null())
    else {
        return Ok(None);
    };
    if persisted.get("version").is_some_and(|version| *version != 1) {
        return Err(Failure::input("Unsupported persisted query version"));
    }
    match persisted.get("sha256Hash").and_then(Json::as_str) {
        Some(hash) if hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(Some(hash.to_ascii_lowercase()))
        }
        _ => Err(Failure::input("extensions.persistedQuery.sha256Hash must be a SHA-256 in hexadecimal")),
    }
}

/// Of each file `NAME.graphql` the id is `NAME`; a file `*.json` is an object of ids and texts. Each goes by the hash of its text too.
fn read(folder: &Path) -> anyhow::Result<HashMap<String, Arc<str>>> {
    let (mut known, mut bytes) = (HashMap::new(), 0);
    let mut add = |id: String, text: String| -> anyhow::Result<()> {
        let text: Arc<str> = text.into();
        if known.insert(id.clone(), text.clone()).is_some_and(|other| other != text) {
            bail!("two documents have the id {id}");
        }
        known.insert(hash(&text), text);
        Ok(())
    };
    let entries = folder.read_dir().with_context(|| format!("the documents in {} cannot be read", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        let kind = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_owned();
        if !matches!(kind.as_str(), "graphql" | "gql" | "json") {
            continue;
        }
        bytes += path.metadata()?.len();
        if bytes > MOST {
            bail!("the documents in {} are longer than {MOST} bytes", folder.display());
        }
        let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        if kind == "json" {
            let documents: HashMap<String, String> =
                serde_json::from_str(&text).with_context(|| format!("{} is no object of ids and texts", path.display()))?;
            documents.into_iter().try_for_each(|(id, text)| add(id, text))?;
        } else {
            let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
            add(id, text)?;
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(query: &str, known: Option<&str>) -> Request {
        Request { query: query.into(), known: known.map(str::to_owned), ..Request::default() }
    }

    #[test]
    fn a_query_is_persisted_by_its_own_hash_only() {
        let known = Known::open(&GraphqlConfig { persisted: true, ..GraphqlConfig::default() }).unwrap();
        let id = hash("{ a }");
        assert_eq!(known.resolve(&mut request("", Some(&id))).unwrap_err().message, "PersistedQueryNotFound");
        assert!(known.resolve(&mut request("{ b }", Some(&id))).unwrap_err().message.contains("does not match"));
        assert!(known.resolve(&mut request("", Some(&id))).is_err(), "a wrong one is not kept");
        known.resolve(&mut request("{ a }", Some(&id))).unwrap();
        let mut again = request("", Some(&id));
        known.resolve(&mut again).unwrap();
        assert_eq!(again.query, "{ a }");
        let off = Known::open(&GraphqlConfig { persisted: false, ..GraphqlConfig::default() }).unwrap();
        assert_eq!(off.resolve(&mut request("", Some(&id))).unwrap_err().code, "PERSISTED_QUERY_NOT_SUPPORTED");
    }

    #[test]
    fn beside_trusted_documents_nothing_runs() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("Home.graphql"), "{ a }").unwrap();
        std::fs::write(folder.path().join("more.json"), json!({ "List": "{ b }" }).to_string()).unwrap();
        std::fs::write(folder.path().join("README.md"), "{ c }").unwrap();
        let known =
            Known::open(&GraphqlConfig { documents: Some(folder.path().into()), persisted: true, ..GraphqlConfig::default() })
                .unwrap();
        for (query, id, wanted) in [
            ("", Some("Home"), Ok("{ a }")),
            ("{ a }", Some("Home"), Ok("{ a }")),
            ("", Some(hash("{ b }").as_str()), Ok("{ b }")),
            ("{ b }", None, Ok("{ b }")),
            ("{ c }", None, Err("FORBIDDEN")),
            ("{ c }", Some("Home"), Err("BAD_USER_INPUT")),
            ("{ c }", Some(hash("{ c }").as_str()), Err("PERSISTED_QUERY_NOT_FOUND")),
            ("", None, Err("FORBIDDEN")),
        ] {
            let mut request = request(query, id);
            let told = known.resolve(&mut request).map(|()| request.query.as_str()).map_err(|failure| failure.code);
            assert_eq!(told, wanted, "{query} {id:?}");
        }
        std::fs::write(folder.path().join("other.json"), json!({ "List": "{ d }" }).to_string()).unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("List"));
    }

    #[test]
    fn a_request_names_what_it_wants() {
        let hash = "A".repeat(64);
        let extensions = json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } });
        assert_eq!(named(None, Some(&extensions)).unwrap(), Some("a".repeat(64)));
        assert_eq!(named(Some(json!("Home")), Some(&extensions)).unwrap().as_deref(), Some("Home"));
        assert_eq!(named(None, Some(&json!({ "other": 1 }))).unwrap(), None);
        for wrong in [
            json!({ "persistedQuery": { "sha256Hash": "x" } }),
            json!({ "persistedQuery": { "version": 2, "sha256Hash": hash } }),
        ] {
            assert!(named(None, Some(&wrong)).is_err(), "{wrong}");
        }
    }
}
