//! A body as lines, read as it comes and never held whole; a line that is too long costs only itself.

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};

/// What came before the next line break.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(Bytes),
    /// It has more bytes than allowed; it was passed over.
    TooLong,
}

pub(super) struct Lines<S> {
    body: S,
    /// Bytes read and not yet given out; of these so many are known to hold no line break.
    buffer: BytesMut,
    searched: usize,
    most: usize,
    /// Inside a line that is too long.
    skipping: bool,
    ended: bool,
}

impl<S, E> Lines<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    pub(super) fn new(body: S, most: usize) -> Self {
        Lines { body, buffer: BytesMut::new(), searched: 0, most, skipping: false, ended: false }
    }

    /// The next line that is not blank. Safe to be cancelled: nothing that was read is lost.
    pub(super) async fn next(&mut self) -> Option<Result<Line, E>> {
        loop {
            if let Some(line) = self.take_line() {
                return Some(Ok(line));
            }
            if self.ended {
                return None;
            }
            match self.body.next().await {
                Some(Ok(bytes)) => self.buffer.extend_from_slice(&bytes),
                Some(Err(fault)) => return Some(Err(fault)),
                None => self.ended = true,
            }
        }
    }

    fn take_line(&mut self) -> Option<Line> {
        loop {
            let found = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n').map(|at| at + self.searched);
            let line = match found {
                Some(at) => {
                    let line = self.buffer.split_to(at).freeze();
                    self.buffer.advance(1);
                    self.searched = 0;
                    line
                }
                // the last line needs no break
                None if self.ended && !self.buffer.is_empty() => {
                    self.searched = 0;
                    self.buffer.split().freeze()
                }
                None if self.ended && std::mem::take(&mut self.skipping) => return Some(Line::TooLong),
                None => {
                    if self.buffer.len() > self.most {
                        self.buffer.clear();
                        self.skipping = true;
                    }
                    self.searched = self.buffer.len();
                    return None;
                }
            };
            if std::mem::take(&mut self.skipping) || line.len() > self.most {
                return Some(Line::TooLong);
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Some(Line::Text(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines_of(parts: &[&'static str], most: usize) -> Vec<String> {
        let body = futures_util::stream::iter(parts.iter().map(|part| Ok::<_, ()>(Bytes::from_static(part.as_bytes()))));
        let mut lines = Lines::new(body, most);
        let mut all = Vec::new();
        while let Some(line) = lines.next().await {
            all.push(match line.unwrap() {
                Line::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
                Line::TooLong => "too long".into(),
            });
        }
        all
    }

    #[tokio::test]
    async fn lines_may_be_cut_anywhere() {
        let whole = "one\n\n  \r\ntwo\nthree";
        for cut in 0..whole.len() {
            assert_eq!(lines_of(&[&whole[..cut], &whole[cut..]], 100).await, ["one", "two", "three"]);
        }
        assert_eq!(lines_of(&[], 5).await, [""; 0]);
    }

    #[tokio::test]
    async fn a_long_line_costs_only_itself() {
        let whole = "a\nbbbbbbbb\nc\ndddddddd";
        for cut in 0..whole.len() {
            assert_eq!(lines_of(&[&whole[..cut], &whole[cut..]], 4).await, ["a", "too long", "c", "too long"], "{cut}");
        }
    }
}
