//! Checks definitions: `cargo run -p lakeflow-manifest --example check_definition FILE…`.

use std::io::Write;

use lakeflow_manifest::Definition;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    for file in std::env::args().skip(1) {
        match Definition::parse(&std::fs::read_to_string(&file)?, &file) {
            Ok(definition) => writeln!(out, "{file}: {} tables", definition.tables().count())?,
            Err(error) => writeln!(
                out,
                "{error}\n{}",
                std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default()
            )?,
        }
    }
    Ok(())
}
