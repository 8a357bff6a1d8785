//! Files read as documents, for `hooke load` and for jobs that load: rows one after another (`rows`), cells of a table as values
//! (`cells`), a mapping made from examples (`infer`), and the id of a row (`ids`).

mod cells;
mod ids;
mod infer;
mod rows;

pub use cells::{guess_cells, shape_cells};
pub use ids::id_of_row;
pub use infer::Inference;
pub use rows::{Format, Row, count, read};

/// Rows from which a mapping is inferred.
pub const LOOK: usize = 1_000;
