//! Two schemas in Delta's JSON form made one: what the table has, with what is wanted beside and wider.

use lakeflow_interface::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::schema::NEED_COLUMN_MAPPING;

const MAPPED_ID: &str = "delta.columnMapping.id";
const MAPPED_NAME: &str = "delta.columnMapping.physicalName";
const TYPE_CHANGES: &str = "delta.typeChanges";

/// A schema on its way to hold another one too.
pub(super) struct SchemaMerge {
    schema: Value,
    /// The greatest id of a column, where columns are mapped.
    maximum: Option<i64>,
    is_changed: bool,
    is_widened: bool,
    problems: Vec<String>,
}

/// A schema that is another one than before.
pub(super) struct Merged {
    pub(super) schema: Value,
    pub(super) is_widened: bool,
    /// The greatest id of a column, where columns are mapped (now).
    pub(super) mapped_columns: Option<i64>,
}

impl SchemaMerge {
    pub(super) fn new(schema: Value, maximum: Option<i64>) -> Self {
        Self { schema, maximum, is_changed: false, is_widened: false, problems: Vec::new() }
    }

    /// The schema with the columns of another; none where nothing changes.
    pub(super) fn with(mut self, wanted: &Value) -> Result<Option<Merged>> {
        let mut schema = std::mem::take(&mut self.schema);
        if self.maximum.is_none() && has_unmapped_name(wanted) {
            let mut maximum = 0;
            visit_fields(&mut schema, &mut |field| {
                maximum += 1;
                let name = field["name"].clone();
                mark(field, maximum, name);
            });
            self.maximum = Some(maximum);
            self.is_changed = true;
        }
        self.merge_struct(&mut schema, wanted, &[]);
        if !self.problems.is_empty() {
            return Err(self.incompatible());
        }
        let (is_widened, mapped_columns) = (self.is_widened, self.maximum);
        Ok(self.is_changed.then_some(Merged { schema, is_widened, mapped_columns }))
    }

    fn incompatible(&self) -> Error {
        let message = match &self.problems[..] {
            [one] => format!("a column changed in a way that the table cannot follow: {one}"),
            many => format!("{} columns changed in ways that the table cannot follow: {}", many.len(), many.join("; ")),
        };
        Error::new(ErrorKind::Unsupported, message).with_hint(
            "run a full refresh of this table (`--full-refresh=TABLE`), or give it another `destination_table`; until \
             then nothing is written to it",
        )
    }

    fn merge_struct(&mut self, present: &mut Value, wanted: &Value, path: &[&str]) {
        let Some(fields) = present.get_mut("fields").and_then(Value::as_array_mut) else { return };
        for field in wanted["fields"].as_array().into_iter().flatten() {
            let name = field["name"].as_str().unwrap_or_default();
            let path = [path, &[name]].concat();
            let same = |other: &Value| other["name"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(name));
            match fields.iter_mut().find(|other| same(other)) {
                Some(other) if other["name"] == field["name"] => self.merge_field(other, field, &path),
                Some(other) => self.problems.push(format!(
                    "`{}` and the table's `{}` differ in upper and lower case only",
                    path.join("."),
                    other["name"].as_str().unwrap_or_default()
                )),
                None => {
                    let mut field = field.clone();
                    field["nullable"] = true.into();
                    self.map_new(&mut field);
                    fields.push(field);
                    self.is_changed = true;
                }
            }
        }
    }

    fn merge_field(&mut self, present: &mut Value, wanted: &Value, path: &[&str]) {
        let mut changes = Vec::new();
        self.merge_type(&mut present["type"], &wanted["type"], path, "", &mut changes);
        self.relax(present, wanted, "nullable");
        if changes.is_empty() {
            return;
        }
        self.is_widened = true;
        self.is_changed = true;
        if !present["metadata"].is_object() {
            present["metadata"] = json!({});
        }
        match present["metadata"].get_mut(TYPE_CHANGES).and_then(Value::as_array_mut) {
            Some(before) => before.extend(changes),
            None => present["metadata"][TYPE_CHANGES] = changes.into(),
        }
    }

