//! A WebSocket that carries many operations at once, by the protocol `graphql-transport-ws`.
//!
//! One task serves one socket and owns all that runs on it; it ends with the socket or with hooke. It takes an answer only when the
//! last one was written, so nothing piles up before a client that reads slowly: of each subscription the newest answer is sent. A
//! client that takes nothing, or gives no sign of life when asked for one, is dropped.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde_json::Value as Json;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_stream::{StreamExt as _, StreamMap};
use tokio_util::sync::CancellationToken;

use super::Endpoint;
use super::outcomes::{self, Outcome};
use super::protocol::{self, Closing, Received};
use crate::access::{Viewer, Who};
use crate::accounts::{Accounts, Credential, Leave};
use crate::graphql::Api;
use crate::graphql::errors::{self, Failure};
use crate::graphql::run::Request;
use crate::rates::Allowance;
use crate::search::Call;
use crate::telemetry::audit;

/// Reserved for each socket: most of them are idle.
const READ_BUFFER: usize = 2 * 1024;

/// How long what is waited for.
#[derive(Clone, Copy)]
struct Patience {
    /// For `connection_init`.
    init: Duration,
    /// For anything from the client, before it is asked for a sign of life.
    silence: Duration,
    /// For that sign.
    sign: Duration,
    /// For a message to be taken.
    write: Duration,
    /// For the client's part of closing.
    close: Duration,
}

const PATIENCE: Patience = Patience {
    init: Duration::from_secs(3),
    silence: Duration::from_secs(15),
    sign: Duration::from_secs(15),
    write: Duration::from_secs(15),
    close: Duration::from_secs(1),
};

/// Who is at the other side, when they must leave, and what operations are charged to.
type Caller = (Arc<Viewer>, Leave, Option<Allowance>);

pub(super) fn open(upgrade: WebSocketUpgrade, endpoint: Endpoint, viewer: Caller, request_id: Arc<str>) -> Response {
    open_with(upgrade, endpoint, viewer, request_id, PATIENCE)
}

fn open_with(
    upgrade: WebSocketUpgrade,
    endpoint: Endpoint,
    (viewer, leave, allowance): Caller,
    request_id: Arc<str>,
    patience: Patience,
) -> Response {
    let Endpoint { api, known, ending, sockets, accounts } = endpoint;
    let most = api.config().limits.body;
    // the socket outlives the request that opened it
    let origin = audit::Origin::current();
    let upgrade = upgrade.protocols([protocol::NAME]).read_buffer_size(READ_BUFFER).max_message_size(most).max_frame_size(most);
    upgrade.on_upgrade(move |socket| {
        let running = StreamMap::new();
        let session = Session { socket, api, known, viewer, leave, allowance, accounts, request_id, patience, ending, running };
        let session = sockets.track_future(session.serve());
        async move {
            match origin {
                Some(origin) => origin.around(session).await,
                None => session.await,
            }
        }
    })
}

struct Session {
    socket: WebSocket,
    api: Arc<Api>,
    known: super::Known,
    /// Operations are charged to it: of the request that opened the socket.
    allowance: Option<Allowance>,
    /// Of the request that opened it, or of its first message.
    viewer: Arc<Viewer>,
    leave: Leave,
    accounts: Option<Arc<Accounts>>,
    request_id: Arc<str>,
    patience: Patience,
    ending: CancellationToken,
    /// By the ids that the client gave them.
    running: StreamMap<String, BoxStream<'static, Outcome>>,
}

/// Why a session ends.
enum End {
    Close(Closing),
    /// The client has closed it.
    Left,
    /// There is nobody to tell.
    Gone,
}

impl Session {
    async fn serve(mut self) {
        let end = match self.socket.protocol() {
            Some(_) => self.session().await,
            None => End::Close(Closing::no_protocol()),
        };
        // whatever runs is of no use any more
        self.running.clear();
        match end {
            End::Gone => tracing::debug!(id = &*self.request_id, "a socket has gone"),
            // the answer to its close frame goes out with the next read
            End::Left => self.drain().await,
            End::Close(closing) => {
                tracing::debug!(id = &*self.request_id, code = closing.code, "closing a socket");
                self.close(closing).await;
            }
        }
    }

