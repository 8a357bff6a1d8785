//! What all pages have in common: the frame around them, and the headers they are sent with.

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::assets::{self, Style};

/// The frame of a page.
pub(super) struct Layout {
    /// Before the name of the product, in the tab.
    pub(super) title: String,
    /// The entry of the navigation that stands for this page; empty: none.
    pub(super) here: &'static str,
}

impl Layout {
    pub(super) fn new(title: impl Into<String>, here: &'static str) -> Self {
        Layout { title: title.into(), here }
    }

    pub(super) fn bootstrap(&self) -> Style {
        assets::bootstrap()
    }

    pub(super) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    pub(super) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }
}

/// A page as it is sent.
pub(super) fn send(status: StatusCode, page: &impl Template) -> Response {
    send_under(status, page, &assets::policy(false))
}

pub(super) fn send_under(status: StatusCode, page: &impl Template, policy: &str) -> Response {
    match page.render() {
        Ok(html) => {
            let headers = [
                (header::CONTENT_TYPE, "text/html; charset=utf-8"),
                (header::CACHE_CONTROL, "private, no-cache"),
                (header::CONTENT_SECURITY_POLICY, policy),
            ];
            (status, headers, html).into_response()
        }
        Err(fault) => {
            tracing::error!(cause = %fault, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
