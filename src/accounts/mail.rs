//! Mails: sent by the mail server of the settings, or written into a folder where there is none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use tokio::io::AsyncWriteExt as _;

use super::token::{hex, random};
use crate::config::{Config, Secret};

/// For a mail server to take a mail.
const PATIENCE: Duration = Duration::from_secs(20);

/// How mails go out.
pub(super) struct Post {
    from: Mailbox,
    way: Way,
}

enum Way {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Folder(PathBuf),
}

/// How a mail fared.
#[derive(Debug)]
pub(super) enum Failed {
    /// It may go out later: the mail server is not there, is slow, or asks to come back.
    ForNow(String),
    /// Never: it says so, or the mail cannot be written.
    ForGood(String),
}

/// What one mail says; one line of `text` may be a link.
#[derive(Clone)]
pub(super) struct Letter {
    pub(super) to: String,
    pub(super) subject: &'static str,
    pub(super) text: String,
}

/// As it is compared: without blanks around it, in small letters. `None`: it is no mail address.
pub(super) fn address(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let fine = text.len() <= 254 && text.is_ascii() && text.parse::<Address>().is_ok();
    fine.then_some(text)
}

impl Post {
    pub(super) fn open(config: &Config) -> anyhow::Result<Self> {
        let mail = &config.accounts.mail;
        let from =
            mail.from.parse().map_err(|_| anyhow::anyhow!("mail.from is no mail address: write it as name@example.org"))?;
        let way = match &mail.smtp {
            Some(Secret(url)) => {
                let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
                    // the address may hold a password: what is wrong with it stays unsaid
                    .map_err(|_| {
                        anyhow::anyhow!("mail.smtp is no address of a mail server: write it as smtps://user:password@host")
                    })?;
                Way::Smtp(Box::new(transport.timeout(Some(PATIENCE)).build()))
            }
            None => Way::Folder(mail.outbox.clone().unwrap_or_else(|| config.data.join("outbox"))),
        };
        Ok(Post { from, way })
    }

    /// Once. What failed is told without what the mail server says: that may name addresses.
    pub(super) async fn send(&self, letter: &Letter) -> Result<(), Failed> {
        match &self.way {
            Way::Smtp(transport) => {
                let message = self.message(letter).map_err(|_| Failed::ForGood("the mail cannot be written".into()))?;
                match tokio::time::timeout(PATIENCE * 2, transport.send(message)).await {
                    Ok(Ok(_)) => Ok(()),
                    Ok(Err(fault)) if fault.is_permanent() => Err(Failed::ForGood(told(&fault))),
                    Ok(Err(fault)) => Err(Failed::ForNow(told(&fault))),
                    Err(_) => Err(Failed::ForNow("the mail server takes too long".into())),
                }
            }
            Way::Folder(folder) => self.put(folder, letter).await.map_err(|fault| {
                let broken = fault.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>().map(ToString::to_string));
                Failed::ForNow(broken.unwrap_or_else(|| "the mail cannot be written".into()))
            }),
        }
    }

    fn message(&self, letter: &Letter) -> anyhow::Result<Message> {
        let message = Message::builder()
            .from(self.from.clone())
            .to(letter.to.parse()?)
            .subject(letter.subject)
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())?;
        Ok(message)
    }

    async fn put(&self, folder: &Path, letter: &Letter) -> anyhow::Result<()> {
        let message = self.message(letter)?;
        let name = format!("{}-{}.eml", jiff::Timestamp::now().as_millisecond(), hex(&random::<4>()?));
        tokio::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).await?;
        let path = folder.join(&name);
        // whole before it can be seen under its name
        let part = folder.join(format!("{name}.part"));
        let mut file = tokio::fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(&part).await?;
        file.write_all(&message.formatted()).await?;
        file.flush().await?;
        tokio::fs::rename(&part, &path).await?;
        tracing::info!(file = %path.display(), "no mail server is set: the mail is a file");
        Ok(())
    }
}

/// What kind of fault it is, with the number that the mail server answered.
fn told(fault: &lettre::transport::smtp::Error) -> String {
    let kind = match fault {
        fault if fault.is_timeout() => "the mail server takes too long",
        fault if fault.is_tls() => "no TLS with the mail server",
        fault if fault.is_permanent() => "the mail server refuses it",
        fault if fault.is_transient() => "the mail server refuses it for now",
        _ => "the mail server cannot be reached, or does not speak SMTP",
    };
    fault.status().map_or_else(|| kind.to_owned(), |code| format!("{kind} ({code})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_line_of_plain_letters() {
        assert_eq!(address(" Ada@Example.org ").as_deref(), Some("ada@example.org"));
        for wrong in
            ["", "ada", "a@b@c", "a b@c.d", "ada@example.org\r\nBcc: eve@example.org", "ada@example.org,eve@x.y", "ä@b.c"]
        {
            assert_eq!(address(wrong), None, "{wrong}");
        }
    }
}
