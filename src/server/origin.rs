//! The address of the client: that of the other side of the connection, and where this is a proxy that the settings trust, the one it
//! names. A header of anybody else says nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;

use super::door::Peer;
use crate::config::Network;
use crate::telemetry::ClientAddress;

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

pub(super) async fn name_client(State(proxies): State<Arc<[Network]>>, mut request: Request, next: Next) -> Response {
    // without a connection there are only tests
    let peer = request.extensions().get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |peer| peer.0.ip());
    let address = client(peer, request.headers(), &proxies);
    request.extensions_mut().insert(ClientAddress(address));
    next.run(request).await
}

/// Each proxy appends whom it was asked by: the last one that is none of ours is the client. What stands before it anybody may have written.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &[Network]) -> IpAddr {
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    let named: Vec<&str> =
        headers.get_all(FORWARDED).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).collect();
    for name in named.into_iter().rev() {
        if !trusted(client) {
            break;
        }
        let Some(address) = address_of(name.trim()) else { break };
        client = address.to_canonical();
    }
    client
}

/// Some proxies write the port too.
fn address_of(text: &str) -> Option<IpAddr> {
    text.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip())).or_else(|| {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_name_a_client() {
        let proxies: Vec<Network> = ["10.0.0.0/8", "::1"].map(|text| text.parse().unwrap()).to_vec();
        for (peer, forwarded, wanted) in [
            ("192.0.2.1", &["203.0.113.9"][..], "192.0.2.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9", "10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, nonsense, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("::1", &["2001:db8::7"], "2001:db8::7"),
            ("::1", &["[2001:db8::7]:80"], "2001:db8::7"),
        ] {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append(FORWARDED, value.parse().unwrap());
            }
            assert_eq!(
                client(peer.parse().unwrap(), &headers, &proxies),
                wanted.parse::<IpAddr>().unwrap(),
                "{peer} {forwarded:?}"
            );
        }
    }
}
