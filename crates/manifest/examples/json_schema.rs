//! Prints the JSON Schema of `connector.yaml`: `cargo run -p lakeflow-manifest --example json_schema`.

use std::io::Write;

fn main() -> std::io::Result<()> {
    let schema = lakeflow_manifest::json_schema();
    let text = serde_json::to_string_pretty(&schema)?;
    writeln!(std::io::stdout(), "{text}")
}
