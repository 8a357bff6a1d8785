//! Mails through a mail server: one that takes them, one that refuses, one that is not ready yet and one that says nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hooke::config::Secret;
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::letters::link;
use super::{House, PASSWORD, add_user, send, sign_in};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Fine,
    /// The first time it asks to come back.
    LaterOnce,
    Refuses,
    /// Not even a greeting.
    Silent,
}

/// Speaks as much SMTP as one mail needs.
struct MailServer {
    url: String,
    mails: Arc<Mutex<Vec<String>>>,
    /// Recipients that were named.
    tries: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl MailServer {
    async fn open(mood: Mood) -> MailServer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://hooke:pass%20word@{}", listener.local_addr().unwrap());
        let (mails, tries) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let (kept, counted) = (Arc::clone(&mails), tries.clone());
        let serving = tokio::spawn(async move {
            let mut talks = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (mails, tries) = (Arc::clone(&kept), counted.clone());
                talks.spawn(async move {
                    // a client may leave at any moment
                    let _ = talk(stream, mood, &mails, &tries).await;
                });
            }
        });
        MailServer { url, mails, tries, serving }
    }

    async fn await_mail(&self) -> String {
        let from = Instant::now();
        loop {
            if let Some(mail) = self.mails.lock().unwrap().pop() {
                return mail;
            }
            assert!(from.elapsed() < Duration::from_secs(20), "no mail came");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn await_tries(&self, count: usize) {
        let from = Instant::now();
        while self.tries.load(Ordering::Relaxed) < count {
            assert!(from.elapsed() < Duration::from_secs(20), "nobody came");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

async fn talk(stream: TcpStream, mood: Mood, mails: &Mutex<Vec<String>>, tries: &AtomicUsize) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    if mood == Mood::Silent {
        tries.fetch_add(1, Ordering::Relaxed);
        while lines.next_line().await?.is_some() {}
        return Ok(());
    }
    write.write_all(b"220 mail.example ESMTP\r\n").await?;
    let mut known = false;
    while let Some(line) = lines.next_line().await? {
        let word = line.split(' ').next().unwrap_or_default().to_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250-mail.example\r\n250-AUTH PLAIN\r\n250 8BITMIME".to_owned(),
            "AUTH" => {
                known = line.ends_with(&STANDARD.encode("\0hooke\0pass word"));
                if known { "235 come in".into() } else { "535 who are you".into() }
            }
            "MAIL" if !known => "530 say who you are".into(),
            "RCPT" => {
                let before = tries.fetch_add(1, Ordering::Relaxed);
                match mood {
                    Mood::Refuses => format!("550 nobody here is called {line}"),
                    Mood::LaterOnce if before == 0 => "451 come back later".into(),
                    _ => "250 fine".into(),
                }
            }
            "DATA" => {
                write.write_all(b"354 go on\r\n").await?;
                let mut mail = String::new();
                while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                    mail += &format!("{line}\r\n");
                }
                mails.lock().unwrap().push(mail);
                "250 taken".into()
            }
            "QUIT" => {
                write.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "250 fine".into(),
        };
        write.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(())
}

async fn house(server: &MailServer) -> House {
    House::open(false, |config| {
        config.accounts.mail.smtp = Some(Secret(server.url.clone()));
        config.public_url = Some("https://search.example.org".into());
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn an_account_is_made_by_a_mail_that_a_mail_server_took() {
    for mood in [Mood::Fine, Mood::LaterOnce] {
        let server = MailServer::open(mood).await;
        let house = house(&server).await;
        let app = &house.app;
        let body = json!({ "email": "ada@example.org", "password": PASSWORD, "name": "Ada" });
        assert_eq!(send(app, "POST", "/v1/register", None, Some(body)).await.0, 202);
        let mail = server.await_mail().await;
        assert!(mail.contains("To: ada@example.org") && mail.contains("Subject: Activate"), "{mail}");
        assert!(mail.replace("=\r\n", "").contains("https://search.example.org/activate?token"), "{mail}");
        assert_eq!(sign_in(app, "ada@example.org", PASSWORD).await.0, 401);
        assert_eq!(send(app, "POST", "/v1/activate", None, Some(json!({ "token": link(&mail) }))).await.0, 204);
        assert_eq!(sign_in(app, "ada@example.org", PASSWORD).await.0, 200);
        assert_eq!(server.tries.load(Ordering::Relaxed), if mood == Mood::Fine { 1 } else { 2 }, "{mood:?}");
        house.stop().await;
        server.serving.abort();
    }
}

#[tokio::test]
async fn a_mail_server_that_refuses_or_says_nothing_does_not_show() {
    for mood in [Mood::Refuses, Mood::Silent] {
        let server = MailServer::open(mood).await;
        let house = house(&server).await;
        let app = &house.app;
        add_user(app, "ada@example.org", "member").await;
        let from = Instant::now();
        let mut told = Vec::new();
        for email in ["ada@example.org", "eve@example.org"] {
            for (path, body) in
                [("/v1/register", json!({ "email": email, "password": PASSWORD })), ("/v1/forgot", json!({ "email": email }))]
            {
                told.push(send(app, "POST", path, None, Some(body)).await);
            }
        }
        assert!(told[..2] == told[2..] && told[0].0 == 202 && told[1].0 == 202, "{mood:?}: {told:?}");
        server.await_tries(1).await;
        // mails that hang hold up nothing else
        assert_eq!(sign_in(app, "ada@example.org", PASSWORD).await.0, 200);
        assert!(from.elapsed() < Duration::from_secs(10), "{mood:?}: {:?}", from.elapsed());
        if mood == Mood::Refuses {
            // for good: each once. A link to choose another password goes to who has an account alone
            server.await_tries(3).await;
        }
        let stopped = Instant::now();
        house.stop().await;
        assert!(stopped.elapsed() < Duration::from_secs(5), "{mood:?}: {:?}", stopped.elapsed());
        server.serving.abort();
    }
}
