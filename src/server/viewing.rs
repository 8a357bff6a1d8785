//! Who is asking: puts an `Arc<Viewer>` into every request, for handlers to take as an extension. WebSockets begin as requests and
//! take it from there.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::access::Viewer;
use crate::app::App;
use crate::rest::Problem;

pub(super) async fn add_viewer(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    match resolve(&app, request.headers()).await {
        Ok(viewer) => {
            request.extensions_mut().insert(viewer);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Nobody has to sign in yet: all who reach it have the role of anybody.
async fn resolve(app: &App, _headers: &HeaderMap) -> Result<Arc<Viewer>, Problem> {
    Ok(Viewer::anybody(app.roles.anybody()))
}