    async fn session(&mut self) -> End {
        let opened = Instant::now();
        let (mut initialised, mut heard, mut asked) = (false, opened, false);
        loop {
            let Patience { init, silence, sign, .. } = self.patience;
            let wake = match (initialised, asked) {
                (false, _) => opened + init,
                (true, false) => heard + silence,
                (true, true) => heard + silence + sign,
            };
            let ended = tokio::select! {
                () = self.ending.cancelled() => Err(End::Close(Closing::stopping())),
                () = self.leave.ended() => Err(End::Close(Closing::signed_out())),
                received = self.socket.recv() => {
                    (heard, asked) = (Instant::now(), false);
                    match received {
                        None => Err(End::Gone),
                        Some(Ok(Message::Close(_))) => Err(End::Left),
                        Some(Err(fault)) => Err(self.fault(&fault)),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
                        Some(Ok(Message::Binary(_))) => Err(End::Close(Closing::invalid("it is binary; send text"))),
                        Some(Ok(Message::Text(text))) => self.receive(text.as_str(), &mut initialised).await,
                    }
                }
                Some((id, outcome)) = self.running.next(), if !self.running.is_empty() => self.tell(&id, outcome).await,
                () = sleep_until(wake) => match (initialised, asked) {
                    (false, _) => Err(End::Close(Closing::init_time_out())),
                    (true, false) => {
                        asked = true;
                        self.send(Message::Ping(Bytes::new())).await
                    }
                    (true, true) => Err(End::Gone),
                },
            };
            if let Err(end) = ended {
                return end;
            }
        }
    }

    async fn receive(&mut self, text: &str, initialised: &mut bool) -> Result<(), End> {
        match protocol::read(text).map_err(End::Close)? {
            Received::Init(_) if *initialised => Err(End::Close(Closing::initialised_twice())),
            Received::Init(payload) => {
                self.admit(payload.as_ref()).await?;
                *initialised = true;
                self.send(Message::text(protocol::ACK)).await
            }
            Received::Ping(payload) => self.send(Message::text(protocol::pong(payload.as_ref()))).await,
            Received::Pong => Ok(()),
            Received::Subscribe { .. } if !*initialised => Err(End::Close(Closing::unauthorized())),
            Received::Subscribe { id, request } => self.begin(id, request).await,
            Received::Complete { id } => {
                self.running.remove(&id);
                Ok(())
            }
        }
    }

    /// Browsers cannot send headers with a socket: its first message may say who it is, as the header Authorization would.
    async fn admit(&mut self, payload: Option<&Json>) -> Result<(), End> {
        let Some(accounts) = self.accounts.clone() else { return Ok(()) };
        let entries = payload.and_then(Json::as_object).into_iter().flatten();
        let given = entries.filter(|(name, _)| name.eq_ignore_ascii_case("authorization")).map(|(_, value)| value).next();
        let Some(given) = given else {
            let stranger = self.viewer.who == Who::Anybody && self.viewer.role.may_nothing();
            return if stranger { Err(End::Close(Closing::unauthorized())) } else { Ok(()) };
        };
        let text = given.as_str().unwrap_or_default();
        let bearer =
            text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map_or("", |(_, rest)| rest.trim());
        let call = Call::within(self.api.config().limits.time).named(self.request_id.clone());
        let admitted = accounts.admit(&call, Credential::Bearer(bearer)).await.map_err(|_| End::Close(Closing::forbidden()))?;
        audit::name_actor(admitted.viewer.who.logged());
        (self.viewer, self.leave) = (admitted.viewer, admitted.leave);
        Ok(())
    }

