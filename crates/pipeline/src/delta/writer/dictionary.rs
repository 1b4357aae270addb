//! How the columns of a data file are encoded: a dictionary where values repeat, and a codec that is quick.
//!
//! Snappy is what writers of Delta tables use by default. Codecs that make smaller files take several times as long, and
//! hold a few hundred kilobytes for each column of an open file, of which a wide table has hundreds.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use lakeflow_interface::Result;
use parquet::arrow::ArrowSchemaConverter;
use parquet::basic::{Compression, Encoding, Type as PhysicalType};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use xxhash_rust::xxh3::xxh3_64;

use crate::delta::scan::has_filter;
use crate::delta::storage::internal_error;
use crate::delta::table::ENGINE_INFO;

/// The number of values of a column that are looked at.
const SAMPLE: usize = 1024;
/// Fewer values than this say nothing.
const FEW: usize = 16;
/// The number of rows in a row group, whatever its size.
const ROW_GROUP_ROWS: usize = 1 << 20;
/// A dictionary that outgrows this is given up.
const DICTIONARY_BYTES: usize = 256 << 10;
/// The size of a page: what each column of an open file buffers.
const PAGE_BYTES: usize = 256 << 10;

/// How often a Bloom filter says of a value that is not there that it may be.
const FALSE_POSITIVES: f64 = 0.001;

/// The properties of a file that begins with a batch.
///
/// Texts get no statistics here unless they have a filter: comparing them all is costly, and the log has those that are
/// worth it.
pub(super) fn properties(first: &RecordBatch, filters: &[Vec<String>]) -> Result<WriterProperties> {
    let schema = ArrowSchemaConverter::new()
        .convert(first.schema_ref())
        .map_err(|cause| internal_error("the table's schema has no Parquet form", cause))?;
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(ENGINE_INFO.to_owned())
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_dictionary_page_size_limit(DICTIONARY_BYTES)
        .set_data_page_size_limit(PAGE_BYTES)
        .set_statistics_enabled(EnabledStatistics::Chunk);
    let mut leaves = Vec::new();
    first.columns().iter().for_each(|column| collect_leaves(column, &mut leaves));
    for (column, leaf) in schema.columns().iter().zip(&leaves) {
        let is_empty = leaf.null_count() == leaf.len();
        let has_dictionary = !is_empty && repeats(leaf);
        let path = column.path();
        if !has_dictionary {
            properties = properties.set_column_dictionary_enabled(path.clone(), false);
        }
        let is_filtered = filters.iter().any(|filter| filter == path.parts());
        if is_filtered && !has_dictionary && is_number(column.physical_type()) {
            // Every look for keys reads this column whole: differences of numbers are few bits, and quick to add up.
            properties = properties.set_column_encoding(path.clone(), Encoding::DELTA_BINARY_PACKED);
            properties = properties.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
        }
        if is_filtered && has_filter(leaf.data_type()) {
            properties = properties.set_column_bloom_filter_fpp(path.clone(), FALSE_POSITIVES);
        }
        if !is_filtered && matches!(leaf.data_type(), DataType::Utf8 | DataType::Binary) {
            properties = properties.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
    }
    Ok(properties.build())
}

/// Whether Parquet stores a type's values as whole numbers.
fn is_number(physical: PhysicalType) -> bool {
    matches!(physical, PhysicalType::INT32 | PhysicalType::INT64)
}

/// The arrays that become Parquet columns, in Parquet's order.
fn collect_leaves(array: &ArrayRef, leaves: &mut Vec<ArrayRef>) {
    match array.data_type() {
        DataType::Struct(_) => array.as_struct().columns().iter().for_each(|column| collect_leaves(column, leaves)),
        DataType::List(_) => collect_leaves(array.as_list::<i32>().values(), leaves),
        DataType::Map(..) => {
            let map = array.as_map();
            collect_leaves(map.keys(), leaves);
            collect_leaves(map.values(), leaves);
        }
        _ => leaves.push(ArrayRef::clone(array)),
    }
}

/// Whether at least every second value of a sample was there before.
fn repeats(leaf: &ArrayRef) -> bool {
    let data = leaf.to_data();
    let hash = |row: usize| match leaf.data_type() {
        DataType::Utf8 => Some(xxh3_64(leaf.as_string::<i32>().value(row).as_bytes())),
        DataType::Binary => Some(xxh3_64(leaf.as_binary::<i32>().value(row))),
        other => {
            let width = other.primitive_width()?;
            let start = (data.offset() + row) * width;
            data.buffers().first()?.as_slice().get(start..start + width).map(xxh3_64)
        }
    };
    let present = (0..leaf.len()).filter(|row| leaf.is_valid(*row)).take(SAMPLE);
    let Some(hashes) = present.map(hash).collect::<Option<Vec<_>>>() else { return true };
    let distinct: HashSet<u64> = hashes.iter().copied().collect();
    hashes.len() < FEW || distinct.len() * 2 <= hashes.len()
}
