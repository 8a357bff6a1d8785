//! Elasticsearch as an [`Engine`](super::Engine): the only place that names its client.
