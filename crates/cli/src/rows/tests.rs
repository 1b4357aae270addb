use std::sync::Arc;

use arrow::array::{Int64Array, ListArray, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Int32Type, Schema};

use super::*;

fn batch() -> RecordBatch {
    let labels = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
    let at = TimestampMicrosecondArray::from(vec![Some(1_700_000_000_000_000), None]).with_timezone("UTC");
    let columns: Vec<(&str, ArrayRefOf)> = vec![
        ("id", Arc::new(Int64Array::from(vec![1, 20]))),
        ("title", Arc::new(StringArray::from(vec![Some("a, \"b\"\n\u{1b}[31mred"), None]))),
        ("labels", Arc::new(labels)),
        ("at", Arc::new(at)),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, column)| column).collect())
        .unwrap()
}

type ArrayRefOf = arrow::array::ArrayRef;

#[test]
fn cells_are_plain_text_or_json() {
    let texts = cells::texts(&batch()).unwrap();
    let row = |row: usize| texts.iter().map(|column| column.iter().nth(row).unwrap()).collect::<Vec<_>>();
    assert_eq!(row(0), [Some("1"), Some("a, \"b\"\n\u{1b}[31mred"), Some("[1,null]"), Some("2023-11-14T22:13:20Z")]);
    assert_eq!(row(1), [Some("20"), None, None, None]);
    assert!(cells::is_nested(&DataType::new_list(DataType::Int32, true)));
}

#[test]
fn unknown_column_names_the_nearest() {
    let error = projection(batch().schema_ref(), &["tittle".to_owned()]).unwrap_err();
    assert_eq!(error.message(), "unknown column `tittle`");
    assert_eq!(projection(batch().schema_ref(), &["at".to_owned(), "id".to_owned()]).unwrap(), [3, 0]);
}
