//! The embedded [`Engine`](super::Engine): the only place that names the inverted index and the document store.

#[expect(dead_code, reason = "the engine that reads documents follows")]
mod documents;
#[cfg_attr(not(test), expect(dead_code, reason = "the engine that reads documents follows"))]
mod projection;
