//! A client of `graphql-transport-ws`, with a deadline for everything it waits for.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value as Json, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const PATIENCE: Duration = Duration::from_secs(15);

pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Messages for other ids than the one that was waited for.
    pub held: VecDeque<Json>,
}

/// The handshake, with these headers.
pub async fn connect(url: &str, headers: &[(&'static str, &str)]) -> Result<(Socket, Response), Error> {
    let mut request = format!("{}/graphql", url.replace("http://", "ws://")).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    let (stream, response) = timeout(PATIENCE, connect_async(request)).await.unwrap()?;
    Ok((Socket { stream, held: VecDeque::new() }, response))
}

impl Socket {
    /// Open, and not initialised yet.
    pub async fn open(url: &str) -> Socket {
        let (socket, response) = connect(url, &[("sec-websocket-protocol", "graphql-transport-ws")]).await.unwrap();
        assert_eq!(response.headers()["sec-websocket-protocol"], "graphql-transport-ws");
        socket
    }

    pub async fn ready(url: &str) -> Socket {
        let mut socket = Self::open(url).await;
        socket.send(json!({ "type": "connection_init" })).await;
        assert_eq!(socket.message().await, json!({ "type": "connection_ack" }));
        socket
    }

    pub async fn send(&mut self, message: Json) {
        self.raw(Message::text(message.to_string())).await;
    }

    pub async fn raw(&mut self, message: Message) {
        timeout(PATIENCE, self.stream.send(message)).await.unwrap().unwrap();
    }

    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "id": id, "type": "subscribe", "payload": { "query": query } })).await;
    }

    async fn receive(&mut self) -> Message {
        loop {
            match timeout(PATIENCE, self.stream.next()).await.expect("a message in time").expect("the socket is open").unwrap() {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    /// The next message, whatever it is for.
    pub async fn message(&mut self) -> Json {
        if let Some(held) = self.held.pop_front() {
            return held;
        }
        match self.receive().await {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            other => panic!("no message but {other:?}"),
        }
    }

    /// The next answer to this operation.
    pub async fn news(&mut self, id: &str) -> Json {
        if let Some(at) = self.held.iter().position(|message| message["id"] == id) {
            let mut message = self.held.remove(at).unwrap();
            assert_eq!(message["type"], "next", "{message}");
            return message["payload"].take();
        }
        loop {
            let Message::Text(text) = self.receive().await else { panic!("the socket was closed") };
            let mut message: Json = serde_json::from_str(&text).unwrap();
            if message["id"] == id {
                assert_eq!(message["type"], "next", "{message}");
                return message["payload"].take();
            }
            self.held.push_back(message);
        }
    }

    /// With what the server closes it; messages before that are passed over.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.receive().await {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                Message::Close(None) => panic!("closed without a code"),
                _ => {}
            }
        }
    }

    /// Closes it, and waits until the server has agreed.
    pub async fn close(mut self) {
        self.stream.close(None).await.unwrap();
        while let Some(message) = timeout(PATIENCE, self.stream.next()).await.unwrap() {
            if message.is_err() {
                return;
            }
        }
    }
}
