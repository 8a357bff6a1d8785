//! Bytes to a server and what comes back, over connections of our own: clients that are well-bred cannot send most of this.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

const PATIENCE: Duration = Duration::from_secs(10);
/// More of an answer than this is not read.
const MOST: usize = 4 * 1024 * 1024;

#[derive(Debug, Default)]
pub struct Reply {
    /// 0: the connection was closed without an answer.
    pub status: u16,
    pub head: String,
    pub body: String,
}

pub fn address(url: &str) -> &str {
    url.trim_start_matches("http://")
}

/// Sends these bytes and reads until the other side closes, or an answer with a length is whole.
pub async fn exchange(url: &str, bytes: &[u8]) -> Reply {
    let mut stream = TcpStream::connect(address(url)).await.unwrap();
    let (mut read, mut write) = stream.split();
    let sending = async {
        // whoever refuses early does not read to the end
        let _ = write.write_all(bytes).await;
        std::future::pending::<()>().await;
    };
    let mut all = Vec::new();
    let reading = async {
        let mut part = [0; 16 * 1024];
        while !is_whole(&all) && all.len() < MOST {
            match read.read(&mut part).await {
                Ok(0) | Err(_) => break,
                Ok(count) => all.extend_from_slice(&part[..count]),
            }
        }
    };
    tokio::select! {
        () = sending => {}
        ended = timeout(PATIENCE, reading) => if ended.is_err() {
            return Reply { status: 999, body: "no answer and no end".into(), ..Reply::default() };
        }
    }
    parse(&all)
}

fn split(all: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = all.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((&all[..end], &all[end + 4..]))
}

fn is_whole(all: &[u8]) -> bool {
    let Some((head, body)) = split(all) else { return false };
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    if head.contains("transfer-encoding: chunked") {
        return body.ends_with(b"0\r\n\r\n");
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

fn parse(all: &[u8]) -> Reply {
    let Some((head, body)) = split(all) else {
        return Reply { body: String::from_utf8_lossy(all).into_owned(), ..Reply::default() };
    };
    let head = String::from_utf8_lossy(head).into_owned();
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    Reply { status, head, body: String::from_utf8_lossy(body).into_owned() }
}

/// Sends a piece now and then and never ends; true if the server hangs up (or answers and hangs up) within ten seconds.
pub async fn is_cut(url: &str, first: &[u8], piece: &[u8]) -> bool {
    let mut stream = TcpStream::connect(address(url)).await.unwrap();
    if stream.write_all(first).await.is_err() {
        return true;
    }
    let cut = async {
        let mut part = [0; 4_096];
        loop {
            match timeout(Duration::from_millis(150), stream.read(&mut part)).await {
                Ok(Ok(0) | Err(_)) => return,
                Ok(Ok(_)) => {}
                Err(_) => {
                    if stream.write_all(piece).await.is_err() {
                        return;
                    }
                }
            }
        }
    };
    timeout(Duration::from_secs(8), cut).await.is_ok()
}

/// The status of the handshake, or the code that closes the socket after these messages; 0 where it stays open.
pub async fn socket(url: &str, headers: &[(&str, String)], messages: &[Message]) -> (u16, String) {
    let mut request = format!("ws://{}/graphql", address(url)).into_client_request().unwrap();
    for (name, value) in headers {
        let name: tokio_tungstenite::tungstenite::http::HeaderName = name.parse().unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let mut socket = match connect_async(request).await {
        Ok((socket, _)) => socket,
        Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => return (answer.status().as_u16(), String::new()),
        Err(fault) => return (1, fault.to_string()),
    };
    for message in messages {
        if socket.send(message.clone()).await.is_err() {
            break;
        }
    }
    let closing = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(Some(frame)))) => return (frame.code.into(), frame.reason.to_string()),
                Some(Ok(Message::Text(text))) if text.contains("LIMIT_EXCEEDED") => return (2, text.to_string()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return (1, "gone".into()),
            }
        }
    };
    timeout(Duration::from_secs(6), closing).await.unwrap_or((0, "it stays open".into()))
}
