//! Rows of a clustered table in an order that lets readers leave out files.
//!
//! Rows are spread over buckets on disk by their place on a Z-curve through the clustering columns, whose bounds come from
//! a sample; then each bucket is sorted in memory. So the memory does not grow with the table.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use futures::TryStreamExt;
use lakeflow_interface::{Error, ErrorKind, Result};

use crate::delta::files::LiveFile;
use crate::delta::scan::{Scan, column_at};
use crate::delta::schema::locate_parts;
use crate::delta::state::TableState;
use crate::delta::storage::{internal_error, kernel_error, storage_error};
use crate::delta::table::DeltaTable;
use crate::delta::writer::DataWriter;

/// The rows that are looked at to find the bounds.
const SAMPLE_ROWS: u64 = 64 << 10;
/// The data, as it is in files, that makes one bucket.
const BUCKET_BYTES: u64 = 8 << 20;
const MOST_BUCKETS: u64 = 256;
/// The rows that are handed to the writer at once.
const BATCH_ROWS: usize = 32 << 10;
/// Each column's place is told in this many bits.
const RANK_BITS: u32 = 12;

/// The columns by which a table is clustered, by their places in its schema.
pub(super) struct Clustering {
    columns: Vec<Vec<usize>>,
}

impl Clustering {
    /// The clustering of a table; none where it has none.
    pub(super) async fn of(table: &DeltaTable, state: &TableState) -> Result<Option<Self>> {
        let (handle, snapshot) = (table.clone(), Arc::clone(&state.snapshot));
        let infos = table
            .blocking(move || {
                let infos = snapshot.get_clustering_column_infos(handle.engine());
                infos.map_err(|cause| kernel_error("the table's clustering cannot be read", cause))
            })
            .await?;
        let Some(infos) = infos.filter(|infos| !infos.is_empty()) else { return Ok(None) };
        let columns = infos.iter().map(|info| locate_parts(state.schema().fields(), info.logical_column.path()));
        Ok(Some(Self { columns: columns.collect::<Result<_>>()? }))
    }

    /// Writes the rows of some files in their order on the curve.
    pub(super) async fn write_sorted(
        &self,
        table: &DeltaTable,
        state: &TableState,
        files: &[LiveFile],
        writer: &mut DataWriter,
    ) -> Result<()> {
        let curve = Curve::new(self.sample(table, state, files).await?)?;
        let bytes: u64 = files.iter().map(|file| file.size).sum();
        let count = (bytes / BUCKET_BYTES + 1).min(MOST_BUCKETS) as usize;
        let bounds = curve.bounds(count)?;
        let mut buckets: Vec<Bucket> = (0..=bounds.len()).map(|_| Bucket::default()).collect();
        let mut rows = table.scan(state, only(files)).await?;
        while let Some(placed) = rows.try_next().await? {
            let places = curve.places(&self.of_batch(&placed.batch)?)?;
            for (bucket, rows) in spread(&places, &bounds) {
                buckets[bucket].push(&taken(&placed.batch, rows)?)?;
            }
        }
        for bucket in buckets {
            let Some(batch) = bucket.into_batch()? else { continue };
            let order = curve.order(&self.of_batch(&batch)?)?;
            for rows in order.chunks(BATCH_ROWS) {
                writer.write(&taken(&batch, rows.to_vec())?).await?;
            }
        }
        Ok(())
    }

    fn of_batch(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        let columns = self.columns.iter().map(|places| column_at(batch, places));
        columns.collect::<std::result::Result<_, _>>().map_err(|cause| internal_error("rows cannot be ordered", cause))
    }

    /// The clustering columns of some rows from everywhere.
    async fn sample(&self, table: &DeltaTable, state: &TableState, files: &[LiveFile]) -> Result<Vec<ArrayRef>> {
        let rows: u64 = files.iter().map(|file| file.live_rows().unwrap_or(SAMPLE_ROWS)).sum();
        let every = (rows / SAMPLE_ROWS).max(1) as usize;
        let mut batches = table.scan(state, only(files)).await?;
        let mut sampled = Vec::new();
        while let Some(placed) = batches.try_next().await? {
            let columns = RecordBatch::try_from_iter_with_nullable(
                self.of_batch(&placed.batch)?.into_iter().enumerate().map(|(n, array)| (n.to_string(), array, true)),
            );
            let columns = columns.map_err(|cause| internal_error("rows cannot be sampled", cause))?;
            let rows = (0..columns.num_rows() as u32).step_by(every).collect();
            sampled.push(taken(&columns, rows)?);
        }
        let Some(first) = sampled.first() else { return Ok(Vec::new()) };
        let whole = concat_batches(&first.schema(), &sampled);
        Ok(whole.map_err(|cause| internal_error("rows cannot be sampled", cause))?.columns().to_vec())
    }
}

