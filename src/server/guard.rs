//! Who may call: a Host that is one of ours, so that no foreign name can be made to point here, and an Origin, if any, that is the
//! same, so that no foreign page can send requests through a visitor's browser. Sockets pass here too.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::config::{Config, Defence};
use crate::error::Code;
use crate::rest::Problem;
use crate::telemetry::audit::Refusal;
use crate::telemetry::metrics;

pub(super) struct Gate {
    hosts: Vec<String>,
    /// Open to the network by `--insecure`, and no names are set: then any name will do.
    any: bool,
    /// Pages of these may ask too, without cookies.
    origins: Vec<String>,
    without: Option<Defence>,
}

/// What may be asked by pages of other origins that the settings name, and what they may see of answers.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const ASKED: HeaderValue =
    HeaderValue::from_static("accept, authorization, content-type, hooke-explain, if-match, if-none-match, x-request-id");
const SHOWN: HeaderValue = HeaderValue::from_static("etag, location, ratelimit, ratelimit-policy, retry-after, x-request-id");
/// Seconds for which a browser need not ask again.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");

impl Gate {
    pub(super) fn new(config: &Config) -> Self {
        let any = config.hosts.is_empty() && config.insecure && !config.listen.ip().is_loopback();
        let hosts = config.hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        let origins = config.origins.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect();
        Gate { hosts, any, origins, without: config.limits.without }
    }

    fn is_ours(&self, host: &str) -> bool {
        let name = name_of(host);
        let open = self.any || self.without == Some(Defence::Host);
        open || is_loopback(name) || self.hosts.iter().any(|own| own == name || own == host)
    }

    /// The origin, where the settings name it.
    fn lets<'h>(&self, origin: &'h HeaderValue) -> Option<&'h HeaderValue> {
        let text = origin.to_str().ok()?.to_ascii_lowercase();
        self.origins.contains(&text).then_some(origin)
    }

    /// What is wrong with a request, in a word for the log and in words for its sender.
    fn fault(&self, headers: &HeaderMap, uri: &Uri) -> Option<(&'static str, String)> {
        let mut hosts = headers.get_all(header::HOST).iter();
        // of two Hosts some part in between may have believed the other one
        let host = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().ok(),
            (None, None) => uri.authority().map(|authority| authority.as_str()),
            _ => None,
        };
        let Some(host) = host.map(str::to_ascii_lowercase) else {
            return Some(("host", "send one Host header".into()));
        };
        // an address that is whole names its host too: RFC 9112 wants both alike, and some part in between may have believed either
        let differs = uri.authority().is_some_and(|authority| !authority.as_str().eq_ignore_ascii_case(&host));
        if differs && self.without != Some(Defence::Host) {
            return Some(("host", "the address of the request and its Host header name different hosts".into()));
        }
        if !self.is_ours(&host) {
            let told = "this server does not go by that name: call it localhost, or add the name to the setting `hosts`";
            return Some(("host", told.into()));
        }
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => None,
            _ if self.without == Some(Defence::Origin) => None,
            (Some(origin), None) if origin.to_str().is_ok_and(|origin| is_own(&origin.to_ascii_lowercase(), &host)) => None,
            // a cookie would make it the request of whoever sits at the browser
            (Some(origin), None) if self.lets(origin).is_some() && !headers.contains_key(header::COOKIE) => None,
            _ => {
                let told = "requests from other origins are refused; the setting `origins` names those that may ask";
                Some(("origin", told.into()))
            }
        }
    }
}

/// Without the port; what is no port belongs to the name, and so to nobody's.
fn name_of(host: &str) -> &str {
    let port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((six, rest)) if rest.is_empty() || rest.strip_prefix(':').is_some_and(port) => six,
        Some(_) => host,
        None => host.rsplit_once(':').filter(|(_, after)| port(after)).map_or(host, |(name, _)| name),
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
    if let Some((reason, fault)) = gate.fault(request.headers(), request.uri()) {
        metrics().count_refusal("caller");
        let mut response = Problem::new(Code::Forbidden, fault).into_response();
        response.extensions_mut().insert(Refusal::because(Code::Forbidden.as_str(), reason));
        return response;
    }
    let foreign = request.headers().get(header::ORIGIN).and_then(|origin| gate.lets(origin)).cloned();
    let Some(origin) = foreign else { return next.run(request).await };
    let asks = request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if asks { StatusCode::NO_CONTENT.into_response() } else { next.run(request).await };
    let headers = response.headers_mut();
    if asks {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ASKED);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
    } else {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(config: &Config, headers: &[(&'static str, &str)]) -> Option<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Gate::new(config).fault(&map, &Uri::from_static("/")).map(|(_, told)| told)
    }

    #[test]
    fn a_whole_address_names_the_same_host() {
        let config = Config { hosts: vec!["search.example".into()], ..Config::default() };
        for (address, host, fine) in [
            ("http://localhost:4000/livez", Some("localhost:4000"), true),
            ("http://LOCALHOST:4000/livez", Some("localhost:4000"), true),
            ("http://localhost:4000/livez", None, true),
            ("http://localhost/", Some("localhost:4000"), false),
            ("http://search.example/", Some("localhost"), false),
            ("http://localhost/", Some("search.example"), false),
            ("http://evil.example/", Some("localhost"), false),
            ("http://evil.example/", None, false),
            ("http://evil.example/", Some("evil.example"), false),
            ("http://x@localhost/", Some("localhost"), false),
            ("http://localhost:1@evil.example/", Some("localhost:1@evil.example"), false),
        ] {
            let headers = HeaderMap::from_iter(host.map(|host| (header::HOST, host.parse().unwrap())));
            let fault = Gate::new(&config).fault(&headers, &address.parse().unwrap());
            assert_eq!(fault.is_none(), fine, "{address} {host:?}");
        }
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
        for host in [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "[::2]",
            "127.0.0.1.evil.example",
            "",
            "search.example.evil",
            "localhost:1@evil.example",
            "[::1]evil.example",
        ] {
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

    #[test]
    fn other_origins_may_ask_where_settings_name_them_but_not_with_a_cookie() {
        let config = Config { origins: vec!["https://app.example/".into()], ..Config::default() };
        let host = ("host", "localhost:4000");
        assert_eq!(fault(&config, &[host, ("origin", "https://app.example")]), None);
        assert!(fault(&config, &[host, ("origin", "https://app.example"), ("cookie", "a=b")]).is_some());
        assert!(fault(&config, &[host, ("origin", "http://app.example")]).is_some());
        assert!(fault(&config, &[host, ("origin", "https://app.example.evil.example")]).is_some());
        assert_eq!(fault(&config, &[host, ("origin", "http://localhost:4000"), ("cookie", "a=b")]), None);
    }
}
