//! Any bytes as a page, typed by a schema with every type: never a panic, and as many rows as records.

#![no_main]

use std::sync::Arc;

use lakeflow_interface::ddl;
use lakeflow_interface::records::{BadValues, JsonRecords, Page, Typer};
use libfuzzer_sys::fuzz_target;

const SCHEMA: &str = "a BOOLEAN, b TINYINT, c SMALLINT, d INT NOT NULL, e BIGINT, f FLOAT, g DOUBLE, h DECIMAL(20,5), \
    i STRING, j VARCHAR(5), k BINARY, l DATE, m TIMESTAMP, n TIMESTAMP_NTZ, o INTERVAL YEAR TO MONTH, \
    p INTERVAL DAY TO SECOND, q VARIANT, r VOID, s ARRAY<INT>, t MAP<INT, ARRAY<TIMESTAMP>>, \
    u STRUCT<a: INT, b: ARRAY<STRUCT<a: VARIANT, b: MAP<STRING, STRING>>> NOT NULL>";

fuzz_target!(|bytes: &[u8]| {
    let Ok(page) = Page::parse(bytes) else { return };
    let page = Arc::new(page);
    let root = page.root();
    let places: Vec<_> = std::iter::once(root).chain(root.items()).map(|record| record.index()).collect();
    let records = JsonRecords::new(Arc::clone(&page), places);
    let schema = ddl::parse(SCHEMA).expect("the schema is DDL");
    for bad_values in [BadValues::Rescue, BadValues::Fail] {
        let mut typer = Typer::new("fuzzed", Arc::clone(&schema), bad_values).expect("Spark has these types");
        if typer.push(&records).is_ok() {
            let batch = typer.finish().expect("the columns make a batch").batch;
            assert_eq!(batch.num_rows(), records.len());
        }
    }
});
