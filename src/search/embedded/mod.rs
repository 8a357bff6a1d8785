//! The embedded [`Engine`](super::Engine): the only place that names the inverted index and the document store.
