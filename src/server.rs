//! The HTTP server: the routes of all parts put together, the layers around them, and a life from listening to a graceful end.
//! Main, commands and tests start it by the same function.

mod door;
mod guard;
mod health;
mod metering;
mod metrics;
mod observe;
mod origin;
mod shed;
mod viewing;

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::app::{App, NOTE};
use crate::config::{Config, Network};
use crate::{graphql, lab, pages, rest};

/// Requests in flight have so long to end once the server was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// A handler gives up by itself when its time is over; the layer around it only catches what does not.
const SLACK: Duration = Duration::from_secs(2);

/// Routes that may take longer than others, by how their path begins: files are sent to these.
const LONGER: [(&str, Duration); 2] = [("/v1/jobs/load", Duration::from_secs(3_600)), ("/jobs/load", Duration::from_secs(3_600))];

async fn limit_time(State(usual): State<Duration>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let time = LONGER.iter().find(|(start, _)| path.starts_with(start)).map_or(usual, |(_, time)| *time);
    let answer = tokio::time::timeout(time, next.run(request)).await;
    answer.unwrap_or_else(|_| StatusCode::GATEWAY_TIMEOUT.into_response())
}

/// All of hooke as a service.
pub async fn router(app: &Arc<App>) -> anyhow::Result<Router> {
    let gate = Arc::new(guard::Gate::new(&app.config));
    let api = graphql::Api::open(app).await?;
    let routes = Router::new()
        .merge(health::routes(app.clone(), api.clone()))
        .merge(metrics::routes(app.clone(), api.clone()))
        .merge(rest::routes(app.clone()))
        .merge(pages::routes(app.clone(), &rest::openapi(&app.config.limits)))
        .merge(graphql::routes(api, app).await?);
    let experiments = if app.config.has_lab() { rest::lab::routes(app.clone()) } else { Router::new() };
    let all = within(routes, app, app.config.limits.time).merge(within(
        experiments.merge(pages::lab_routes(app.clone())).layer(from_fn(viewing::refuse_narrow)),
        app,
        lab::TIME,
    ));
    // the last one is the outermost
    Ok(all
        .layer(from_fn_with_state(app.clone(), metering::meter))
        .layer(from_fn_with_state(app.clone(), viewing::add_viewer))
        .layer(from_fn_with_state(shed::Load::new(app.config.limits.in_flight), shed::admit))
        .layer(from_fn_with_state(gate, guard::check_caller))
        .layer(CatchPanicLayer::custom(observe::answer_panic))
        .layer(from_fn(observe::explain_refusal))
        .layer(from_fn_with_state(app.clone(), observe::watch_request))
        .layer(from_fn_with_state(Arc::<[Network]>::from(app.config.proxies.clone()), origin::name_client)))
}

/// Routes with bounds of their own on bodies and on time.
fn within(routes: Router, app: &App, time: Duration) -> Router {
    routes
        .layer(DefaultBodyLimit::max(app.config.limits.body))
        .layer(RequestDecompressionLayer::new())
        .layer(RequestBodyTimeoutLayer::new(app.config.limits.body_time))
        .layer(from_fn_with_state(time + SLACK, limit_time))
}

/// Refuses to be open to the network by accident: where nobody has to sign in it must be said (`meant`).
pub fn check_address(address: IpAddr, meant: bool) -> anyhow::Result<()> {
    if address.is_loopback() || meant {
        return Ok(());
    }
    bail!(
        "{address} is open to other machines, and nobody has to sign in: listen on 127.0.0.1, \
         turn accounts on (--accounts-enabled), or say --insecure (HOOKE_INSECURE=true) if something in front of it keeps strangers out"
    )
}

/// Serves until `shutdown` ends, then lets requests in flight finish for a while.
pub async fn run(
    listener: TcpListener,
    app: Arc<App>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("the listener has no address")?;
    check_address(address.ip(), app.config.insecure || app.config.has_accounts())?;
    let note = app.config.data.join(NOTE);
    write_note(&note, address, &app.config).await?;

    // of a second server in this process the first one's address stays
    let _ = app.url.set(url_of(address));
    let own = app.config.has_lab() && app.config.upstreams.is_empty();
    let _own = if own { Some(rest::lab::start_own(&app).await.context("the lab has no upstream")?) } else { None };

    let (told, _) = tokio::sync::watch::channel(false);
    let router = router(&app).await?;
    // streams of jobs end with them, and would hold up the end of the server
    let (jobs, mut stopping) = (Arc::clone(&app.jobs), told.subscribe());
    let closing = AbortOnDropHandle::new(tokio::spawn(async move {
        if stopping.wait_for(|told| *told).await.is_ok() {
            jobs.close().await;
        }
    }));
    let ending = app.ending.clone();
    let terms =
        door::Terms { patience: door::PATIENCE, head: app.config.limits.head_time, connections: app.config.limits.connections };
    let serving = door::serve(listener, router, terms, ending.clone());
    app.sockets.close();
    tokio::select! {
        () = async {
            serving.await;
            app.sockets.wait().await;
        } => {}
        () = async {
            shutdown.await;
            tracing::info!("stopping");
            // streams of events and sockets end now; they would outlast any grace
            ending.cancel();
            told.send_replace(true);
            tokio::time::sleep(GRACE).await;
        } => tracing::warn!("stopped with requests in flight"),
    }
    // it says itself what it could not stop
    let _ = closing.await;
    app.upstreams.close().await;
    app.rates.close().await;
    if let Err(fault) = tokio::fs::remove_file(&note).await {
        tracing::debug!(%fault, "the note of the server's address was gone");
    }
    Ok(())
}

/// Tells commands that run on the same data folder where the server is.
async fn write_note(path: &std::path::Path, address: SocketAddr, config: &Config) -> anyhow::Result<()> {
    let elasticsearch = config.elasticsearch.as_ref().map(|elastic| &elastic.urls);
    let note = serde_json::json!({ "url": url_of(address), "pid": std::process::id(), "elasticsearch": elasticsearch });
    tokio::fs::write(path, note.to_string()).await.with_context(|| format!("{} cannot be written", path.display()))
}

/// The address as one on this machine calls it.
pub fn url_of(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(std::net::Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_open_without_being_told() {
        for (address, insecure, fine) in [
            ("127.0.0.1", false, true),
            ("::1", false, true),
            ("0.0.0.0", false, false),
            ("10.0.0.1", false, false),
            ("::", true, true),
        ] {
            assert_eq!(check_address(address.parse().unwrap(), insecure).is_ok(), fine, "{address}");
        }
    }

    #[test]
    fn an_address_of_all_is_called_by_loopback() {
        assert_eq!(url_of("0.0.0.0:4000".parse().unwrap()), "http://127.0.0.1:4000");
        assert_eq!(url_of("[::]:80".parse().unwrap()), "http://[::1]:80");
    }
}
