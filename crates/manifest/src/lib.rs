//! The connector language: `connector.yaml` becomes a `LakeflowConnect`.
//!
//! The grammar is the types in [`definition`]; the guide for authors is `docs/guides/connector-language.md`.

mod check;
mod connect;
mod cursor;
pub mod definition;
mod loaded;
mod markdown;
mod named_types;
mod path;
mod plan;
mod problem;
mod read;
mod setting;
mod structure;
mod template;
mod tree;

pub use connect::ConnectSettings;
pub use loaded::Definition;
pub use path::JsonPath;
pub use problem::{Place, Problem, Problems};
pub use setting::Setting;

/// The JSON Schema of `connector.yaml`, for editors and agents.
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(definition::Manifest)
}
