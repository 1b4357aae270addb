//! Prints the reference of the language: `cargo run -p lakeflow-manifest --example reference`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(lakeflow_manifest::reference_markdown().as_bytes())
}
