//! Files read as documents, for `hooke load` and for jobs that load: rows one after another (`rows`), cells of a table as values
//! (`cells`), a mapping made from examples (`infer`, from rows read `ahead`), and the id of a row (`ids`).

mod ahead;
mod cells;
mod ids;
mod infer;
mod rows;

pub use ahead::look_ahead;
pub use cells::{guess_cells, shape_cells};
pub use ids::id_of_row;
pub use infer::Inference;
pub use rows::{Format, Row, count, read};
