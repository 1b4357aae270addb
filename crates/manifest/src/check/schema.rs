//! Checks named types, schemas, and that keys and cursors are columns.

use arrow::datatypes::{DataType, Fields, SchemaRef};
use lakeflow_interface::{ColumnPath, ddl, nearest};

use super::{Checker, deeper};
use crate::named_types::NamedTypes;
use crate::problem::Problem;

impl Checker<'_> {
    pub(super) fn types(&mut self) {
        let manifest = self.manifest;
        let types = NamedTypes(&manifest.types);
        for name in manifest.types.keys() {
            let path = ["types", name.as_str()];
            if ddl::parse(&format!("x {name}")).is_ok() {
                self.report_key(&path, format!("`{name}` is a type of Spark already"));
                continue;
            }
            let parsed = types
                .expand_type(name)
                .and_then(|text| ddl::parse(&format!("x {text}")).map_err(|error| error.message().to_owned()));
            if let Err(message) = parsed {
                self.report(&path, message);
            }
        }
    }

    pub(super) fn schema(&mut self, table: &str, text: &str) -> Option<SchemaRef> {
        let manifest = self.manifest;
        let expanded = NamedTypes(&manifest.types).expand_schema(text);
        let parsed = expanded.map_err(|message| (message, None)).and_then(|text| {
            // The nearest type, without the list of all.
            let near = |hint: &str| hint.split_once('?').map(|(near, _)| format!("{near}?"));
            ddl::parse(&text).map_err(|error| (error.message().to_owned(), error.hint().and_then(near)))
        });
        match parsed {
            Ok(schema) => Some(schema),
            Err((message, hint)) => {
                let path = ["tables", table, "schema"];
                let problem = Problem::new(self.tree.place_of(&path), path.join("."), message);
                let found = problem.message.rsplit('`').nth(1).map(str::to_lowercase).unwrap_or_default();
                let is_type = problem.message.starts_with("expected a type");
                let near = nearest(&found, manifest.types.keys().map(String::as_str)).filter(|_| is_type);
                let hint = near.map(|near| format!("did you mean the named type `{near}`?")).or(hint);
                self.problems.push(match hint {
                    Some(hint) => problem.with_hint(hint),
                    None => problem,
                });
                None
            }
        }
    }

    /// The type of a column; reports where there is none of this name.
    pub(super) fn column(&mut self, path: &[&str], schema: &SchemaRef, column: &ColumnPath) -> Option<DataType> {
        let mut fields: &Fields = schema.fields();
        let mut found = None;
        for part in column.parts() {
            let Some(field) = fields.iter().find(|field| field.name() == part) else {
                let names: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
                let what = if found.is_some() { "field" } else { "column" };
                self.report_unknown(path, what, part, names);
                return None;
            };
            found = Some(field.data_type());
            if let DataType::Struct(inner) = field.data_type() {
                fields = inner;
            } else if column.parts().last() != Some(part) {
                self.report(path, format!("expected the STRUCT `{part}`, found {}", ddl::type_name(field)));
                return None;
            }
        }
        found.cloned()
    }

    pub(super) fn keys(&mut self, table: &str, schema: &SchemaRef, keys: &[ColumnPath]) {
        for (position, key) in keys.iter().enumerate() {
            let position = position.to_string();
            let path = ["tables", table, "primary_keys", &position];
            if keys[..position.parse().unwrap_or(0)].contains(key) {
                self.report(&path, format!("the key `{key}` is here twice"));
            }
            let data_type = self.column(&path, schema, key);
            if data_type.is_some_and(|data_type| data_type.is_nested()) {
                self.report(&path, format!("expected a column with one value, found the nested column `{key}`"));
            }
        }
    }

    pub(super) fn added_columns<'n>(
        &mut self,
        path: &[&str],
        schema: &SchemaRef,
        names: impl Iterator<Item = &'n String>,
    ) {
        for name in names {
            if schema.column_with_name(name).is_none() {
                let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                self.report_unknown(&deeper(path, name), "column", name, columns);
            }
        }
    }
}
