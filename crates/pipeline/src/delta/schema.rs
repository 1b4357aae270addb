//! Schemas: from Arrow to Delta and back, and batches brought into a table's shape.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, RecordBatch, StructArray, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use delta_kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use delta_kernel::schema as delta;
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Result};

use super::storage::internal_error;

/// The metadata of a field that Arrow and Delta share: its comment, and `char(n)` or `varchar(n)`.
const SHARED_METADATA: [&str; 2] = ["comment", "__CHAR_VARCHAR_TYPE_STRING"];
/// The metadata of the field `metadata` within a struct that says that the struct is a VARIANT, as Spark has it.
const VARIANT: &str = "variant";
const VALUE: &str = "value";
const METADATA: &str = "metadata";
/// Characters that a Delta column name may hold only where column mapping gives the column another name in Parquet.
pub(crate) const NEED_COLUMN_MAPPING: &[char] = &[' ', ',', ';', '{', '}', '(', ')', '\t', '='];

/// The Delta schema of an Arrow schema: comments kept, VARIANT recognised, any other metadata dropped.
pub(crate) fn to_delta(schema: &Schema) -> Result<delta::StructType> {
    delta_struct(schema.fields(), "")
}

fn delta_struct(fields: &Fields, parent: &str) -> Result<delta::StructType> {
    let fields = fields.iter().map(|field| delta_field(field, parent)).collect::<Result<Vec<_>>>()?;
    delta::StructType::try_new(fields).map_err(|cause| {
        Error::new(ErrorKind::Configuration, "the columns cannot be those of a Delta table")
            .with_hint("two columns of one table or struct may not differ in upper and lower case only")
            .with_cause(cause)
    })
}

fn delta_field(field: &Field, parent: &str) -> Result<delta::StructField> {
    let path = if parent.is_empty() { field.name().clone() } else { format!("{parent}.{}", field.name()) };
    if field.name().contains(['\n', '\r']) {
        let message = "a column's name holds a line break, which Delta does not allow";
        return Err(
            Error::new(ErrorKind::Configuration, message).with_context("column", path.escape_debug().to_string())
        );
    }
    let data_type = delta_type(field, &path)?;
    Ok(delta::StructField::new(field.name(), data_type, field.is_nullable()).with_metadata(shared_metadata(field)))
}

/// The metadata that a field keeps on its way between Arrow and Delta.
fn shared_metadata(field: &Field) -> HashMap<String, String> {
    let kept = SHARED_METADATA.iter().filter_map(|key| Some(((*key).to_owned(), field.metadata().get(key)?.clone())));
    kept.collect()
}

fn delta_type(field: &Field, path: &str) -> Result<delta::DataType> {
    if is_variant(field.data_type()) {
        return Ok(delta::DataType::unshredded_variant());
    }
    match field.data_type() {
        DataType::Struct(fields) => Ok(delta_struct(fields, path)?.into()),
        DataType::List(element) | DataType::LargeList(element) => {
            Ok(delta::ArrayType::new(delta_type(element, path)?, element.is_nullable()).into())
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                let (key, value) = (delta_type(&pair[0], path)?, delta_type(&pair[1], path)?);
                Ok(delta::MapType::new(key, value, pair[1].is_nullable()).into())
            }
            other => Err(unsupported(path, other)),
        },
        DataType::Timestamp(_, Some(_)) => Ok(delta::DataType::TIMESTAMP),
        DataType::Timestamp(_, None) => Ok(delta::DataType::TIMESTAMP_NTZ),
        // Delta has no unsigned integers, and the kernel would narrow these; no column without a type can be read.
        other @ (DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 | DataType::Null) => {
            Err(unsupported(path, other))
        }
        other => other.try_into_kernel().map_err(|_| unsupported(path, other)),
    }
}

fn unsupported(path: &str, data_type: &DataType) -> Error {
    Error::new(ErrorKind::Unsupported, format!("a Delta table has no column type for `{data_type}`"))
        .with_context("column", path)
}

/// Whether this is the Arrow form of VARIANT: binary `value` and `metadata`, the latter marked as Spark does.
fn is_variant(data_type: &DataType) -> bool {
    let DataType::Struct(fields) = data_type else { return false };
    fields.len() == 2
        && fields.find(VALUE).is_some()
        && fields.find(METADATA).is_some_and(|(_, metadata)| metadata.metadata().contains_key(VARIANT))
}