    async fn begin(&mut self, id: String, request: Request) -> Result<(), End> {
        if self.running.contains_key(&id) {
            return Err(End::Close(Closing::id_taken(&id)));
        }
        let (most, asked) = (self.api.config().limits.subscriptions, self.running.len() + 1);
        if asked > most {
            let advice = "complete others first, or open another socket";
            let failure = Failure::limit("subscriptions", most as u64, asked as u64, advice);
            return self.refuse(&id, failure).await;
        }
        let request = match self.known.resolved(request) {
            Ok(request) => request,
            Err(failure) => return self.refuse(&id, failure).await,
        };
        if let Some(Err(standing)) = self.allowance.as_ref().map(Allowance::take) {
            let failure = Failure::limit("rate", standing.limit, standing.limit + 1, "ask again in a moment");
            return self.refuse(&id, failure).await;
        }
        self.running.insert(
            id,
            outcomes::run(self.api.clone(), self.viewer.clone(), self.allowance.clone(), request, self.request_id.clone()),
        );
        Ok(())
    }

    /// An operation that does not run.
    async fn refuse(&mut self, id: &str, failure: Failure) -> Result<(), End> {
        let failures = [failure];
        if let Some(refusal) = errors::refusal(&failures) {
            refusal.note();
        }
        self.send(Message::text(protocol::error(id, &failures))).await
    }

    async fn tell(&mut self, id: &str, outcome: Outcome) -> Result<(), End> {
        let text = match outcome {
            Outcome::Next(answer) => protocol::next(id, &answer),
            Outcome::Errors(failures) => {
                self.running.remove(id);
                protocol::error(id, &failures)
            }
            Outcome::Complete => {
                self.running.remove(id);
                protocol::complete(id)
            }
        };
        self.send(Message::text(text)).await
    }