    /// Merges types; `below` is the way from the field to them, through lists and maps.
    fn merge_type(
        &mut self,
        present: &mut Value,
        wanted: &Value,
        path: &[&str],
        below: &str,
        changes: &mut Vec<Value>,
    ) {
        let step = |name: &str| if below.is_empty() { name.to_owned() } else { format!("{below}.{name}") };
        match (kind(present), kind(wanted)) {
            (Some("struct"), Some("struct")) => self.merge_struct(present, wanted, path),
            (Some("array"), Some("array")) => {
                let inner = &wanted["elementType"];
                self.merge_type(&mut present["elementType"], inner, path, &step("element"), changes);
                self.relax(present, wanted, "containsNull");
            }
            (Some("map"), Some("map")) if same_type(&present["keyType"], &wanted["keyType"]) => {
                let inner = &wanted["valueType"];
                self.merge_type(&mut present["valueType"], inner, path, &step("value"), changes);
                self.relax(present, wanted, "valueContainsNull");
            }
            (None, None) if present == wanted || widens(wanted, present) => {}
            (None, None) if widens(present, wanted) => {
                let mut change = json!({ "fromType": present, "toType": wanted });
                if !below.is_empty() {
                    change["fieldPath"] = below.into();
                }
                changes.push(change);
                *present = wanted.clone();
            }
            _ => self.problems.push(format!("`{}` was {}, is {}", path.join("."), shown(present), shown(wanted))),
        }
    }

    fn relax(&mut self, present: &mut Value, wanted: &Value, flag: &str) {
        if present[flag] == false && wanted[flag] == true {
            present[flag] = true.into();
            self.is_changed = true;
        }
    }

    /// Gives a new field, and those within it, names of their own in data files, where columns are mapped.
    fn map_new(&mut self, field: &mut Value) {
        let Some(mut maximum) = self.maximum else { return };
        visit_field(field, &mut |field| {
            maximum += 1;
            mark(field, maximum, format!("col-{}", Uuid::new_v4()).into());
        });
        self.maximum = Some(maximum);
    }
}

fn mark(field: &mut Value, id: i64, name: Value) {
    if !field["metadata"].is_object() {
        field["metadata"] = json!({});
    }
    field["metadata"][MAPPED_ID] = id.into();
    field["metadata"][MAPPED_NAME] = name;
}

/// Visits all fields of a type, outer ones first.
fn visit_fields(data_type: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    for field in data_type.get_mut("fields").and_then(Value::as_array_mut).into_iter().flatten() {
        visit_field(field, visit);
    }
    for inner in ["elementType", "keyType", "valueType"] {
        if let Some(inner) = data_type.get_mut(inner) {
            visit_fields(inner, visit);
        }
    }
}

fn visit_field(field: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    visit(field);
    if let Some(inner) = field.get_mut("type") {
        visit_fields(inner, visit);
    }
}

/// Whether any field has a name that only column mapping allows.
fn has_unmapped_name(data_type: &Value) -> bool {
    let mut data_type = data_type.clone();
    let mut found = false;
    visit_fields(&mut data_type, &mut |field| {
        found |= field["name"].as_str().is_some_and(|name| name.contains(NEED_COLUMN_MAPPING));
    });
    found
}

/// What a type is made of: `struct`, `array`, `map`; none for one that holds single values.
fn kind(data_type: &Value) -> Option<&str> {
    data_type.get("type").and_then(Value::as_str)
}

/// Whether types are alike, whatever their fields' metadata.
fn same_type(one: &Value, other: &Value) -> bool {
    let bare = |value: &Value| {
        let mut value = value.clone();
        visit_fields(&mut value, &mut |field| field["metadata"] = Value::Object(Map::new()));
        value
    };
    bare(one) == bare(other)
}

/// Whether Delta can take one type for another, wider one, without a rewrite.
fn widens(from: &Value, to: &Value) -> bool {
    let (Some(from), Some(to)) = (from.as_str(), to.as_str()) else { return false };
    let integers = ["byte", "short", "integer", "long"];
    let place = |name: &str| integers.iter().position(|integer| *integer == name);
    match (place(from), place(to)) {
        (Some(from), Some(to)) => from < to,
        (Some(3), None) => decimal(to).is_some_and(|(precision, scale)| precision - scale >= 20),
        (Some(_), None) => to == "double" || decimal(to).is_some_and(|(precision, scale)| precision - scale >= 10),
        _ => {
            matches!((from, to), ("float", "double") | ("date", "timestamp_ntz"))
                || matches!((decimal(from), decimal(to)), (Some((p, s)), Some((wide, fine)))
                    if (wide, fine) != (p, s) && fine >= s && wide - fine >= p - s)
        }
    }
}

