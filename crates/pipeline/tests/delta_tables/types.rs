//! Every type of column, nested ones too, there and back.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, ListArray, MapArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use futures::TryStreamExt;
use lakeflow_interface::{ErrorKind, ddl};
use lakeflow_pipeline::delta::{NewTable, Scan};

use crate::lake::{Lake, append, log, reloaded_rows, scanned};

/// Writes a batch into a new table, and gives it as it is read back.
async fn round_trip(batch: &RecordBatch) -> RecordBatch {
    let lake = Lake::new();
    let table = lake.table("types");
    let state = table.create(&NewTable::new(batch.schema())).await.unwrap();
    append(&table, &state, batch).await;
    let state = table.load().await.unwrap().unwrap();
    let read: Vec<_> = table.scan(&state, Scan::all()).await.unwrap().try_collect().await.unwrap();
    read.into_iter().next().unwrap().batch
}

fn with_nulls<A: Array + 'static>(array: A) -> ArrayRef {
    Arc::new(array)
}

fn scalars() -> RecordBatch {
    let instants = vec![Some(1_700_000_000_123_456), None, Some(-1)];
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("byte", with_nulls(Int8Array::from(vec![Some(i8::MIN), None, Some(i8::MAX)]))),
        ("short", with_nulls(Int16Array::from(vec![Some(i16::MIN), None, Some(i16::MAX)]))),
        ("int", with_nulls(Int32Array::from(vec![Some(i32::MIN), None, Some(i32::MAX)]))),
        ("long", with_nulls(Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]))),
        ("float", with_nulls(Float32Array::from(vec![Some(0.1), None, Some(f32::INFINITY)]))),
        ("double", with_nulls(Float64Array::from(vec![Some(0.1), None, Some(f64::MAX)]))),
        ("boolean", with_nulls(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("string", with_nulls(StringArray::from(vec![Some("Größe \u{1F600}"), None, Some("")]))),
        ("binary", with_nulls(BinaryArray::from(vec![Some(&[0_u8, 255][..]), None, Some(&[])]))),
        ("date", with_nulls(Date32Array::from(vec![Some(19_000), None, Some(-719_162)]))),
        ("timestamp", with_nulls(TimestampMicrosecondArray::from(instants.clone()).with_timezone("UTC"))),
        ("timestamp_ntz", with_nulls(TimestampMicrosecondArray::from(instants))),
        ("decimal", decimal(38, 10, 99_999_999_999_999_999_999_999_999_999_999_999_999)),
        ("small decimal", decimal(9, 2, 999_999_999)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn decimal(precision: u8, scale: i8, greatest: i128) -> ArrayRef {
    let values = Decimal128Array::from(vec![Some(greatest), None, Some(-greatest)]);
    Arc::new(values.with_precision_and_scale(precision, scale).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn scalars_come_back_as_they_were() {
    let batch = scalars();
    let read = round_trip(&batch).await;
    for (written, field) in batch.columns().iter().zip(batch.schema().fields()) {
        assert_eq!(read.column_by_name(field.name()).unwrap(), written, "{}", field.name());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn features_are_those_that_the_columns_need() {
    let lake = Lake::new();
    let table = lake.table("features");
    let schema = ddl::parse("a TIMESTAMP_NTZ, v VARIANT, n BIGINT NOT NULL").unwrap();
    table.create(&NewTable::new(schema)).await.unwrap();
    let protocol = log(&table, 0).into_iter().find_map(|action| action.get("protocol").cloned()).unwrap();
    let features = |list: &str| -> Vec<String> {
        let mut names: Vec<_> =
            protocol[list].as_array().unwrap().iter().map(|f| f.as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(features("readerFeatures"), ["deletionVectors", "timestampNtz", "variantType"]);
    assert_eq!(
        features("writerFeatures"),
        ["deletionVectors", "domainMetadata", "invariants", "timestampNtz", "variantType"]
    );
}

fn nested() -> RecordBatch {
    let login: ArrayRef = Arc::new(StringArray::from(vec![Some("ann"), Some("-"), None]));
    let user_fields: Fields = vec![Field::new("login", DataType::Utf8, true)].into();
    let user = StructArray::new(user_fields.clone(), vec![login], Some(NullBuffer::from(vec![true, false, true])));
    let label_fields: Fields = vec![Field::new("name", DataType::Utf8, false)].into();
    let label_names: ArrayRef = Arc::new(StringArray::from(vec!["x", "y", "z"]));
    let label = StructArray::new(label_fields.clone(), vec![label_names], None);
    let labels = ListArray::new(
        Arc::new(Field::new("item", DataType::Struct(label_fields), true)),
        OffsetBuffer::new(vec![0, 2, 2, 3].into()),
        Arc::new(label),
        Some(NullBuffer::from(vec![true, false, true])),
    );
    RecordBatch::try_from_iter([
        ("user", Arc::new(user) as ArrayRef),
        ("labels", Arc::new(labels) as ArrayRef),
        ("attributes", Arc::new(attributes()) as ArrayRef),
    ])
    .unwrap()
}

fn attributes() -> MapArray {
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let values: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let fields: Fields =
        vec![Field::new("keys", DataType::Utf8, false), Field::new("values", DataType::Int64, true)].into();
    let pairs = StructArray::new(fields.clone(), vec![keys, values], None);
    let entries = Arc::new(Field::new("entries", DataType::Struct(fields), false));
    MapArray::new(entries, OffsetBuffer::new(vec![0, 2, 2, 2].into()), pairs, None, false)
}

#[tokio::test(flavor = "multi_thread")]
async fn nested_columns_come_back_as_they_were() {
    let lake = Lake::new();
    let table = lake.table("nested");
    let batch = nested();
    let state = table.create(&NewTable::new(batch.schema())).await.unwrap();
    let state = append(&table, &state, &batch).await;
    let expected = [
        r#"{"attributes":{}}"#,
        r#"{"user":{"login":"ann"},"labels":[{"name":"x"},{"name":"y"}],"attributes":{"a":1,"b":null}}"#,
        r#"{"user":{},"labels":[{"name":"z"}],"attributes":{}}"#,
    ];
    let mut read = reloaded_rows(&table).await;
    read.iter_mut().for_each(|line| *line = line.replace(r#""a":1}"#, r#""a":1,"b":null}"#));
    assert_eq!(read, expected);
    let flat = Scan::columns(["user.login".parse().unwrap()]);
    assert_eq!(scanned(&table, &state, flat).await, [r#"{"user.login":"ann"}"#, "{}", "{}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn variant_comes_back_with_its_mark() {
    let schema = ddl::parse("id BIGINT, v VARIANT, many ARRAY<VARIANT>").unwrap();
    let DataType::Struct(fields) = schema.field(1).data_type() else { panic!("a variant is a struct") };
    // The variant `true`, and metadata without names.
    let variant = |rows: usize| {
        let value: ArrayRef = Arc::new(BinaryArray::from_iter_values(vec![[0x04_u8]; rows]));
        let metadata: ArrayRef = Arc::new(BinaryArray::from_iter_values(vec![[0x01_u8, 0, 0]; rows]));
        StructArray::new(fields.clone(), vec![value, metadata], None)
    };
    let DataType::List(element) = schema.field(2).data_type() else { panic!("an array is a list") };
    let many = ListArray::new(Arc::clone(element), OffsetBuffer::new(vec![0, 1, 1].into()), Arc::new(variant(1)), None);
    let columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(vec![1, 2])), Arc::new(variant(2)), Arc::new(many)];
    let batch = RecordBatch::try_new(schema, columns).unwrap();
    let read = round_trip(&batch).await;
    assert_eq!(read.column(1), batch.column(1));
    assert_eq!(ddl::to_ddl(&read.schema()), ddl::to_ddl(&batch.schema()));
}

#[tokio::test(flavor = "multi_thread")]
async fn any_column_name_is_legal() {
    let lake = Lake::new();
    let table = lake.table("names");
    let names = ["Größe", "a b", "x,y;{z}", "=(1)", "+1", "tab\there", "日本語", "a.b", "`quoted`"];
    let columns = names.map(|name| (name, Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef));
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let new = NewTable::new(batch.schema()).with_statistics(["Größe".parse().unwrap()]);
    let state = table.create(&new).await.unwrap();
    let state = append(&table, &state, &batch).await;
    let loaded = table.load().await.unwrap().unwrap();
    assert_eq!(loaded.schema(), &batch.schema());
    let flat = Scan::columns(["a b".parse().unwrap(), "`a.b`".parse().unwrap()]);
    assert_eq!(scanned(&table, &state, flat).await, [r#"{"a b":1,"`a.b`":1}"#, r#"{"a b":2,"`a.b`":2}"#]);
    assert_eq!(reloaded_rows(&table).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_are_kept() {
    let lake = Lake::new();
    let table = lake.table("comments");
    let comment = HashMap::from([("comment".to_owned(), "what it is".to_owned())]);
    let field = Field::new("id", DataType::Int64, true).with_metadata(comment);
    let schema = Arc::new(Schema::new(vec![field]));
    table.create(&NewTable::new(Arc::clone(&schema))).await.unwrap();
    assert_eq!(table.load().await.unwrap().unwrap().schema(), &schema);
}

#[tokio::test(flavor = "multi_thread")]
async fn type_without_a_delta_form_is_refused_by_column() {
    let lake = Lake::new();
    let inner: Fields = vec![Field::new("u", DataType::UInt64, true)].into();
    let schema = Schema::new(vec![Field::new("s", DataType::Struct(inner), true)]);
    let error = lake.table("unsigned").create(&NewTable::new(Arc::new(schema))).await.err().unwrap();
    assert_eq!((error.kind(), error.context("column")), (ErrorKind::Unsupported, Some("s.u")));
}

#[tokio::test(flavor = "multi_thread")]
async fn column_name_with_a_line_break_is_refused() {
    let lake = Lake::new();
    let schema = Schema::new(vec![Field::new("a\nb", DataType::Int64, true)]);
    let error = lake.table("broken").create(&NewTable::new(Arc::new(schema))).await.err().unwrap();
    assert_eq!((error.kind(), error.context("column")), (ErrorKind::Configuration, Some("a\\nb")));
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_that_differ_in_case_only_are_refused() {
    let lake = Lake::new();
    let columns = ["id", "ID"].map(|name| Field::new(name, DataType::Int64, true));
    let schema = Schema::new(columns.to_vec());
    let error = lake.table("cases").create(&NewTable::new(Arc::new(schema))).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}
