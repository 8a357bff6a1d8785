//! One row a setting: its place in the file, its flag and variable, a word on it, and how it is read and shown.
//! The commands make their flags from it and `hooke.sample.toml` is compared with it.

use std::path::PathBuf;
use std::time::Duration;

use toml::Value;

use super::values::{count, duration_of, enforcement, filled, log_format, state_name, state_place, text, typed, urls, writes};
use super::{Config, ElasticConfig, IdentityConfig, Secret, accounts, collections, roles, upstreams};

/// How a setting is written as plain text, in a flag or a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Text,
    /// `true` or `false`; its flag may stand alone.
    Switch,
    Number,
    /// `a,b`.
    List,
    /// `name=value,name=value`.
    Pairs,
    /// JSON.
    Json,
}

pub struct Setting {
    /// Its place in the file: `limits.body`.
    pub key: &'static str,
    pub shape: Shape,
    pub about: &'static str,
    /// What to write where there is no default.
    pub example: &'static str,
    /// The default, as it is written in the file.
    pub(super) show: fn(&Config) -> Option<String>,
    pub(super) read: fn(&mut Draft, Value) -> Result<(), String>,
}

/// A configuration being read.
#[derive(Default)]
pub(super) struct Draft {
    pub config: Config,
    pub elastic: ElasticConfig,
    /// The cluster's address was given.
    pub url: bool,
}

impl Setting {
    /// `--limits-body`; of a switch that is on by default `--no-sample`.
    pub fn flag(&self) -> String {
        let plain = match self.key {
            "elasticsearch.url" => "elasticsearch".to_owned(),
            key => key.replace(['.', '_'], "-"),
        };
        if self.is_on_by_default() { format!("no-{plain}") } else { plain }
    }

    pub fn is_on_by_default(&self) -> bool {
        self.shape == Shape::Switch && (self.show)(&Config::default()).as_deref() == Some("true")
    }

    /// `HOOKE_LIMITS_BODY`.
    pub fn variable(&self) -> String {
        match self.key {
            "elasticsearch.url" => "HOOKE_ELASTICSEARCH".to_owned(),
            key => format!("HOOKE_{}", key.replace('.', "_").to_uppercase()),
        }
    }

    /// The default, as it stands in the file.
    pub fn default(&self) -> Option<String> {
        (self.show)(&Config::default())
    }
}

fn quoted(text: &str) -> Option<String> {
    Some(format!("{text:?}"))
}

fn seconds(time: Duration) -> Option<String> {
    quoted(&format!("{}s", time.as_secs()))
}

fn identity(draft: &mut Draft) -> &mut IdentityConfig {
    draft.config.accounts.identity.get_or_insert_default()
}

/// A row whose default is shown as it stands. One that is a count, a switch or a time is read into where its key leads.
macro_rules! setting {
    (count $table:ident $(. $name:ident)*, $about:literal) => {
        setting!(at [$table $(. $name)*] Number, $about, |c| Some(c.$table $(. $name)*.to_string()), |d, v| count(v)
            .map(|n| d.config.$table $(. $name)* = n))
    };
    (switch $table:ident $(. $name:ident)*, $about:literal) => {
        setting!(at [$table $(. $name)*] Switch, $about, |c| Some(c.$table $(. $name)*.to_string()), |d, v| typed(v)
            .map(|on| d.config.$table $(. $name)* = on))
    };
    (time $table:ident $(. $name:ident)*, $about:literal) => {
        setting!(at [$table $(. $name)*] Text, $about, |c| seconds(c.$table $(. $name)*), |d, v| duration_of(v)
            .map(|time| d.config.$table $(. $name)* = time))
    };
    (at [$table:ident $(. $name:ident)*] $shape:ident, $about:literal, $show:expr, $read:expr) => {
        setting!(concat!(stringify!($table) $(, ".", stringify!($name))*), $shape, $about, $show, $read)
    };
    ($key:literal, $shape:ident, $about:literal, example $example:literal, $read:expr) => {
        Setting { key: $key, shape: Shape::$shape, about: $about, example: $example, show: |_| None, read: $read }
    };
    ($key:expr, $shape:ident, $about:literal, $show:expr, $read:expr) => {
        Setting { key: $key, shape: Shape::$shape, about: $about, example: "", show: $show, read: $read }
    };
}

