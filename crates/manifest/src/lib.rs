//! The connector language: `connector.yaml` becomes a `LakeflowConnect`.
//!
//! The grammar is the types in [`definition`]; the guide for authors is `docs/guides/connector-language.md`.

pub mod definition;
mod path;

pub use path::JsonPath;

/// The JSON Schema of `connector.yaml`, for editors and agents.
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(definition::Manifest)
}
