//! Records: from pages of JSON to Arrow.

mod columns;
mod exact_number;
mod interval;
mod json_records;
mod page;
mod parser;
mod rescue;
mod timestamp;
mod typer;

pub use json_records::JsonRecords;
pub use page::{Kind, NodeIndex, Page, Value};
pub use typer::{BadValues, RESCUED_DATA, TypedBatch, Typer};
