//! `hooke policy test`: a table of who sees what, held against the roles of the settings and the documents that there are. Nothing is
//! written but to the data folder, and that only as any start of hooke does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::access::{Viewer, Who};
use crate::app::{App, is_in_use};
use crate::catalog::Exposed;
use crate::catalog::ask::{self, Frame};
use crate::config::{Config, StatePlace};
use crate::search::date::Time;
use crate::search::{Call, Fetch, Filter, From, PageRequest, Query};

/// For the catalog, and for each question.
const PATIENCE: Duration = Duration::from_secs(30);
/// Documents read at once.
const PAGE: u32 = 1_000;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Hold a table of who sees what against the roles and the documents; the exit code is 1 if anything is otherwise
    Test {
        /// TOML or JSON: cases with role, claims, collection, and what is expected: ids, count, sees, hides, exists
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    case: Vec<Case>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Case {
    name: Option<String>,
    role: String,
    claims: Map<String, Json>,
    collection: String,
    /// Which documents are asked for; absent: all.
    filter: Option<Json>,
    /// Exactly these are seen, in any order.
    ids: Option<Vec<String>>,
    /// So many are seen.
    count: Option<usize>,
    /// Fields, by their paths, that exist for the role.
    sees: Vec<String>,
    /// Fields of the collection that do not.
    hides: Vec<String>,
    /// Whether the collection exists for the role.
    exists: Option<bool>,
}

pub(super) async fn run(mut config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let What::Test { file } = arguments.what;
    let text = tokio::fs::read_to_string(&file).await.with_context(|| format!("{} cannot be read", file.display()))?;
    let table = parse(&file, &text)?;
    let folder = if config.elasticsearch.is_some() {
        // a server may run on the data folder; all that is asked lies on the cluster
        let folder = std::env::temp_dir().join(format!("hooke-policy-{}", uuid::Uuid::now_v7()));
        config.data.clone_from(&folder);
        config.state.place = StatePlace::Folder;
        Some(folder)
    } else {
        if is_in_use(&config.data) {
            bail!("a hooke runs on the data folder {}: stop it first, or test on a copy of the folder", config.data.display());
        }
        None
    };
    let outcome = hold(config, &table).await;
    if let Some(folder) = folder {
        // nothing of it is needed again
        let _ = tokio::fs::remove_dir_all(folder).await;
    }
    Ok(if outcome? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn parse(file: &Path, text: &str) -> anyhow::Result<Table> {
    let table: Table = match file.extension().and_then(|ending| ending.to_str()) {
        Some("json") => serde_json::from_str(text).with_context(|| format!("{} is no table of cases", file.display()))?,
        _ => toml::from_str(text).with_context(|| format!("{} is no table of cases", file.display()))?,
    };
    if table.case.is_empty() {
        bail!("{} holds no case: write [[case]]", file.display());
    }
    for (number, case) in (1..).zip(&table.case) {
        let asks = case.ids.is_some()
            || case.count.is_some()
            || case.exists.is_some()
            || !case.sees.is_empty()
            || !case.hides.is_empty();
        if case.role.is_empty() || case.collection.is_empty() || !asks {
            bail!("case {number}: name a role, a collection, and what is expected: ids, count, sees, hides or exists");
        }
    }
    Ok(table)
}

async fn hold(config: Config, table: &Table) -> anyhow::Result<bool> {
    let app = App::open(config).await?;
    let mut changes = app.catalog.changes();
    let known = tokio::time::timeout(PATIENCE, changes.wait_for(|catalog| catalog.revision > 0)).await;
    if !matches!(known, Ok(Ok(_))) {
        bail!("the collections could not be read: does the search engine run?");
    }
    let mut wrong = 0;
    for (number, case) in (1..).zip(&table.case) {
        let name = case.name.clone().unwrap_or_else(|| format!("{number}: {} on {}", case.role, case.collection));
        match check(&app, case).await {
            Ok(faults) if faults.is_empty() => println!("ok     {name}"),
            Ok(faults) => {
                wrong += 1;
                println!("WRONG  {name}");
                faults.iter().for_each(|fault| println!("       {fault}"));
            }
            Err(fault) => {
                wrong += 1;
                println!("WRONG  {name}\n       {fault:#}");
            }
        }
    }
    println!("{} of {} cases are as expected", table.case.len() - wrong, table.case.len());
    Ok(wrong == 0)
}

/// What is not as expected.
async fn check(app: &Arc<App>, case: &Case) -> anyhow::Result<Vec<String>> {
    let role = app.roles.get(&case.role).with_context(|| format!("there is no role {:?} in the settings", case.role))?;
    let viewer = Viewer::new(Who::Outside { subject: "policy test".into() }, role, case.claims.clone());
    let whole = app.catalog.now().collection(&case.collection).cloned();
    let whole = whole.with_context(|| format!("there is no collection {:?}", case.collection))?;
    let seen = app.seen_by(&viewer);
    let on = seen.catalog.now().collection(&case.collection).cloned();
    let mut faults = Vec::new();
    if case.exists.is_some_and(|exists| exists != on.is_some()) {
        faults.push(format!("the collection {} for the role", if on.is_some() { "exists" } else { "does not exist" }));
    }
    let has = |on: &Exposed, path: &str| on.all_fields().any(|field| field.field.path == path);
    for path in case.sees.iter().chain(&case.hides) {
        if !has(&whole, path) {
            faults.push(format!("the collection has no field {path}"));
        }
    }
    faults.extend(
        case.sees.iter().filter(|path| !on.as_ref().is_some_and(|on| has(on, path))).map(|path| format!("{path} is hidden")),
    );
    faults.extend(
        case.hides.iter().filter(|path| on.as_ref().is_some_and(|on| has(on, path))).map(|path| format!("{path} is seen")),
    );
    if case.ids.is_none() && case.count.is_none() {
        return Ok(faults);
    }
    let found = match &on {
        Some(on) => ids(&seen, on, case.filter.as_ref()).await?,
        None => BTreeSet::new(),
    };
    if let Some(count) = case.count.filter(|count| *count != found.len()) {
        faults.push(format!("{} documents are seen, not {count}", found.len()));
    }
    if let Some(wanted) = &case.ids {
        let wanted: BTreeSet<String> = wanted.iter().cloned().collect();
        faults.extend(wanted.difference(&found).take(10).map(|id| format!("{id} is not seen")));
        faults.extend(found.difference(&wanted).take(10).map(|id| format!("{id} is seen")));
    }
    Ok(faults)
}

async fn ids(seen: &App, on: &Exposed, filter: Option<&Json>) -> anyhow::Result<BTreeSet<String>> {
    let frame = Frame { limits: &seen.config.limits, now: Time::now() };
    let filter = match filter {
        None => Filter::All,
        Some(filter) => ask::filter(frame, on, filter).map_err(|fault| anyhow::anyhow!("filter: {}", fault.message))?,
    };
    let (mut found, mut from) = (BTreeSet::new(), From::Start);
    loop {
        let query = Query {
            filter: filter.clone(),
            fetch: Fetch { fields: Some(Vec::new()), ..Fetch::default() },
            page: PageRequest { size: on.bounds.page.map_or(PAGE, |most| PAGE.min(most)), backward: false, from },
            ..Query::new(on.collection.name.clone())
        };
        let call = Call::within(PATIENCE).named("policy");
        let page = seen.engine.search(&call, &[query]).await?.pop().context("no page for a query")??;
        found.extend(page.hits.iter().map(|hit| hit.document.id.to_string()));
        match page.hits.last().filter(|_| page.has_next) {
            Some(last) => from = From::After(last.key.clone()),
            None => return Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{GrantConfig, RoleConfig};
    use crate::search::{Action, Collection, CollectionName, DocumentId, Precondition, Refresh, Write, mapping};

    #[test]
    fn tables_are_toml_or_json_and_say_what_they_expect() {
        let toml = "[[case]]\nrole = 'seller'\nclaims = { sub = 'ann' }\ncollection = 'orders'\nids = ['1']\nhides = ['margin']";
        assert_eq!(parse(Path::new("a.toml"), toml).unwrap().case[0].claims["sub"], "ann");
        let json = r#"{ "case": [{ "role": "seller", "collection": "orders", "count": 2 }] }"#;
        assert_eq!(parse(Path::new("a.json"), json).unwrap().case[0].count, Some(2));
        for wrong in ["", "case = []", "[[case]]\nrole = 'a'", "[[case]]\nrole = 'a'\ncollection = 'b'", "[[case]]\nroll = 'a'"] {
            assert!(parse(Path::new("a.toml"), wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_table_is_held_against_roles_and_documents() {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config { data: folder.path().to_owned(), sample: false, ..Config::default() };
        let filter = serde_json::json!({ "owner": { "eq": { "claim": "sub" } } });
        let grant = GrantConfig { filter: Some(filter), hide: vec!["margin".into()], ..GrantConfig::default() };
        let role = RoleConfig { collections: [("orders".to_owned(), grant)].into(), ..RoleConfig::default() };
        config.roles.insert("seller".into(), role);
        config.roles.insert("guest".into(), RoleConfig::default());
        let app = App::open(config).await.unwrap();
        let call = Call::within(PATIENCE);
        let name = CollectionName::parse("orders").unwrap();
        let body = serde_json::json!({ "properties": { "owner": { "type": "keyword" }, "margin": { "type": "long" } } });
        let fields = mapping::parse(&body).unwrap();
        let collection = Collection::new(name.clone(), fields);
        app.engine.create(&call, &collection).await.unwrap();
        let write = |id: &str, owner: &str| {
            let source = serde_json::json!({ "owner": owner, "margin": 1 }).as_object().unwrap().clone();
            let action = Action::Index { id: Some(DocumentId::parse(id).unwrap()), source, precondition: Precondition::None };
            Write { on: name.clone(), rule: Filter::All, action }
        };
        app.engine.write(&call, vec![write("1", "ann"), write("2", "bob"), write("3", "ann")], Refresh::Now).await.unwrap();
        app.catalog.refresh(&call).await.unwrap();
        let table = |text: &str| parse(Path::new("a.toml"), text).unwrap().case.remove(0);
        for (fine, case) in [
            (true, "claims = { sub = 'ann' }\nids = ['3', '1']\ncount = 2\nsees = ['owner']\nhides = ['margin']"),
            (true, "claims = { sub = 'bob' }\nids = ['2']\nexists = true"),
            (true, "count = 0"),
            (true, "claims = { sub = 'ann' }\nfilter = { owner = { ne = 'ann' } }\ncount = 0"),
            (false, "claims = { sub = 'ann' }\nids = ['1']"),
            (false, "claims = { sub = 'bob' }\nids = ['1', '2']"),
            (false, "sees = ['margin']"),
            (false, "hides = ['owner']"),
            (false, "hides = ['no_such']"),
            (false, "exists = false"),
        ] {
            let case = table(&format!("[[case]]\nrole = 'seller'\ncollection = 'orders'\n{case}"));
            let faults = check(&app, &case).await.unwrap();
            assert_eq!(faults.is_empty(), fine, "{case:?}: {faults:?}");
        }
        let guest = table("[[case]]\nrole = 'guest'\ncollection = 'orders'\nexists = false\ncount = 0\nhides = ['owner']");
        assert!(check(&app, &guest).await.unwrap().is_empty());
        let nobody = table("[[case]]\nrole = 'nobody'\ncollection = 'orders'\ncount = 0");
        assert!(check(&app, &nobody).await.is_err());
    }
}