fn variant() -> DataType {
    let mark = HashMap::from([(VARIANT.to_owned(), "true".to_owned())]);
    let metadata = Field::new(METADATA, DataType::Binary, false).with_metadata(mark);
    DataType::Struct(Fields::from(vec![Field::new(VALUE, DataType::Binary, false), metadata]))
}

/// The Arrow schema of a Delta schema as users see it: VARIANT as Spark has it, no metadata that is Delta's own.
pub(crate) fn to_arrow(schema: &delta::StructType) -> Result<SchemaRef> {
    arrow_schema(schema, shared_metadata)
}

/// The Arrow schema of a Delta schema as data files have it, with field ids.
pub(crate) fn to_physical_arrow(schema: &delta::StructType) -> Result<SchemaRef> {
    arrow_schema(schema, |field| field.metadata().clone().into())
}

/// Which metadata a field keeps.
type Keep = fn(&Field) -> HashMap<String, String>;

fn arrow_schema(schema: &delta::StructType, keep: Keep) -> Result<SchemaRef> {
    let converted: Schema = schema.try_into_arrow().map_err(|cause| {
        Error::new(ErrorKind::Unsupported, "the table has a column type that cannot be read").with_cause(cause)
    })?;
    let fields = schema.fields().zip(converted.fields());
    let fields = fields.map(|(delta, arrow)| arrow_field(delta.data_type(), arrow, keep));
    Ok(Arc::new(Schema::new(fields.collect::<Fields>())))
}

fn arrow_field(delta: &delta::DataType, arrow: &Field, keep: Keep) -> FieldRef {
    let field = Field::new(arrow.name(), arrow_type(delta, arrow.data_type(), keep), arrow.is_nullable());
    Arc::new(field.with_metadata(keep(arrow)))
}

/// The kernel's Arrow type with VARIANT in our form, at every depth.
fn arrow_type(delta: &delta::DataType, arrow: &DataType, keep: Keep) -> DataType {
    match (delta, arrow) {
        (delta::DataType::Variant(_), _) => variant(),
        (delta::DataType::Struct(delta), DataType::Struct(fields)) => {
            let fields = delta.fields().zip(fields);
            DataType::Struct(fields.map(|(delta, arrow)| arrow_field(delta.data_type(), arrow, keep)).collect())
        }
        (delta::DataType::Array(delta), DataType::List(element)) => {
            DataType::List(arrow_field(delta.element_type(), element, keep))
        }
        (delta::DataType::Map(delta), DataType::Map(entries, sorted)) => match entries.data_type() {
            DataType::Struct(pair) if pair.len() == 2 => {
                let key = arrow_field(delta.key_type(), &pair[0], keep);
                let value = arrow_field(delta.value_type(), &pair[1], keep);
                let entries = Field::new(entries.name(), DataType::Struct(Fields::from(vec![key, value])), false);
                DataType::Map(Arc::new(entries), *sorted)
            }
            _ => arrow.clone(),
        },
        _ => arrow.clone(),
    }
}

/// Whether a column, at any depth, has a name that Parquet cannot carry for Delta as it is.
pub(crate) fn needs_column_mapping(fields: &Fields) -> bool {
    fields.iter().any(|field| {
        field.name().contains(NEED_COLUMN_MAPPING)
            || match field.data_type() {
                DataType::Struct(inner) => needs_column_mapping(inner),
                DataType::List(inner) | DataType::LargeList(inner) | DataType::Map(inner, _) => {
                    inner_needs_column_mapping(inner)
                }
                _ => false,
            }
    })
}

fn inner_needs_column_mapping(inner: &Field) -> bool {
    match inner.data_type() {
        DataType::Struct(fields) => needs_column_mapping(fields),
        DataType::List(inner) | DataType::LargeList(inner) | DataType::Map(inner, _) => {
            inner_needs_column_mapping(inner)
        }
        _ => false,
    }
}

/// A column that is no struct: its path, its type.
pub(crate) type Leaf<'f> = (Vec<&'f str>, &'f DataType);