pub const SETTINGS: &[Setting] = &[
    setting!(
        "listen",
        Text,
        "Address and port to listen on; port 0 takes a free one.",
        |c| quoted(&c.listen.to_string()),
        |d, v| { text(v).map(|at| d.config.listen = at) }
    ),
    setting!(
        "data",
        Text,
        "The data folder: the embedded engine, hooke's own state, keys. One process at a time.",
        |c| quoted(&c.data.to_string_lossy()),
        |d, v| filled(v).map(|path| d.config.data = PathBuf::from(path))
    ),
    setting!("writes", Text, "What may be written: off, documents (of collections that exist) or all (collections too). Default: off on Elasticsearch, all on the embedded engine.",
        example r#""all""#, |d, v| writes(v).map(|writes| d.config.writes = Some(writes))),
    setting!(switch insecure, "Listen on an address that is not loopback although nobody has to sign in."),
    setting!("hosts", List, "Names by which this server may be called beside localhost.", |_| Some("[]".into()), |d, v| typed(v)
        .map(|hosts| d.config.hosts = hosts)),
    setting!("public_url", Text, "How people reach this server: links in mails and cookies are made for it, and its name is one of `hosts`.",
        example r#""https://search.example.org""#, |d, v| {
        accounts::public_url(&typed::<String>(v)?).map(|url| d.config.public_url = Some(url))
    }),
    setting!(
        "origins",
        List,
        "Origins whose pages may ask too (CORS), as https://app.example.org; they cannot use cookies.",
        |_| Some("[]".into()),
        |d, v| {
            let origins: Vec<String> = typed(v)?;
            if let Some(odd) = origins.iter().find(|origin| !origin.starts_with("http://") && !origin.starts_with("https://")) {
                return Err(format!("{odd:?} does not begin with http:// or https://"));
            }
            d.config.origins = origins;
            Ok(())
        }
    ),
    setting!(
        "proxies",
        List,
        "Proxies in front of hooke, addresses or networks: only what comes from these may name its client by X-Forwarded-For.",
        |_| Some("[]".into()),
        |d, v| {
            let texts: Vec<String> = typed(v)?;
            d.config.proxies = texts.iter().map(|text| text.parse()).collect::<Result<_, String>>()?;
            Ok(())
        }
    ),
    setting!(switch sample, "Load a small sample into an empty data folder."),
    setting!("secret", Text, "What cursors are signed with, 16 characters or more; several processes must share it. Default: a file made in the data folder.",
    example r#""a long random text""#, |d, v| {
        let secret: String = typed(v)?;
        if secret.len() < 16 {
            return Err("it must have 16 characters or more".into());
        }
        d.config.secret = Some(Secret(secret));
        Ok(())
    }),
    setting!("secret_file", Text, "A file that holds the secret.",
        example r#""/run/secrets/hooke""#, |d, v| filled(v).map(|path| d.config.secret_file = Some(PathBuf::from(path)))),
    setting!("upstreams", Json, "Other people's APIs: url ({n} in it is the number of the call), headers, limit, concurrency, timeout. As a table: [upstreams.facts].",
        example r#"{ facts = { url = "http://127.0.0.1:4100/fact", headers = { authorization = "Bearer ..." }, limit = "100/1m", concurrency = 100, timeout = "30s" } }"#,
        |d, v| upstreams::read(v).map(|rows| d.config.upstreams = rows)),
    setting!("roles", Json, "Who may see and do what: per role everything, jobs, introspection, playground, and per collection read, create, update, delete, filter, hide, page, aggregations, smallest_group. As tables: [roles.seller.collections.orders].",
        example r#"{ seller = { jobs = true, collections = { orders = { create = true, update = true, filter = { owner = { eq = { claim = "sub" } } }, hide = ["margin"], page = 100 } } } }"#,
        |d, v| roles::read(v).map(|rows| d.config.roles = rows)),
    setting!("elasticsearch.url", List, "The cluster: one address, or several nodes of it. Without it the embedded engine is used.",
    example r#""http://127.0.0.1:9200""#, |d, v| {
        d.elastic.urls = urls(v)?;
        d.url = true;
        Ok(())
    }),
    setting!("elasticsearch.username", Text, "Basic authentication.",
        example r#""hooke""#, |d, v| filled(v).map(|name| d.elastic.username = Some(name))),
    setting!("elasticsearch.password", Text, "Basic authentication.",
        example r#""…""#, |d, v| filled(v).map(|password| d.elastic.password = Some(password))),
    setting!("elasticsearch.api_key", Text, "An API key, encoded, in place of username and password.",
        example r#""…""#, |d, v| filled(v).map(|key| d.elastic.api_key = Some(key))),
    setting!("elasticsearch.ca_file", Text, "PEM file of the authority that signed the cluster's certificate.",
        example r#""/etc/hooke/ca.pem""#, |d, v| filled(v).map(|path| d.elastic.ca_file = Some(PathBuf::from(path)))),
    setting!(
        "elasticsearch.max_in_flight",
        Number,
        "Searches in flight at once; more wait for their turn.",
        |_| Some(ElasticConfig::default().max_in_flight.to_string()),
        |d, v| count(v).map(|n| d.elastic.max_in_flight = n)
    ),
    setting!(
        "elasticsearch.gzip",
        Switch,
        "Ask for compressed answers: worth it across a WAN, costs time on a LAN.",
        |_| Some(ElasticConfig::default().gzip.to_string()),
        |d, v| typed(v).map(|on| d.elastic.gzip = on)
    ),
    setting!(
        "catalog.include",
        List,
        "Collections to expose, names or patterns with *; none named: all.",
        |_| Some("[]".into()),
        |d, v| typed(v).map(|names| d.config.catalog.include = names)
    ),
    setting!("catalog.exclude", List, "Collections to leave out, names or patterns with *.", |_| Some("[]".into()), |d, v| {
        typed(v).map(|names| d.config.catalog.exclude = names)
    }),
    setting!("catalog.patterns", Pairs, "Collections over several indices: a name and its index pattern.",
        example r#"{ logs = "logs-*" }"#, |d, v| typed(v).map(|patterns| d.config.catalog.patterns = patterns)),
    setting!("catalog.collections", Json, "Per collection: name (its root field), singular, hide and rename (of fields), lists (path = true or false), relations (documents of another collection).",
        example r#"{ packages = { singular = "package", hide = ["internal"], rename = { pkg = "package" }, lists = { tags = true }, relations = { maintainer = { field = "maintainer_id", to = "people" } } } }"#,
        |d, v| collections::read(v).map(|rows| d.config.catalog.collections = rows)),
    setting!(switch graphql.relay, "Call the global id `id` (with node(id:) and nodes(ids:)), as Relay wants it."),
    setting!("graphql.documents", Text, "A folder of trusted documents (NAME.graphql, or objects of ids and texts in *.json): only these operations run, sent by documentId, by hash or as they are.",
        example r#""/etc/hooke/operations""#, |d, v| filled(v).map(|path| d.config.graphql.documents = Some(PathBuf::from(path)))),
    setting!(switch graphql.persisted, "Automatic persisted queries: a client sends the hash of a text that was sent before."),
    setting!(switch graphql.playground, "The page /playground."),
    setting!(
        "compat.hashtags",
        Text,
        "The collection whose hashtags /v1/unique/hashtags tells.",
        |c| quoted(&c.compat.hashtags),
        |d, v| filled(v).map(|name| d.config.compat.hashtags = name)
    ),
    setting!(
        "state.place",
        Text,
        "Where hooke keeps jobs, decisions and the like: engine, folder (the data folder), or auto: the engine where writes is all.",
        |_| quoted("auto"),
        |d, v| state_place(v).map(|place| d.config.state.place = place)
    ),
    setting!(
        "state.name",
        Text,
        "Processes on one cluster share jobs if their states have one name.",
        |c| quoted(&c.state.name),
        |d, v| state_name(v).map(|name| d.config.state.name = name)
    ),
    setting!(count jobs.running, "Jobs run at once by this process."),
    setting!(count jobs.queued, "Jobs that may wait, run or be paused, in all."),
    setting!(count jobs.kept, "Jobs that have ended and stay in the list; older ones go, with their files."),
    setting!(time jobs.lease, "After so long without a sign of life of its process a job is taken over by another one."),
    setting!("jobs.batch", Number, "Documents that a job writes at once.", |c| Some(c.jobs.batch.to_string()), |d, v| {
        match count(v)? {
            n @ 1..=5_000 => d.config.jobs.batch = n,
            _ => return Err("it is at most 5000".into()),
        }
        Ok(())
    }),
    setting!(count jobs.upload, "Bytes of a file to be loaded."),
    setting!(count jobs.space, "Bytes of all files of jobs together."),
    setting!("jobs.folder", Text, "Where files of jobs are; processes that share it can all work on them. Default: jobs in the data folder.",
        example r#""/srv/hooke/jobs""#, |d, v| filled(v).map(|path| d.config.jobs.folder = Some(PathBuf::from(path)))),
    setting!("jobs.threads", Number, "Threads for work that keeps a core busy. Default: one a core, less one where there are several.",
        example "1", |d, v| count(v).map(|n| d.config.jobs.threads = Some(n))),
    setting!(
        "limits.enforce",
        Text,
        "What happens to an operation that breaks a limit: refuse; or warn: it is logged and runs, up to ten times the limit.",
        |_| quoted("refuse"),
        |d, v| enforcement(v).map(|enforce| d.config.limits.enforce = enforce)
    ),
    setting!(count limits.body, "Bytes of a request body, after decompression."),
    setting!(count limits.tokens, "Tokens of a GraphQL document."),
    setting!(count limits.depth, "Depth of a GraphQL operation."),
    setting!(count limits.aliases, "Aliases in a GraphQL operation."),
    setting!(count limits.root_fields, "Root fields of a GraphQL operation."),
    setting!(count limits.first, "Hits of one page."),
    setting!(count limits.window, "offset and first together."),
    setting!(count limits.filter_depth, "Depth of a filter."),
    setting!(count limits.filter_clauses, "Conditions in a filter."),
    setting!(count limits.pattern_length, "Characters of a wildcard or a regular expression."),
    setting!(count limits.in_values, "Values of one `in`."),
    setting!(count limits.snapshots, "Snapshots that one viewer may hold open, for walks with `consistency: SNAPSHOT`."),
    setting!(count limits.cost, "What a GraphQL operation may ask for: hits, buckets and groups, those inside one another multiplied."),
    setting!(count limits.groups, "Groups of one grouping."),
    setting!(count limits.group_depth, "Groups inside groups."),
    setting!(count limits.top_hits, "Documents of one group."),
    setting!(count limits.operations, "Operations of one bulk mutation."),
    setting!(time limits.time, "Time for one request."),
    setting!(count limits.errors, "Errors told in one answer."),
    setting!(count limits.subscriptions, "Subscriptions and other operations at once on one WebSocket."),
    setting!(time limits.head_time, "Time for the head of a request, and for the next request on an open connection."),
    setting!(time limits.body_time, "Time between two pieces of a body."),
    setting!(count limits.in_flight, "Requests being answered at once; more are sent away with status 503."),
    setting!(count limits.connections, "Open connections; more wait until one is closed."),
    setting!("rates.key", Text, "Points that an API key may spend: a request costs 1, an operation its cost. Default: 120000/1m, none where hooke listens on a loopback address.",
        example r#""120000/1m""#, |d, v| text(v).map(|rate| d.config.rates.key = Some(rate))),
    setting!("rates.user", Text, "Points that a signed-in user may spend: a request costs 1, an operation its cost. Default: 60000/1m, none where hooke listens on a loopback address.",
        example r#""60000/1m""#, |d, v| text(v).map(|rate| d.config.rates.user = Some(rate))),
    setting!("rates.address", Text, "Points that an address nobody has signed in from may spend: a request costs 1, an operation its cost. Default: 60000/1m, none where hooke listens on a loopback address.",
        example r#""60000/1m""#, |d, v| text(v).map(|rate| d.config.rates.address = Some(rate))),
    setting!("lab.enabled", Switch, "The experiments under /lab. Default: on where hooke listens on a loopback address.",
        example "true", |d, v| typed(v).map(|on| d.config.lab.enabled = Some(on))),
    setting!("lab.upstream", Text, "The upstream that the lab asks for facts. Default: the first of [upstreams], else one of its own.",
        example r#""facts""#, |d, v| filled(v).map(|name| d.config.lab.upstream = Some(name))),
    setting!("lab.limit", Text, "What the lab's own upstream allows.", |c| quoted(&c.lab.rate.to_string()), |d, v| {
        text(v).map(|rate| d.config.lab.rate = rate)
    }),
    setting!(switch accounts.enabled, "People sign in. Whoever has not has the role `anybody`, and sees nothing where settings name no such role."),
    setting!(switch accounts.register, "Strangers may make accounts for themselves."),
    setting!(
        "accounts.role",
        Text,
        "The role of whoever registers; one that is not among [roles] sees nothing.",
        |c| quoted(&c.accounts.role),
        |d, v| filled(v).map(|role| d.config.accounts.role = role)
    ),
    setting!(time accounts.token, "How long an access token holds."),
    setting!("accounts.days", Number, "Days for which one stays signed in.", |c| Some(c.accounts.days.to_string()), |d, v| {
        match count(v)? {
            days @ 1..=3_650 => {
                d.config.accounts.days = days;
                Ok(())
            }
            _ => Err("it is at most 3650".into()),
        }
    }),
    setting!(count accounts.attempts, "Attempts to sign in that may fail from one address within ten minutes; a third of it for one account."),
    setting!("mail.smtp", Text, "The mail server, as smtps://user:password@host. Default: mails are files in the outbox.",
        example r#""smtps://hooke:password@mail.example.org""#,
        |d, v| filled(v).map(|url| d.config.accounts.mail.smtp = Some(Secret(url)))),
    setting!("mail.from", Text, "Who mails are from.", |c| quoted(&c.accounts.mail.from), |d, v| filled(v).map(|from| d
        .config
        .accounts
        .mail
        .from =
        from)),
    setting!("mail.outbox", Text, "The folder of mails where there is no mail server. Default: outbox in the data folder.",
        example r#""/srv/hooke/outbox""#, |d, v| filled(v).map(|path| d.config.accounts.mail.outbox = Some(PathBuf::from(path)))),
    setting!("identity.issuer", Text, "Who signs tokens (JWT) that are taken beside hooke's own.",
        example r#""https://login.example.org/""#, |d, v| filled(v).map(|issuer| identity(d).issuer = issuer)),
    setting!("identity.audience", List, "Who such tokens are for; one of these must be named.",
        example r#"["hooke"]"#, |d, v| typed(v).map(|names| identity(d).audience = names)),
    setting!("identity.algorithms", List, "How they are signed: HS256 and on with a secret, RS256 PS256 ES256 EdDSA and on with a public key.",
        example r#"["RS256"]"#, |d, v| typed(v).map(|names| identity(d).algorithms = names)),
    setting!("identity.secret", Text, "The secret shared with who signs, 32 characters or more.",
        example r#""…""#, |d, v| filled(v).map(|secret| identity(d).secret = Some(Secret(secret)))),
    setting!("identity.public_key", Text, "PEM file of the public key.",
        example r#""/etc/hooke/identity.pem""#, |d, v| filled(v).map(|path| identity(d).public_key = Some(PathBuf::from(path)))),
    setting!("identity.jwks", Text, "Where the public keys are told.",
        example r#""https://login.example.org/.well-known/jwks.json""#, |d, v| filled(v).map(|url| identity(d).jwks = Some(url))),
    setting!("identity.role_claim", Text, "The claim that tells the role; a path such as realm_access.roles.",
        example r#""role""#, |d, v| filled(v).map(|claim| identity(d).role_claim = Some(claim))),
    setting!("identity.roles", Pairs, "What that claim says, and the role it means. Default: it is the name of a role other than admin.",
        example r#"{ staff = "editor" }"#, |d, v| typed(v).map(|roles| identity(d).roles = roles)),
    setting!("identity.role", Text, "The role where no claim tells one. Default: such a token is refused.",
        example r#""member""#, |d, v| filled(v).map(|role| identity(d).role = Some(role))),
    setting!("identity.claims", Pairs, "What row rules may ask for: a name, and the path of the claim in the token. Beside `sub`.",
        example r#"{ team = "org.team" }"#, |d, v| typed(v).map(|claims| identity(d).claims = claims)),
    setting!("log.format", Text, "pretty, json, or auto: pretty on a terminal.", |_| quoted("auto"), |d, v| log_format(v)
        .map(|format| d.config.log.format = format)),
    setting!(
        "log.level",
        Text,
        "error, warn, info, debug, trace; or by part: info,hooke::search=debug.",
        |c| quoted(&c.log.level),
        |d, v| filled(v).map(|level| d.config.log.level = level)
    ),
    setting!(time log.slow, "A GraphQL operation that takes longer is logged, by its hash and its cost."),
    setting!("log.metrics", Switch, "Whether everybody who reaches this server may read /metrics. Default: where it listens on a loopback address.",
        example "true", |d, v| typed(v).map(|on| d.config.log.metrics = Some(on))),
    setting!("telemetry.endpoint", Text, "Where traces are sent by OTLP over HTTP, without /v1/traces. Only in a build with the feature otel. Default: what OTEL_EXPORTER_OTLP_ENDPOINT says, else nowhere.",
        example r#""http://127.0.0.1:4318""#, |d, v| filled(v).map(|url| d.config.log.traces = Some(url))),
];

/// `hooke.sample.toml`: every setting with its default; what has none stands as a comment.
pub fn sample() -> String {
    let mut text = String::from(
        "# Every setting of hooke with its default; a line that begins with # is an example of one that has none.\n\
         # The same by flag (--limits-body) and by environment variable (HOOKE_LIMITS_BODY), which win over this file.\n\
         # Use it by --config FILE; [stage.NAME] at the end overrides by --stage NAME.\n",
    );
    let mut table = "";
    for setting in SETTINGS {
        let (of, name) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if of != table {
            text.push_str(&format!("\n[{of}]"));
            table = of;
        }
        text.push_str(&format!("\n# {}\n", setting.about));
        match setting.default() {
            Some(default) => text.push_str(&format!("{name} = {default}\n")),
            None => text.push_str(&format!("# {name} = {}\n", setting.example)),
        }
    }
    text.push_str(
        "\n# What holds in one stage only.\n# [stage.production]\n# listen = \"0.0.0.0:4000\"\n# limits.time = \"5s\"\n",
    );
    text
}
