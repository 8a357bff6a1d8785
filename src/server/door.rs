//! Where connections come in: the loop that accepts them, and the bounds on how slow the other side may be.
//!
//! The head of a request must arrive in time. One whose other side takes nothing for a while, although there is something to send, is
//! cut: whoever never reads would hold an answer, an export or a stream of events for ever. Bodies have a bound of their own, around
//! the routes.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// For the other side to take some of what waits for it: whoever pipes an export into something slow may need a while.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// The head of a request: its address, which may hold an operation, and its headers. A body is read in pieces of this size at most.
const LONGEST_HEAD: usize = 128 * 1024;

/// After a fault of accepting, as when there are no more file descriptors.
const RECOVERY: Duration = Duration::from_millis(200);

/// The address of the other side of a connection, with each request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) SocketAddr);

/// What a connection is held to.
#[derive(Clone, Copy)]
pub(super) struct Terms {
    pub(super) patience: Duration,
    /// For the head of a request, and for the next request.
    pub(super) head: Duration,
    pub(super) connections: usize,
}

/// Accepts until told to stop, then waits until every request in flight has ended. Dropped, it cuts them off.
pub(super) async fn serve(listener: TcpListener, router: Router, terms: Terms, stopping: CancellationToken) {
    // made ready once: given as it is, all routes would be copied for each connection
    let router: Router = router.with_state(());
    let (open, connections) = (Arc::new(Semaphore::new(terms.connections)), TaskTracker::new());
    let cut = CancellationToken::new();
    let _cut = cut.clone().drop_guard();
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopping.cancelled() => break,
            accepted = accept(&listener, &open) => accepted,
        };
        let Some((stream, address, place)) = accepted else { continue };
        // answers are small and written whole: waiting for more to send only delays them
        if let Err(fault) = stream.set_nodelay(true) {
            tracing::debug!(%fault, "no TCP_NODELAY");
        }
        let stream = Connection { stream, patience: terms.patience, stalled: None };
        let service = router.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(address));
            request.map(Body::new)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(terms.head)
            .max_buf_size(LONGEST_HEAD)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .with_upgrades();
        let (cut, stopping) = (cut.clone(), stopping.clone());
        connections.spawn(async move {
            let _place = place;
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = cut.cancelled() => return,
                () = stopping.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        ended = connection => ended,
                        () = cut.cancelled() => return,
                    }
                }
            };
            if let Err(fault) = ended {
                tracing::debug!(%fault, "a connection failed");
            }
        });
    }
    connections.close();
    connections.wait().await;
}

async fn accept(
    listener: &TcpListener,
    open: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = open.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, address, place)),
        Err(fault) => {
            use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
            if !matches!(fault.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
                tracing::warn!(%fault, "a connection cannot be accepted");
                sleep(RECOVERY).await;
            }
            None
        }
    }
}

pub(super) struct Connection<S> {
    stream: S,
    patience: Duration,
    /// Set while something waits to be written.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Connection<S> {
    /// Passes on what came of a write; one that waits too long has failed.
    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the other side does not read")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Connection<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Connection<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn who_reads_slowly_is_served_and_who_never_reads_is_cut() {
        let (here, mut there) = duplex(16);
        let mut connection = Connection { stream: here, patience: Duration::from_millis(300), stalled: None };
        let reader = tokio::spawn(async move {
            let mut part = [0; 16];
            for _ in 0..8 {
                tokio::time::sleep(Duration::from_millis(100)).await;
                there.read_exact(&mut part).await.unwrap();
            }
            there
        });
        // longer in all than it may take nothing
        connection.write_all(&[7; 128]).await.unwrap();
        let mut there = reader.await.unwrap();
        let began = std::time::Instant::now();
        let fault = connection.write_all(&[7; 128]).await.unwrap_err();
        assert_eq!(fault.kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= Duration::from_millis(300));
        // and the other way is not concerned
        there.write_all(b"x").await.unwrap();
        assert_eq!(connection.read_u8().await.unwrap(), b'x');
    }
}
