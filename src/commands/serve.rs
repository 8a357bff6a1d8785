//! `hooke serve`: opens everything, says where to look, and serves until told to stop.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};

use super::sample;
use crate::app::App;
use crate::config::Config;
use crate::server;

pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    if let Err(fault) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::debug!(%fault, "the limit of open files stays as it is");
    }
    server::check_address(config.listen.ip(), config.insecure || config.has_accounts())?;
    let listener = listen(config.listen).with_context(|| format!("cannot listen on {}", config.listen))?;
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be watched")?;
    let app = App::open(config).await?;
    let url = server::url_of(listener.local_addr()?);
    if app.fresh && app.config.sample && app.config.elasticsearch.is_none() {
        match sample::load(&app).await {
            Ok(count) => tracing::info!(collection = sample::NAME, count, "loaded the sample"),
            Err(fault) => tracing::warn!(fault = format!("{fault:#}"), "the sample could not be loaded"),
        }
    }
    // whoever started it may have closed its end of the pipe: that is no reason not to serve
    let _ = writeln!(io::stdout().lock(), "{}", greeting(&app.config, &url));
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    server::run(listener, app, shutdown).await?;
    Ok(ExitCode::SUCCESS)
}

/// With room for thousands of callers that come at once; the system may allow fewer.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    const WAITING: u32 = 4_096;
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // a server that was just stopped leaves connections behind that end by themselves
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

fn greeting(config: &Config, url: &str) -> String {
    let engine = match &config.elasticsearch {
        Some(elastic) => format!("Elasticsearch at {}", elastic.urls.join(", ")),
        None => format!("the embedded engine in {}", config.data.display()),
    };
    format!(
        "hooke {} on {engine}\n\n  pages       {url}/\n  playground  {url}/playground\n  GraphQL     {url}/graphql\n  REST        {url}/v1/collections\n",
        env!("CARGO_PKG_VERSION")
    )
}
