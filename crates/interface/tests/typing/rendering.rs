//! Rows of Arrow as JSON, to be compared.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, IntervalYearMonthType, TimestampMicrosecondType,
};
use serde_json::{Value, json};

/// Each row as an object; decimals as text of their unscaled number, times as their number, bytes and maps as arrays.
pub(crate) fn rows(batch: &RecordBatch) -> Vec<Value> {
    let schema = batch.schema();
    (0..batch.num_rows())
        .map(|row| {
            let columns = schema.fields().iter().zip(batch.columns());
            columns.map(|(field, column)| (field.name().clone(), cell(column.as_ref(), row))).collect()
        })
        .collect()
}

fn cell(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) || array.data_type() == &DataType::Null {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float32 => float(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value(row).to_string().into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Binary => array.as_binary::<i32>().value(row).into(),
        DataType::Date32 => array.as_primitive::<Date32Type>().value(row).into(),
        DataType::Timestamp(..) => array.as_primitive::<TimestampMicrosecondType>().value(row).into(),
        DataType::Interval(_) => array.as_primitive::<IntervalYearMonthType>().value(row).into(),
        DataType::Duration(_) => array.as_primitive::<DurationMicrosecondType>().value(row).into(),
        DataType::List(_) => {
            let elements = array.as_list::<i32>().value(row);
            (0..elements.len()).map(|at| cell(elements.as_ref(), at)).collect()
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let entry = |at| json!([cell(entries.column(0), at), cell(entries.column(1), at)]);
            (0..entries.len()).map(entry).collect()
        }
        DataType::Struct(fields) if fields.iter().any(|field| field.metadata().contains_key("variant")) => {
            let array = array.as_struct();
            let bytes = |at: usize| array.column(at).as_binary::<i32>().value(row).to_vec();
            let (value, metadata) = (bytes(0), bytes(1));
            variant(&parquet_variant::Variant::try_new(&metadata, &value).expect("a variant"))
        }
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(array.as_struct().columns());
            columns.map(|(field, column)| (field.name().clone(), cell(column.as_ref(), row))).collect()
        }
        other => panic!("no rendering of {other}"),
    }
}

fn float(number: f64) -> Value {
    if number.is_finite() { number.into() } else { number.to_string().into() }
}

fn variant(value: &parquet_variant::Variant<'_, '_>) -> Value {
    use parquet_variant::Variant;
    match value {
        Variant::Null => Value::Null,
        Variant::BooleanTrue => true.into(),
        Variant::BooleanFalse => false.into(),
        Variant::Int8(number) => (*number).into(),
        Variant::Int16(number) => (*number).into(),
        Variant::Int32(number) => (*number).into(),
        Variant::Int64(number) => (*number).into(),
        Variant::Double(number) => (*number).into(),
        Variant::Decimal4(number) => json!(number.to_string().parse::<f64>().expect("a number")),
        Variant::Decimal8(number) => json!(number.to_string().parse::<f64>().expect("a number")),
        Variant::Decimal16(number) => json!(number.to_string().parse::<f64>().expect("a number")),
        Variant::String(text) => (*text).into(),
        Variant::ShortString(text) => text.as_str().into(),
        Variant::List(list) => list.iter().map(|value| variant(&value)).collect(),
        Variant::Object(object) => object.iter().map(|(key, value)| (key.to_owned(), variant(&value))).collect(),
        other => panic!("no variant from JSON: {other:?}"),
    }
}