/// All columns that can carry minimum and maximum, in schema order: structs are opened, lists are not.
pub(crate) fn leaves(fields: &Fields) -> Vec<Leaf<'_>> {
    let mut leaves_within = Vec::new();
    for field in fields {
        match field.data_type() {
            data_type @ DataType::Struct(inner) if !is_variant(data_type) => {
                for (mut path, data_type) in leaves(inner) {
                    path.insert(0, field.name());
                    leaves_within.push((path, data_type));
                }
            }
            data_type => leaves_within.push((vec![field.name().as_str()], data_type)),
        }
    }
    leaves_within
}

/// The positions of a column from the outermost field inwards.
pub(crate) fn locate(fields: &Fields, path: &ColumnPath) -> Result<Vec<usize>> {
    locate_parts(fields, path.parts())
}

/// The positions of a column, whose names are given from the outermost field inwards.
pub(crate) fn locate_parts(fields: &Fields, parts: &[String]) -> Result<Vec<usize>> {
    let missing = || {
        Error::new(ErrorKind::NotFound, format!("the table has no column `{}`", parts.join(".")))
            .with_hint("run a full refresh if the table was created with other columns")
    };
    let mut fields = fields;
    let mut places = Vec::with_capacity(parts.len());
    for (depth, part) in parts.iter().enumerate() {
        let (place, field) = fields.find(part).ok_or_else(missing)?;
        places.push(place);
        match field.data_type() {
            DataType::Struct(inner) => fields = inner,
            _ if depth + 1 == parts.len() => break,
            _ => return Err(missing()),
        }
    }
    Ok(places)
}

/// The same fields with only the columns at these places.
pub(crate) fn prune(fields: &Fields, places: &[&[usize]]) -> Fields {
    let kept = fields.iter().enumerate().filter_map(|(index, field)| {
        let below: Vec<&[usize]> =
            places.iter().filter(|path| path.first() == Some(&index)).map(|path| &path[1..]).collect();
        match (below.is_empty(), field.data_type()) {
            (true, _) => None,
            (false, DataType::Struct(inner)) if below.iter().all(|path| !path.is_empty()) => {
                let inner = DataType::Struct(prune(inner, &below));
                Some(Arc::new(field.as_ref().clone().with_data_type(inner)))
            }
            (false, _) => Some(Arc::clone(field)),
        }
    });
    kept.collect()
}

/// A batch with exactly the columns of a schema, found by name at every depth.
///
/// A nullable column that the batch lacks is null. Types are cast where no value can be lost, else the column is a
/// [`ErrorKind::BadValue`] error; a null in a NOT NULL column is one too.
pub(crate) fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => conform_array(column, field),
        None => absent(field, batch.num_rows()),
    });
    batch_of(schema, columns.collect::<Result<_>>()?, batch.num_rows())
}

/// The same batch under the names of another schema of the same shape.
pub(crate) fn relabel(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| relabel_array(column, field));
    batch_of(schema, columns.collect::<Result<_>>()?, batch.num_rows())
}

fn batch_of(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|cause| Error::new(ErrorKind::BadValue, "rows do not fit the table's schema").with_cause(cause))
}

fn absent(field: &Field, rows: usize) -> Result<ArrayRef> {
    match field.is_nullable() || rows == 0 {
        true => Ok(new_null_array(field.data_type(), rows)),
        false => {
            Err(Error::new(ErrorKind::BadValue, "a NOT NULL column is missing").with_context("column", field.name()))
        }
    }
}

fn conform_array(array: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    if array.data_type() == field.data_type() {
        return Ok(Arc::clone(array));
    }
    match (array.data_type(), field.data_type()) {
        (DataType::Struct(_), DataType::Struct(fields)) => {
            let source = array.as_struct();
            let columns = fields.iter().map(|field| match source.column_by_name(field.name()) {
                Some(column) => conform_array(column, field),
                None => absent(field, source.len()),
            });
            struct_of(fields, columns.collect::<Result<_>>()?, source, field)
        }
        (DataType::List(_), DataType::List(element)) => {
            let list = array.as_list::<i32>();
            list_of(element, list, conform_array(list.values(), element)?, field)
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => {
            let map = array.as_map();
            let DataType::Struct(pair) = entries.data_type() else { return Err(misfit(field, array.data_type())) };
            let columns = vec![conform_array(map.keys(), &pair[0])?, conform_array(map.values(), &pair[1])?];
            map_of(entries, *sorted, map, columns, field)
        }
        (from, to) if is_lossless(from, to) => {
            cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })
                .map_err(|cause| misfit(field, from).with_cause(cause))
        }
        (from, _) => Err(misfit(field, from)),
    }
}

