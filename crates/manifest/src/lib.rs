//! The connector language: `connector.yaml` becomes a `LakeflowConnect`.
//!
//! The grammar is the types in [`definition`]; the guide for authors is `docs/guides/connector-language.md`.

mod catalog;
mod check;
mod connect;
mod connector;
mod credentials;
mod cursor;
pub mod definition;
mod listing;
mod loaded;
mod markdown;
mod named_types;
mod partitions;
mod path;
mod plan;
mod problem;
mod read;
mod reference;
mod setting;
mod structure;
mod template;
mod tree;
mod write_back;

pub use connect::ConnectSettings;
pub use listing::{Listing, SentRequest};
pub use loaded::{Definition, ParentColumns};
pub use path::{Condition, FieldPath, FieldRoot, JsonPath};
pub use problem::{Place, Problem, Problems};
pub use reference::reference_markdown;
pub use setting::Setting;

/// The place of the key at the end of a path in the text of a definition, or of the nearest thing around it; nothing where
/// the text is no YAML.
pub fn place_of_key(text: &str, path: &[&str]) -> Option<Place> {
    tree::parse(text).ok().map(|tree| tree.place_of_key(path))
}

/// The JSON Schema of `connector.yaml`, for editors and agents.
pub fn json_schema() -> schemars::Schema {
    schemars::schema_for!(definition::Manifest)
}