fn only(files: &[LiveFile]) -> Scan {
    Scan::all().with_files(files.iter().map(|file| Arc::clone(&file.path)))
}

/// A Z-curve through some columns, each cut into ranges of equally many rows of a sample.
struct Curve {
    columns: Vec<Ranks>,
    sample: Vec<ArrayRef>,
    whole: Option<RowConverter>,
}

/// Where values of one column stand among those of the sample.
struct Ranks {
    converter: RowConverter,
    cuts: Vec<OwnedRow>,
}

impl Curve {
    fn new(sample: Vec<ArrayRef>) -> Result<Self> {
        let columns = sample.iter().map(Ranks::new).collect::<Result<_>>()?;
        let fields = sample.iter().map(|column| SortField::new(column.data_type().clone())).collect::<Vec<_>>();
        let whole = match fields.is_empty() {
            true => None,
            false => Some(RowConverter::new(fields).map_err(unordered)?),
        };
        Ok(Self { columns, sample, whole })
    }

    /// The places of rows on the curve.
    fn places(&self, columns: &[ArrayRef]) -> Result<Vec<u64>> {
        let ranks = self.columns.iter().zip(columns).map(|(ranks, column)| ranks.of(column));
        let ranks: Vec<Vec<u16>> = ranks.collect::<Result<_>>()?;
        let rows = ranks.first().map_or(0, Vec::len);
        Ok((0..rows).map(|row| interleaved(ranks.iter().map(|column| column[row]))).collect())
    }

    /// The places at which the sample is cut into this many parts.
    fn bounds(&self, parts: usize) -> Result<Vec<u64>> {
        let mut places = self.places(&self.sample)?;
        places.sort_unstable();
        let mut bounds: Vec<u64> =
            (1..parts).filter_map(|part| places.get(part * places.len() / parts).copied()).collect();
        bounds.dedup();
        Ok(bounds)
    }

    /// The rows in the order of the curve, and of their values where they share a place.
    fn order(&self, columns: &[ArrayRef]) -> Result<Vec<u32>> {
        let places = self.places(columns)?;
        let Some(whole) = &self.whole else { return Ok(Vec::new()) };
        let values: Rows = whole.convert_columns(columns).map_err(unordered)?;
        let mut order: Vec<u32> = (0..places.len() as u32).collect();
        order.sort_unstable_by(|a, b| {
            let (a, b) = (*a as usize, *b as usize);
            places[a].cmp(&places[b]).then_with(|| values.row(a).cmp(&values.row(b)))
        });
        Ok(order)
    }
}

impl Ranks {
    fn new(sample: &ArrayRef) -> Result<Self> {
        let converter = RowConverter::new(vec![SortField::new(sample.data_type().clone())]).map_err(unordered)?;
        let rows = converter.convert_columns(std::slice::from_ref(sample)).map_err(unordered)?;
        let mut sorted: Vec<_> = rows.iter().collect();
        sorted.sort_unstable();
        let ranks = 1 << RANK_BITS;
        let cuts = (1..ranks).filter_map(|rank| sorted.get(rank * sorted.len() / ranks));
        // Cuts may be equal: the ranks of all columns then spread over the same range.
        let cuts = cuts.map(|row| row.owned()).collect();
        Ok(Self { converter, cuts })
    }

    fn of(&self, column: &ArrayRef) -> Result<Vec<u16>> {
        let rows = self.converter.convert_columns(std::slice::from_ref(column)).map_err(unordered)?;
        let rank = |row| self.cuts.partition_point(|cut| cut.row() <= row) as u16;
        Ok(rows.iter().map(rank).collect())
    }
}

