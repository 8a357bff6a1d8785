//! Where connections come in. One whose other side takes nothing for a while, although there is something to send, is cut: whoever
//! never reads would hold an answer, an export or a stream of events for ever.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

/// For the other side to take some of what waits for it: whoever pipes an export into something slow may need a while.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) patience: Duration,
}

impl Listener for Door {
    type Io = Connection<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // answers are small and written whole: waiting for more to send only delays them
        if let Err(fault) = stream.set_nodelay(true) {
            tracing::debug!(%fault, "no TCP_NODELAY");
        }
        (Connection { stream, patience: self.patience, stalled: None }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
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
