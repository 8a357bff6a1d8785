//! hooke as the viewer of a request may use it: handlers take it in place of the state.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::access::{Role, Viewer};
use crate::app::App;

pub(super) struct Mine(pub(super) Arc<App>);

impl FromRequestParts<Arc<App>> for Mine {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let viewer = parts.extensions.get::<Arc<Viewer>>().cloned();
        // where no layer has said who it is, it is nobody
        Ok(Mine(app.seen_by(&viewer.unwrap_or_else(|| Viewer::anybody(Role::nothing())))))
    }
}
