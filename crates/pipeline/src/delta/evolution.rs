//! Schema evolution: new columns, wider types, relaxed NOT NULL; anything else needs a full refresh.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use delta_kernel::schema::StructType;
use lakeflow_interface::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::amendment::Amendment;
use super::merge::SchemaMerge;
use super::schema::{to_arrow, to_delta};
use super::state::TableState;
use super::storage::internal_error;
use super::table::DeltaTable;

/// How often an evolution is tried because somebody else committed first.
const ATTEMPTS: usize = 5;

const MAPPING_MODE: &str = "delta.columnMapping.mode";
const MAPPING_MAXIMUM: &str = "delta.columnMapping.maxColumnId";

impl DeltaTable {
    /// The table with the columns of a schema, in a commit of its own; the same state where it has them already.
    ///
    /// New columns, also within structs, become nullable; NOT NULL is relaxed where the schema is nullable; types are
    /// widened where Delta allows it without a rewrite. A column that the schema lacks stays, and so does a type that is
    /// wider than the schema's. Columns of any other type are an [`ErrorKind::Unsupported`] error that names them all, before
    /// anything is changed.
    pub async fn evolve(&self, state: &TableState, schema: &Schema) -> Result<TableState> {
        let mut state = state.clone();
        let mut attempt = 1;
        loop {
            let Some(evolution) = Evolution::new(&state, schema).map_err(|error| self.located(error))? else {
                return Ok(state);
            };
            let (handle, now) = (self.clone(), state.clone());
            let result = self.blocking(move || evolution.amendment()?.commit(&handle, &now, |_| Ok(()))).await;
            match result {
                Err(error) if error.kind() == ErrorKind::Conflict && attempt < ATTEMPTS => {
                    attempt += 1;
                    state = self.load().await?.ok_or(error)?;
                }
                result => return result,
            }
        }
    }
}

impl TableState {
    /// The columns of the table as they would be with those of a schema added.
    pub(crate) fn evolved_schema(&self, schema: &Schema) -> Result<SchemaRef> {
        match Evolution::new(self, schema)? {
            Some(evolution) => to_arrow(&evolution.parsed()?),
            None => Ok(Arc::clone(self.schema())),
        }
    }
}

/// A table's metadata and protocol with the columns of a schema.
struct Evolution {
    schema: Value,
    metadata: Map<String, Value>,
    protocol: Option<Value>,
}

impl Evolution {
    /// None where the table has the columns already.
    fn new(state: &TableState, wanted: &Schema) -> Result<Option<Self>> {
        let unreadable = |cause| internal_error("the table's schema cannot be read", cause);
        let configuration = state.snapshot.table_configuration();
        let metadata = serde_json::to_value(configuration.metadata()).map_err(unreadable)?;
        let mut metadata = metadata.as_object().cloned().unwrap_or_default();
        let text = metadata.get("schemaString").and_then(Value::as_str).unwrap_or_default();
        let schema: Value = serde_json::from_str(text).map_err(unreadable)?;
        let wanted = serde_json::to_value(to_delta(wanted)?).map_err(unreadable)?;
        let properties = metadata.get("configuration").and_then(Value::as_object).cloned().unwrap_or_default();
        let maximum = properties.get(MAPPING_MAXIMUM).and_then(Value::as_str).and_then(|text| text.parse().ok());
        let is_mapped = properties.get(MAPPING_MODE).is_some_and(|mode| mode != "none");
        let merge = SchemaMerge::new(schema, is_mapped.then(|| maximum.unwrap_or_default()));
        let Some(merged) = merge.with(&wanted)? else { return Ok(None) };
        let mut properties = properties;
        let mut features = required_features(&merged.schema);
        if merged.is_widened {
            properties.insert("delta.enableTypeWidening".to_owned(), "true".into());
            features.insert("typeWidening");
        }
        if let Some(maximum) = merged.mapped_columns {
            properties.insert(MAPPING_MAXIMUM.to_owned(), maximum.to_string().into());
            properties.entry(MAPPING_MODE).or_insert_with(|| "name".into());
            features.insert("columnMapping");
        }
        metadata.insert("configuration".to_owned(), properties.into());
        metadata.retain(|_, value| !value.is_null());
        metadata.insert("schemaString".to_owned(), merged.schema.to_string().into());
        let protocol = serde_json::to_value(configuration.protocol()).map_err(unreadable)?;
        Ok(Some(Self {
            schema: merged.schema,
            metadata,
            protocol: with_features(protocol, &["readerFeatures", "writerFeatures"], &features)?,
        }))
    }

    fn parsed(&self) -> Result<StructType> {
        serde_json::from_value(self.schema.clone())
            .map_err(|cause| internal_error("the evolved schema is not one of Delta's", cause))
    }

    fn amendment(self) -> Result<Amendment> {
        // What the kernel could not read must not get into the log.
        self.parsed()?;
        let mut actions = Vec::new();
        actions.extend(self.protocol.map(|protocol| json!({ "protocol": protocol })));
        actions.push(json!({ "metaData": self.metadata }));
        Ok(Amendment { operation: "EVOLVE SCHEMA", parameters: Vec::new(), is_data_change: false, actions })
    }
}

/// The features that the types of a schema need.
fn required_features(schema: &Value) -> BTreeSet<&'static str> {
    let mut features = BTreeSet::new();
    let mut rest = vec![schema];
    while let Some(value) = rest.pop() {
        match value {
            Value::String(name) if name == "timestamp_ntz" => drop(features.insert("timestampNtz")),
            Value::String(name) if name == "variant" => drop(features.insert("variantType")),
            Value::Object(parts) => {
                let types = ["type", "elementType", "keyType", "valueType", "fields"];
                rest.extend(types.iter().filter_map(|name| parts.get(*name)));
            }
            Value::Array(parts) => rest.extend(parts),
            _ => {}
        }
    }
    features
}

/// The protocol with more features; none where it has them already.
pub(super) fn with_features(
    mut protocol: Value,
    lists: &[&str],
    features: &BTreeSet<&'static str>,
) -> Result<Option<Value>> {
    let mut is_changed = false;
    for list in lists {
        let Some(present) = protocol.get_mut(*list).and_then(Value::as_array_mut) else {
            if features.is_empty() {
                return Ok(None);
            }
            return Err(Error::new(ErrorKind::Unsupported, "the table's protocol is too old for what is wanted of it")
                .with_hint("run a full refresh of this table"));
        };
        for feature in features {
            if !present.iter().any(|name| name == feature) {
                present.push((*feature).into());
                is_changed = true;
            }
        }
    }
    Ok(is_changed.then_some(protocol))
}
