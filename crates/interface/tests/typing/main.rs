//! The typing of records: its rules by example, and against a slow, obvious model.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

mod against_model;
mod model;
mod rendering;
mod rules;

use std::sync::Arc;

use lakeflow_interface::records::{BadValues, JsonRecords, Page, TypedBatch, Typer};
use lakeflow_interface::{Result, ddl};

/// The records of a page that is an array.
fn records(text: &str) -> JsonRecords {
    let page = Arc::new(Page::parse(text).expect("the page is JSON"));
    let places = page.root().items().map(|record| record.index()).collect();
    JsonRecords::new(page, places)
}

fn typed(schema: &str, text: &str, bad_values: BadValues) -> Result<TypedBatch> {
    let mut typer = Typer::new("issues", ddl::parse(schema)?, bad_values)?.with_primary_keys(&["id".parse()?]);
    typer.push(&records(text))?;
    assert_eq!(typer.bytes() > 0, typer.rows() > 0);
    typer.finish()
}