/// The bits of the ranks in turn, the highest first.
fn interleaved(ranks: impl Iterator<Item = u16> + Clone) -> u64 {
    let mut place = 0;
    for bit in (0..RANK_BITS).rev() {
        // Of more columns than fit, the first ones decide.
        for rank in ranks.clone().take((u64::BITS / RANK_BITS) as usize) {
            place = place << 1 | u64::from(rank >> bit & 1);
        }
    }
    place
}

/// The rows of each bucket.
fn spread(places: &[u64], bounds: &[u64]) -> Vec<(usize, Vec<u32>)> {
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); bounds.len() + 1];
    for (row, place) in places.iter().enumerate() {
        rows[bounds.partition_point(|bound| bound <= place)].push(row as u32);
    }
    rows.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()).collect()
}

fn taken(batch: &RecordBatch, rows: Vec<u32>) -> Result<RecordBatch> {
    take_record_batch(batch, &UInt32Array::from(rows)).map_err(|cause| internal_error("rows cannot be taken", cause))
}

fn unordered(cause: arrow::error::ArrowError) -> Error {
    Error::new(ErrorKind::Unsupported, "a clustering column has a type without an order").with_cause(cause)
}

/// Rows that wait on disk.
#[derive(Default)]
struct Bucket {
    writer: Option<StreamWriter<BufWriter<File>>>,
}

impl Bucket {
    fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let file = BufWriter::new(tempfile::tempfile().map_err(temporary)?);
                none.insert(StreamWriter::try_new(file, &batch.schema()).map_err(temporary)?)
            }
        };
        writer.write(batch).map_err(temporary)
    }

    fn into_batch(self) -> Result<Option<RecordBatch>> {
        let Some(writer) = self.writer else { return Ok(None) };
        let buffered = writer.into_inner().map_err(temporary)?;
        let mut file = buffered.into_inner().map_err(|error| temporary(error.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(temporary)?;
        let reader = StreamReader::try_new(BufReader::new(file), None).map_err(temporary)?;
        let schema = reader.schema();
        let batches = reader.collect::<std::result::Result<Vec<_>, _>>().map_err(temporary)?;
        concat_batches(&schema, &batches).map(Some).map_err(temporary)
    }
}

fn temporary(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    storage_error("rows that are being sorted cannot be kept in a temporary file", cause)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray};

    use super::*;

    #[test]
    fn one_column_is_sorted_with_nulls_first() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(5), None, Some(-3), Some(9), Some(5)]));
        let curve = Curve::new(vec![Arc::clone(&column)]).unwrap();
        let order = curve.order(&[column]).unwrap();
        assert_eq!(order[..2], [1, 2]);
        assert_eq!(order[4], 3);
    }

    #[test]
    fn curve_keeps_neighbours_of_both_columns_together() {
        let rows: Vec<(i64, String)> = (0..4096).map(|n| (n / 64, format!("{:02}", n % 64))).collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(a, _)| *a))),
            Arc::new(StringArray::from_iter_values(rows.iter().map(|(_, b)| b))),
        ];
        let curve = Curve::new(columns.clone()).unwrap();
        let order = curve.order(&columns).unwrap();
        for part in order.chunks(256) {
            let (first, second): (Vec<_>, Vec<_>) = part.iter().map(|row| rows[*row as usize].clone()).unzip();
            assert!(first.iter().max().unwrap() - first.iter().min().unwrap() < 32);
            let number = |text: &String| text.parse::<i64>().unwrap();
            assert!(second.iter().map(number).max().unwrap() - second.iter().map(number).min().unwrap() < 32);
        }
    }

    #[test]
    fn buckets_hold_rows_of_like_size_and_all_of_them() {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values((0..10_000).map(|n| n * 7919 % 10_000)));
        let curve = Curve::new(vec![Arc::clone(&column)]).unwrap();
        let bounds = curve.bounds(4).unwrap();
        let spread = spread(&curve.places(&[column]).unwrap(), &bounds);
        assert_eq!(spread.len(), 4);
        assert_eq!(spread.iter().map(|(_, rows)| rows.len()).sum::<usize>(), 10_000);
        assert!(spread.iter().all(|(_, rows)| (2000..3000).contains(&rows.len())));
    }
}
