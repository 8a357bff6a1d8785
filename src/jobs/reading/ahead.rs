//! The first rows of a file, read ahead to make a mapping from.

use std::collections::VecDeque;

use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::infer::Inference;
use super::{Format, Row, guess_cells};

/// Rows from which a mapping is inferred.
const LOOK: usize = 1_000;

/// Leaves the rows it takes in `first`, for whoever loads them. `None`: there are no documents.
pub async fn look_ahead(
    rows: &mut mpsc::Receiver<Row>,
    first: &mut VecDeque<Row>,
    format: Format,
    nested: &[String],
) -> Option<Json> {
    let mut inference = Inference::default();
    let mut any = false;
    while first.len() < LOOK {
        let Some(row) = rows.recv().await else { break };
        if let Ok(source) = &row.source {
            any = true;
            let mut source = if format == Format::Csv { guess_cells(source) } else { source.clone() };
            source.remove("_id");
            inference.add(&source);
        }
        first.push_back(row);
    }
    any.then(|| inference.mapping(nested))
}
