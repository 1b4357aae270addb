//! Schemas as Python connectors give them: Spark SQL DDL, or the JSON of PySpark's `StructType`.

use arrow::datatypes::SchemaRef;
use lakeflow_interface::{Error, ErrorKind, Result, ddl};
use serde_json::Value;

/// The Arrow schema of a `StructType`, from its JSON.
///
/// Elements of arrays and values of maps may be null, whatever the JSON says; a user-defined type is what it is stored as.
///
/// # Errors
/// [`ErrorKind::Definition`] that names the type which is not known, and its column.
pub fn from_spark_json(json: &Value) -> Result<SchemaRef> {
    ddl::parse(&columns(json, " ").map_err(|problem| misfit(&problem))?)
}

/// The schema of the answer of `get_table_schema`.
pub(crate) fn of_answer(answer: &Value) -> Result<SchemaRef> {
    match (answer.get("ddl").and_then(Value::as_str), answer.get("json")) {
        (Some(text), _) => ddl::parse(text),
        (None, Some(json)) => from_spark_json(json),
        (None, None) => Err(misfit("there is none")),
    }
}

fn misfit(problem: &str) -> Error {
    Error::new(ErrorKind::Definition, format!("the schema is not understood: {problem}")).with_hint(
        "`get_table_schema` returns a `StructType` or Spark SQL DDL, such as `id BIGINT NOT NULL, name STRING`",
    )
}

/// The fields of a struct as DDL; the separator stands between name and type.
fn columns(json: &Value, separator: &str) -> Result<String, String> {
    let fields = json.get("fields").and_then(Value::as_array);
    let fields = fields.ok_or_else(|| format!("expected a struct with `fields`, found {json}"))?;
    fields.iter().map(|field| column(field, separator)).collect::<Result<Vec<_>, _>>().map(|columns| columns.join(", "))
}

fn column(field: &Value, separator: &str) -> Result<String, String> {
    let name = field.get("name").and_then(Value::as_str).ok_or_else(|| format!("expected a `name` in {field}"))?;
    let type_name =
        type_name(field.get("type").unwrap_or(&Value::Null)).map_err(|problem| format!("`{name}`: {problem}"))?;
    let mut text = format!("`{}`{separator}{type_name}", name.replace('`', "``"));
    if field.get("nullable") == Some(&Value::Bool(false)) {
        text += " NOT NULL";
    }
    if let Some(comment) = field.pointer("/metadata/comment").and_then(Value::as_str) {
        text += &format!(" COMMENT '{}'", comment.replace('\\', "\\\\").replace('\'', "\\'"));
    }
    Ok(text)
}

fn type_name(json: &Value) -> Result<String, String> {
    if let Some(name) = json.as_str() {
        return Ok(if name == "null" { "VOID".to_owned() } else { name.to_uppercase() });
    }
    let inner = |key: &str| type_name(json.get(key).unwrap_or(&Value::Null));
    match json.get("type").and_then(Value::as_str) {
        Some("struct") => Ok(format!("STRUCT<{}>", columns(json, ": ")?)),
        Some("array") => Ok(format!("ARRAY<{}>", inner("elementType")?)),
        Some("map") => Ok(format!("MAP<{}, {}>", inner("keyType")?, inner("valueType")?)),
        Some("udt") => inner("sqlType"),
        _ => Err(format!("expected a type of Spark SQL, found {json}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn struct_types_become_the_schema_that_their_ddl_is() {
        let field = |name: &str, data_type: Value, nullable: bool| json!({"name": name, "type": data_type, "nullable": nullable, "metadata": {}});
        let inner = json!({"type": "struct", "fields": [field("a.b", json!("string"), false)]});
        let schema = json!({"type": "struct", "fields": [
            {"name": "id", "type": "long", "nullable": false, "metadata": {"comment": "the customer's \\ key"}},
            field("price", json!("decimal(10,2)"), true),
            field("at", json!("timestamp"), true),
            field("local", json!("timestamp_ntz"), true),
            field("nothing", json!("null"), true),
            field("code", json!("varchar(3)"), true),
            field("span", json!("interval day to second"), true),
            field("list", json!({"type": "array", "elementType": inner, "containsNull": false}), true),
            field("map", json!({"type": "map", "keyType": "string", "valueType": "integer", "valueContainsNull": true}), true),
        ]});
        let ddl = "id BIGINT NOT NULL COMMENT 'the customer\\'s \\\\ key', price DECIMAL(10,2), at TIMESTAMP, \
                   local TIMESTAMP_NTZ, nothing VOID, code VARCHAR(3), span INTERVAL DAY TO SECOND, \
                   list ARRAY<STRUCT<`a.b`: STRING NOT NULL>>, map MAP<STRING, INT>";
        assert_eq!(from_spark_json(&schema).unwrap(), ddl::parse(ddl).unwrap());
    }

    #[test]
    fn unknown_type_is_told_with_its_column() {
        let schema = json!({"type": "struct", "fields": [{"name": "id", "type": {"type": "set"}, "nullable": true}]});
        let error = from_spark_json(&schema).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Definition);
        assert!(error.message().contains("`id`: expected a type of Spark SQL"), "{error}");
    }
}
