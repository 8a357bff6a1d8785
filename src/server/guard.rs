//! Who may call: a Host that is one of ours, so that no foreign name can be made to point here, and an Origin, if any, that is the
//! same, so that no foreign page can send requests through a visitor's browser. Sockets pass here too.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::config::Config;
use crate::error::Code;
use crate::rest::Problem;

pub(super) struct Gate {
    hosts: Vec<String>,
    /// Open to the network by `--insecure`, and no names are set: then any name will do.
    any: bool,
}

impl Gate {
    pub(super) fn new(config: &Config) -> Self {
        let any = config.hosts.is_empty() && config.insecure && !config.listen.ip().is_loopback();
        Gate { hosts: config.hosts.iter().map(|host| host.to_ascii_lowercase()).collect(), any }
    }

    /// What is wrong with a request, in words for its sender.
    fn fault(&self, headers: &HeaderMap, uri: &Uri) -> Option<String> {
        let mut hosts = headers.get_all(header::HOST).iter();
        // of two Hosts some part in between may have believed the other one
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok(),
            (None, None) => uri.authority().map(|authority| authority.as_str()),
            _ => None,
        };
        let Some(host) = host.map(str::to_ascii_lowercase) else {
            return Some("send one Host header".into());
        };
        let name = name_of(&host);
        if !(self.any || is_loopback(name) || self.hosts.iter().any(|own| own == name || *own == host)) {
            return Some(
                "this server does not go by that name: call it localhost, or add the name to the setting `hosts`".into(),
            );
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => None,
            (Some(origin), None) if origin.to_str().is_ok_and(|origin| is_own(&origin.to_ascii_lowercase(), &host)) => None,
            _ => Some("requests from other origins are refused".into()),
        }
    }
}

/// Without the port.
fn name_of(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((six, _)) => six,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

fn is_loopback(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The origin is the server itself; its scheme may be that of a proxy in front.
fn is_own(origin: &str, host: &str) -> bool {
    let (authority, port) = match (origin.strip_prefix("http://"), origin.strip_prefix("https://")) {
        (Some(authority), _) => (authority, ":80"),
        (_, Some(authority)) => (authority, ":443"),
        _ => return false,
    };
    let bare = |text: &str| text.strip_suffix(port).unwrap_or(text).to_owned();
    bare(authority) == bare(host)
}

pub(super) async fn check_caller(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    match gate.fault(request.headers(), request.uri()) {
        None => next.run(request).await,
        Some(fault) => Problem::new(Code::Forbidden, fault).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(config: &Config, headers: &[(&'static str, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Gate::new(config).fault(&map, &Uri::from_static("/"))
    }

    #[test]
    fn only_loopback_names_and_the_own_origin_pass() {
        let config = Config { hosts: vec!["Search.Example".into()], ..Config::default() };
        for host in [
            "localhost",
            "localhost:4000",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:4000",
            "a.localhost:3",
            "search.example",
            "SEARCH.example:443",
        ] {
            assert_eq!(fault(&config, &[("host", host)]), None, "{host}");
        }
        for host in
            ["evil.example", "localhost.evil.example", "10.0.0.1", "[::2]", "127.0.0.1.evil.example", "", "search.example.evil"]
        {
            assert!(fault(&config, &[("host", host)]).is_some(), "{host}");
        }
        assert!(fault(&config, &[]).is_some());
        assert!(fault(&config, &[("host", "localhost"), ("host", "localhost")]).is_some());
    }

    #[test]
    fn an_origin_must_be_the_very_same() {
        let config = Config { hosts: vec!["search.example".into()], ..Config::default() };
        for (host, origin, fine) in [
            ("localhost:4000", "http://localhost:4000", true),
            ("localhost:4000", "http://localhost:4001", false),
            ("localhost:4000", "http://localhost", false),
            ("localhost", "http://localhost:80", true),
            ("search.example", "https://search.example", true),
            ("search.example:443", "https://search.example", true),
            ("localhost:4000", "null", false),
            ("localhost:4000", "http://evil.example", false),
            ("127.0.0.1:4000", "http://localhost:4000", false),
        ] {
            assert_eq!(fault(&config, &[("host", host), ("origin", origin)]).is_none(), fine, "{host} {origin}");
        }
    }

    #[test]
    fn open_to_the_network_any_name_will_do_but_the_origin_is_still_checked() {
        let config = Config { insecure: true, listen: ([0, 0, 0, 0], 4000).into(), ..Config::default() };
        assert_eq!(fault(&config, &[("host", "anything:4000")]), None);
        assert!(fault(&config, &[("host", "anything"), ("origin", "http://else")]).is_some());
    }
}