    /// Waits until the message was taken by the network: nothing else happens on this socket meanwhile.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        let Patience { write, close, .. } = self.patience;
        let ending = async {
            self.ending.cancelled().await;
            sleep(close).await;
        };
        tokio::select! {
            sent = timeout(write, self.socket.send(message)) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(End::Gone),
            },
            () = ending => Err(End::Gone),
        }
    }

    /// What could not be read. The library tells it in words only.
    fn fault(&self, fault: &axum::Error) -> End {
        let told = fault.to_string();
        if told.contains("too long") || told.contains("too big") {
            End::Close(Closing::too_large(self.api.config().limits.body))
        } else if told.contains("UTF-8") {
            End::Close(Closing::not_text())
        } else if told.contains("protocol") && !told.contains("closing handshake") {
            End::Close(Closing::malformed("a frame is malformed"))
        } else {
            End::Gone
        }
    }

    /// Says why, and waits a moment for the other side: what it has sent and nobody reads would otherwise make the system
    /// cut the connection before the reason has arrived.
    async fn close(&mut self, closing: Closing) {
        let frame = CloseFrame { code: closing.code, reason: closing.reason.into() };
        // who was told already, or does not listen, costs no more than the moment
        if matches!(timeout(self.patience.close, self.socket.send(Message::Close(Some(frame)))).await, Ok(Ok(()))) {
            self.drain().await;
        }
    }

    async fn drain(&mut self) {
        let drained = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        let _ = timeout(self.patience.close, drained).await;
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::extract::State;
    use axum::routing::get;
    use futures_util::SinkExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_tungstenite::tungstenite::Message as Frame;
    use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
    use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::config::Config;
    use crate::graphql::fixture::{Told, catalog, open};

    type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

    const HASTE: Patience = Patience {
        init: Duration::from_millis(200),
        silence: Duration::from_millis(200),
        sign: Duration::from_millis(200),
        write: Duration::from_millis(300),
        close: Duration::from_millis(300),
    };

    struct Bench {
        address: String,
        endpoint: Endpoint,
        engine: Arc<Told>,
    }

    async fn bench() -> Bench {
        let config = Config::default();
        let engine = Arc::new(Told::default());
        engine.touch("packages");
        let (_, seen) = tokio::sync::watch::channel(catalog(&config));
        let api = open(&engine, seen, &config).await;
        let known = super::super::Known::nothing();
        let endpoint = Endpoint { api, known, ending: CancellationToken::new(), sockets: TaskTracker::new(), accounts: None };
        let route = async |State(endpoint): State<Endpoint>, upgrade: WebSocketUpgrade| {
            open_with(upgrade, endpoint, (Viewer::open(), Leave::default(), None), "-".into(), HASTE)
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("ws://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", get(route)).with_state(endpoint.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Bench { address, endpoint, engine }
    }

    impl Bench {
        async fn connect(&self) -> Socket {
            let mut request = self.address.as_str().into_client_request().unwrap();
            request.headers_mut().insert("sec-websocket-protocol", protocol::NAME.parse().unwrap());
            connect_async(request).await.unwrap().0
        }

        /// Initialised, and subscribed to something.
        async fn subscribed(&self) -> Socket {
            let mut socket = self.connect().await;
            socket.send(Frame::text(r#"{"type":"connection_init"}"#)).await.unwrap();
            let subscribe =
                r#"{"type":"subscribe","id":"a","payload":{"query":"subscription { packages { total { value } } }"}}"#;
            socket.send(Frame::text(subscribe)).await.unwrap();
            for wanted in ["connection_ack", "next"] {
                let Some(Ok(Frame::Text(text))) = socket.next().await else { panic!("no {wanted}") };
                assert!(text.contains(wanted), "{text}");
            }
            socket
        }

        async fn until_all_ended(&self) {
            self.endpoint.sockets.close();
            timeout(Duration::from_secs(10), self.endpoint.sockets.wait()).await.expect("the socket's task ends");
        }
    }

    #[tokio::test]
    async fn who_does_not_initialise_is_told_so() {
        let mut socket = bench().await.connect().await;
        let Some(Ok(Frame::Close(Some(frame)))) = socket.next().await else { panic!("no close frame") };
        assert_eq!((u16::from(frame.code), frame.reason.as_str()), (4408, "Connection initialisation timeout"));
    }

    #[tokio::test]
    async fn who_shows_no_sign_of_life_is_dropped_and_who_does_is_kept() {
        let bench = bench().await;
        let mut alive = bench.subscribed().await;
        let silent = bench.subscribed().await;
        assert_eq!(bench.endpoint.sockets.len(), 2);
        // reading answers the server's pings
        let began = Instant::now();
        while bench.endpoint.sockets.len() > 1 {
            assert!(began.elapsed() < Duration::from_secs(10), "the silent one is kept");
            let _ = timeout(Duration::from_millis(20), alive.next()).await;
        }
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(600) {
            assert!(!matches!(timeout(Duration::from_millis(20), alive.next()).await, Ok(None | Some(Err(_)))));
        }
        assert_eq!(bench.endpoint.sockets.len(), 1);
        drop((alive, silent));
        bench.until_all_ended().await;
    }

    #[tokio::test]
    async fn who_takes_nothing_is_dropped() {
        let bench = bench().await;
        let mut socket = bench.connect().await;
        socket.send(Frame::text(r#"{"type":"connection_init"}"#)).await.unwrap();
        // far more answers than the network keeps, and nobody reads them
        let large = serde_json::json!("x".repeat(1_000_000));
        bench
            .engine
            .write("packages", crate::graphql::fixture::document("packages", "1", serde_json::json!({ "description": large })));
        for id in 0..90 {
            let subscribe = format!(
                r#"{{"type":"subscribe","id":"{id}","payload":{{"query":"{{ packages {{ nodes {{ description }} }} }}"}}}}"#
            );
            if socket.send(Frame::text(subscribe)).await.is_err() {
                break;
            }
        }
        bench.until_all_ended().await;
    }

    #[tokio::test]
    async fn hooke_stops_without_waiting_for_sockets() {
        let bench = bench().await;
        let mut socket = bench.subscribed().await;
        bench.endpoint.ending.cancel();
        let Some(Ok(Frame::Close(Some(frame)))) = socket.next().await else { panic!("no close frame") };
        assert_eq!(u16::from(frame.code), 1001);
        bench.until_all_ended().await;
    }
}