fn relabel_array(array: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    match (array.data_type(), field.data_type()) {
        (from, to) if from == to => Ok(Arc::clone(array)),
        (DataType::Struct(from), DataType::Struct(fields)) if from.len() == fields.len() => {
            let source = array.as_struct();
            let columns = source.columns().iter().zip(fields).map(|(column, field)| relabel_array(column, field));
            struct_of(fields, columns.collect::<Result<_>>()?, source, field)
        }
        (DataType::List(_), DataType::List(element)) => {
            let list = array.as_list::<i32>();
            list_of(element, list, relabel_array(list.values(), element)?, field)
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => {
            let map = array.as_map();
            let DataType::Struct(pair) = entries.data_type() else { return Err(misfit(field, array.data_type())) };
            let columns = vec![relabel_array(map.keys(), &pair[0])?, relabel_array(map.values(), &pair[1])?];
            map_of(entries, *sorted, map, columns, field)
        }
        (from, _) => Err(misfit(field, from)),
    }
}

fn struct_of(fields: &Fields, columns: Vec<ArrayRef>, source: &StructArray, field: &Field) -> Result<ArrayRef> {
    let nulls = source.nulls().cloned();
    let array = StructArray::try_new_with_length(fields.clone(), columns, nulls, source.len());
    array.map(|array| Arc::new(array) as ArrayRef).map_err(|cause| misfit(field, source.data_type()).with_cause(cause))
}

fn list_of(element: &FieldRef, list: &ListArray, values: ArrayRef, field: &Field) -> Result<ArrayRef> {
    ListArray::try_new(Arc::clone(element), list.offsets().clone(), values, list.nulls().cloned())
        .map(|array| Arc::new(array) as ArrayRef)
        .map_err(|cause| misfit(field, list.data_type()).with_cause(cause))
}

fn map_of(entries: &FieldRef, sorted: bool, map: &MapArray, columns: Vec<ArrayRef>, field: &Field) -> Result<ArrayRef> {
    let misfit = |cause| misfit(field, map.data_type()).with_cause(cause);
    let DataType::Struct(pair) = entries.data_type() else {
        return Err(internal_error("a map's entries are not a struct", entries.data_type().to_string()));
    };
    let pairs = StructArray::try_new(pair.clone(), columns, map.entries().nulls().cloned()).map_err(misfit)?;
    MapArray::try_new(Arc::clone(entries), map.offsets().clone(), pairs, map.nulls().cloned(), sorted)
        .map(|array| Arc::new(array) as ArrayRef)
        .map_err(misfit)
}

fn misfit(field: &Field, found: &DataType) -> Error {
    Error::new(ErrorKind::BadValue, format!("expected `{}`, found `{found}`", field.data_type()))
        .with_context("column", field.name())
}

/// Whether every value of one type has its place in the other, or the cast itself finds those that have not.
fn is_lossless(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Date32, Decimal128, Dictionary, FixedSizeBinary, Float32, Float64, Int8, Int16, Int32,
        Int64, LargeBinary, LargeUtf8, Null, Timestamp, Utf8, Utf8View,
    };
    match (from, to) {
        (Null, _) => true,
        (Dictionary(_, value), to) => value.as_ref() == to || is_lossless(value, to),
        (LargeUtf8 | Utf8View, Utf8) | (LargeBinary | BinaryView | FixedSizeBinary(_), Binary) => true,
        (Int8 | Int16 | Int32 | Int64, Int16 | Int32 | Int64) => from.primitive_width() <= to.primitive_width(),
        (Int8 | Int16 | Int32 | Float32, Float64) | (Date32, Timestamp(_, None)) => true,
        (Int8 | Int16 | Int32, Decimal128(precision, scale)) => i32::from(*precision) - i32::from(*scale) >= 10,
        (Int64, Decimal128(precision, scale)) => i32::from(*precision) - i32::from(*scale) >= 20,
        (Timestamp(unit, from), Timestamp(TimeUnit::Microsecond, to)) => {
            from.is_some() == to.is_some() && *unit != TimeUnit::Nanosecond
        }
        (Decimal128(p, s), Decimal128(to_p, to_s)) => {
            s <= to_s && i32::from(*p) - i32::from(*s) <= i32::from(*to_p) - i32::from(*to_s)
        }
        _ => false,
    }
}