fn decimal(name: &str) -> Option<(i32, i32)> {
    let (precision, scale) = name.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
    Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))
}

/// A type as people write it.
fn shown(data_type: &Value) -> String {
    match data_type.as_str().or_else(|| kind(data_type)).unwrap_or("unknown") {
        "byte" => "TINYINT".to_owned(),
        "short" => "SMALLINT".to_owned(),
        "integer" => "INT".to_owned(),
        "long" => "BIGINT".to_owned(),
        other => other.to_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fields: &[(&str, Value)]) -> Value {
        let fields = fields
            .iter()
            .map(|(name, data_type)| json!({"name": name, "type": data_type, "nullable": true, "metadata": {}}));
        json!({"type": "struct", "fields": fields.collect::<Vec<_>>()})
    }

    fn merged(present: &[(&str, Value)], wanted: &[(&str, Value)]) -> Option<Value> {
        SchemaMerge::new(of(present), None).with(&of(wanted)).unwrap().map(|merged| merged.schema)
    }

    #[test]
    fn types_widen_only_as_delta_allows() {
        let allowed = [
            ("byte", "short"),
            ("integer", "long"),
            ("integer", "double"),
            ("short", "decimal(12,2)"),
            ("long", "decimal(20,0)"),
            ("float", "double"),
            ("date", "timestamp_ntz"),
            ("decimal(10,2)", "decimal(12,4)"),
        ];
        let refused = [
            ("long", "integer"),
            ("long", "double"),
            ("long", "decimal(19,0)"),
            ("string", "long"),
            ("double", "float"),
            ("date", "timestamp"),
            ("decimal(10,2)", "decimal(11,4)"),
            ("decimal(10,2)", "decimal(10,2)"),
        ];
        for (from, to) in allowed {
            assert!(widens(&from.into(), &to.into()), "{from} to {to}");
        }
        for (from, to) in refused {
            assert!(!widens(&from.into(), &to.into()), "{from} to {to}");
        }
    }

    #[test]
    fn widened_column_records_what_it_was_at_every_depth() {
        let list = |element: &str| json!({"type": "array", "elementType": element, "containsNull": true});
        let schema =
            merged(&[("a", "integer".into()), ("b", list("float"))], &[("a", "long".into()), ("b", list("double"))]);
        let schema = schema.unwrap();
        assert_eq!(schema["fields"][0]["type"], "long");
        let change = json!([{"fromType": "integer", "toType": "long"}]);
        assert_eq!(schema["fields"][0]["metadata"][TYPE_CHANGES], change);
        let change = json!([{"fromType": "float", "toType": "double", "fieldPath": "element"}]);
        assert_eq!(schema["fields"][1]["metadata"][TYPE_CHANGES], change);
    }

    #[test]
    fn narrower_and_vanished_columns_change_nothing() {
        assert_eq!(merged(&[("a", "long".into()), ("b", "string".into())], &[("a", "integer".into())]), None);
    }

    #[test]
    fn all_incompatible_columns_are_told_at_once() {
        let merge = SchemaMerge::new(of(&[("a", "long".into()), ("b", "date".into()), ("c", "long".into())]), None);
        let error = merge.with(&of(&[("a", "string".into()), ("b", "timestamp".into()), ("C", "long".into())]));
        let error = error.err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        for part in ["3 columns", "`a` was BIGINT, is STRING", "`b` was DATE, is TIMESTAMP", "`C` and the table's `c`"]
        {
            assert!(error.message().contains(part), "{error}");
        }
    }

    #[test]
    fn name_that_needs_mapping_maps_the_whole_table() {
        let inner = of(&[("x", "long".into())]);
        let merge = SchemaMerge::new(of(&[("a", "long".into()), ("s", inner)]), None);
        let merged = merge.with(&of(&[("b c", "long".into())])).unwrap().unwrap();
        assert_eq!(merged.mapped_columns, Some(4));
        let fields = &merged.schema["fields"];
        assert_eq!((&fields[0]["metadata"][MAPPED_ID], &fields[0]["metadata"][MAPPED_NAME]), (&json!(1), &json!("a")));
        assert_eq!(fields[1]["type"]["fields"][0]["metadata"][MAPPED_NAME], "x", "files keep their names");
        assert!(fields[2]["metadata"][MAPPED_NAME].as_str().unwrap().starts_with("col-"));
    }
}
