//! What the search page suggests: a better spelling and fewer words, as links to the same search with other words; and values that
//! complete what is typed into the box, as JSON for the script of the page. Without the script the box is a plain box.

use axum::extract::{Path, Query as Pairs};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::json;

use super::address::{Asked, At};
use super::hit::HEADLINES;
use crate::catalog::ask::can_complete;
use crate::catalog::{Exposed, ExposedField};
use crate::pages::fault::Fault;
use crate::pages::mine::Mine;
use crate::pages::shelf;
use crate::search::{Kind, PREFIX_MOST, Page, Query, Rank, Run, Slot, Suggest, Suggested};
use crate::telemetry::RequestId;

/// Values shown below the box.
const COMPLETED: u32 = 8;

/// A better spelling: its words with those that are changed marked, and the address of their search.
pub(in crate::pages) struct Meant {
    pub(in crate::pages) runs: Vec<Run>,
    pub(in crate::pages) address: String,
}

/// The search without one of its words.
pub(in crate::pages) struct Fewer {
    pub(in crate::pages) text: String,
    pub(in crate::pages) dropped: String,
    pub(in crate::pages) hits: String,
    pub(in crate::pages) address: String,
}

/// What is asked beside the hits of a search for words.
pub(super) fn wanted(rank: Option<&Rank>) -> Vec<(Slot, Suggest)> {
    let Some(Rank::Text(text)) = rank else { return Vec::new() };
    let texts = text.fields.iter().map(|(field, _)| field).filter(|field| matches!(field.kind, Kind::Text { .. }));
    let spelling = Suggest::DidYouMean { text: text.query.clone(), fields: texts.cloned().collect() };
    vec![(0, spelling), (1, Suggest::Relaxed(text.clone()))]
}

/// What came of it.
pub(super) fn told(found: &Page, asked: &Asked, action: &str) -> (Option<Meant>, Vec<Fewer>) {
    let address = |text: String| format!("{action}{}", Asked { text, ..asked.at(At::Number(1)) }.write());
    let (mut meant, mut fewer) = (None, Vec::new());
    for (_, suggested) in &found.suggested {
        match suggested {
            Suggested::DidYouMean(Some(parts)) => {
                let text = parts.iter().map(|(text, _)| text.as_str()).collect();
                let runs = parts.iter().map(|(text, changed)| Run { text: text.clone(), hit: *changed }).collect();
                meant = Some(Meant { runs, address: address(text) });
            }
            Suggested::Relaxed(all) => fewer.extend(all.iter().map(|one| Fewer {
                text: one.text.clone(),
                dropped: one.dropped.join(" "),
                hits: shelf::grouped(one.total.value),
                address: address(one.text.clone()),
            })),
            Suggested::DidYouMean(None) | Suggested::Complete(_) => {}
        }
    }
    (meant, fewer)
}

/// Where the script of the page finds values that complete a beginning; `None`: there are none.
pub(super) fn completing_address(on: &Exposed, action: &str) -> Option<String> {
    completed(on).map(|_| format!("{action}/complete"))
}

/// The field that completes the box: what documents are called, else their first text with exact values, else their first keyword.
fn completed(on: &Exposed) -> Option<&ExposedField> {
    let all = || on.all_fields().filter(|field| can_complete(&field.field));
    let called = |name: &&str| all().find(|field| field.field.path.to_lowercase() == **name);
    let text = |field: &&ExposedField| matches!(field.field.kind, Kind::Text { .. });
    HEADLINES.iter().find_map(called).or_else(|| all().find(text)).or_else(|| all().next())
}

#[derive(Debug, Default, Deserialize)]
pub(in crate::pages) struct Typed {
    #[serde(default)]
    q: String,
}

/// `{"values":[{"text","count"}]}`, the most frequent first.
pub(in crate::pages) async fn complete_text(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(collection): Path<String>,
    typed: Result<Pairs<Typed>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Fault> {
    let Typed { q } = typed.map(|Pairs(typed)| typed).unwrap_or_default();
    let call = app.call(&id);
    let on = shelf::find(&app, &call, &collection).await?;
    let mut values = Vec::new();
    let prefix = q.trim_start();
    if let Some(field) = completed(&on).filter(|_| !prefix.is_empty() && prefix.chars().count() <= PREFIX_MOST) {
        let query = Query::completing(on.collection.name.clone(), field.field.clone(), prefix.to_owned(), COMPLETED);
        for (_, suggested) in super::search(&app, &call, &query).await?.suggested {
            if let Suggested::Complete(found) = suggested {
                values.extend(found.into_iter().map(|value| json!({ "text": value.text, "count": value.count })));
            }
        }
    }
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(json!({ "values": values }))).into_response())
}
