//! Reading a table: all its rows or some columns of them, each with its place.

mod file;
mod footers;
mod pruning;
mod range;
mod sieve;
mod store_reader;
mod values;

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, make_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use futures::stream::{self, BoxStream, StreamExt};
use lakeflow_interface::{ColumnPath, Result};
use tokio::sync::mpsc;

use self::file::FileRead;
pub(crate) use self::footers::{Footers, filtered_columns};
use self::pruning::Pruning;
pub use self::range::ColumnRange;
pub(crate) use self::range::physical_path;
pub use self::sieve::KeySieve;
pub use self::values::ColumnValues;
pub(crate) use self::values::has_filter;
use super::deletion::DeletedRows;
use super::files::LiveFile;
use super::schema::{locate, prune};
use super::state::{Layout, TableState};
use super::storage::internal_error;
use super::table::DeltaTable;

/// Batches of rows with their places; files are read side by side, so their order is not promised.
pub type PlacedBatches = BoxStream<'static, Result<PlacedBatch>>;

/// Rows of one file, in the order of the file, deleted rows left out.
#[derive(Clone, Debug)]
pub struct PlacedBatch {
    /// The path of the file, as [`DeletedRows`](super::DeletedRows) wants it.
    pub file: Arc<str>,
    /// The rows.
    pub batch: RecordBatch,
    positions: Positions,
}

#[derive(Clone, Debug)]
enum Positions {
    From(u64),
    Each(Vec<u64>),
}

impl PlacedBatch {
    /// The position within the file of a row of the batch.
    pub fn position(&self, row: usize) -> u64 {
        match &self.positions {
            Positions::From(first) => first + row as u64,
            Positions::Each(positions) => positions[row],
        }
    }
}

/// What to read of a table.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    columns: Option<Vec<ColumnPath>>,
    ranges: Vec<ColumnRange>,
    values: Vec<ColumnValues>,
    sieve: Option<KeySieve>,
    files: Option<HashSet<Arc<str>>>,
    rows: Option<DeletedRows>,
    limit: Option<usize>,
}

impl Scan {
    /// All columns of all rows.
    pub fn all() -> Self {
        Self::default()
    }

    /// Some columns of all rows: one flat column per path, in this order, named as the path's text.
    pub fn columns(columns: impl IntoIterator<Item = ColumnPath>) -> Self {
        Self { columns: Some(columns.into_iter().collect()), ..Self::default() }
    }

    /// Leaves out files and parts of files that, by their statistics, have no row within all of these ranges.
    #[must_use]
    pub fn with_ranges(mut self, ranges: impl IntoIterator<Item = ColumnRange>) -> Self {
        self.ranges.extend(ranges);
        self
    }

    /// Leaves out parts of files that, by their Bloom filters, have none of these values.
    #[must_use]
    pub fn with_values(mut self, values: impl IntoIterator<Item = ColumnValues>) -> Self {
        self.values.extend(values);
        self
    }

    /// Leaves out most rows whose first columns are none of the keys in a sieve.
    #[must_use]
    pub fn with_sieve(mut self, sieve: Option<KeySieve>) -> Self {
        self.sieve = sieve;
        self
    }

    /// Reads these files only.
    #[must_use]
    pub(crate) fn with_files(mut self, files: impl IntoIterator<Item = Arc<str>>) -> Self {
        self.files = Some(files.into_iter().collect());
        self
    }

    /// Leaves out all rows but these.
    #[must_use]
    pub fn with_rows(mut self, rows: DeletedRows) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Ends after this number of rows.
    #[must_use]
    pub fn with_limit(mut self, rows: usize) -> Self {
        self.limit = Some(rows);
        self
    }
}

impl DeltaTable {
    /// Reads rows of a state, several files at a time; memory is bounded by what one batch per file needs.
    ///
    /// A column that the table lacks is an [`ErrorKind::NotFound`](lakeflow_interface::ErrorKind::NotFound) error.
    pub async fn scan(&self, state: &TableState, scan: Scan) -> Result<PlacedBatches> {
        let projection =
            Projection::new(&state.layout, scan.columns.as_deref()).map_err(|error| self.located(error))?;
        let mut reads = Vec::new();
        if state.replacement.is_none() {
            let files = state.file_list().await?;
            let pruning = Pruning::new(&scan, &state.layout)?;
            let is_named = |file: &LiveFile| scan.files.as_ref().is_none_or(|named| named.contains(&file.path));
            let wanted = files.files.iter().filter(|file| is_named(file) && pruning.wants(files, file));
            reads.extend(wanted.filter_map(|file| {
                let read = FileRead::new(self.clone(), file, projection.clone(), Arc::clone(&pruning));
                let read = read.with_sieve(scan.sieve.clone());
                match &scan.rows {
                    Some(rows) => rows.files().get(&file.path).map(|rows| read.with_rows(rows.clone())),
                    None => Some(read),
                }
            }));
        }
        let batches = read_side_by_side(self, reads);
        Ok(match scan.limit {
            Some(rows) => limited(batches, rows),
            None => batches,
        })
    }
}

/// Reads files on tasks of their own, no more at a time than there are cores; they end when nobody listens.
fn read_side_by_side(table: &DeltaTable, reads: Vec<FileRead>) -> PlacedBatches {
    let at_a_time = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let (sender, receiver) = mpsc::channel(at_a_time);
    let runtime = table.runtime().clone();
    table.runtime().spawn(async move {
        stream::iter(reads)
            .for_each_concurrent(at_a_time, |read| {
                let sender = sender.clone();
                let batches = sender.clone();
                let task = runtime.spawn(async move { read.send_all(&batches).await });
                async move {
                    // A task that panicked has dropped its sender; what it had sent stays right, so say that it is missing.
                    if let Err(cause) = task.await {
                        sender.send(Err(internal_error("reading a data file was cut off", cause))).await.ok();
                    }
                }
            })
            .await;
    });
    stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|batch| (batch, receiver)) }).boxed()
}

fn limited(batches: PlacedBatches, rows: usize) -> PlacedBatches {
    let cut = batches.scan(rows, |left, batch| {
        let item = match batch {
            _ if *left == 0 => None,
            Ok(mut placed) => {
                let taken = placed.batch.num_rows().min(*left);
                *left -= taken;
                placed.batch = placed.batch.slice(0, taken);
                Some(Ok(placed))
            }
            Err(error) => Some(Err(error)),
        };
        futures::future::ready(item)
    });
    cut.boxed()
}

/// The columns to read, in the data files and as they are handed on.
#[derive(Clone)]
struct Projection {
    /// The columns to read, as data files name them.
    physical: SchemaRef,
    /// The same columns as users name them.
    logical: SchemaRef,
    /// For each column that is wanted flat, its place among them; none where all are wanted as they are.
    flat: Option<Arc<[Vec<usize>]>>,
    output: SchemaRef,
}

impl Projection {
    fn new(layout: &Layout, columns: Option<&[ColumnPath]>) -> Result<Self> {
        let Some(columns) = columns else {
            let (physical, logical) = (Arc::clone(&layout.physical), Arc::clone(&layout.logical));
            return Ok(Self { output: Arc::clone(&logical), physical, logical, flat: None });
        };
        let fields = layout.logical.fields();
        let places = columns.iter().map(|path| locate(fields, path)).collect::<Result<Vec<_>>>()?;
        let places: Vec<&[usize]> = places.iter().map(Vec::as_slice).collect();
        let logical = Arc::new(Schema::new(prune(fields, &places)));
        let physical = Arc::new(Schema::new(prune(layout.physical.fields(), &places)));
        let flat = columns.iter().map(|path| locate(logical.fields(), path)).collect::<Result<Vec<_>>>()?;
        let output = columns.iter().zip(&flat).map(|(path, places)| flat_field(&logical, places, path));
        let output = Arc::new(Schema::new(output.collect::<Vec<_>>()));
        Ok(Self { physical, logical, flat: Some(flat.into()), output })
    }

    /// The batch as it is wanted; `batch` has the logical columns.
    fn flatten(&self, batch: RecordBatch) -> Result<RecordBatch> {
        let Some(flat) = &self.flat else { return Ok(batch) };
        let columns = flat.iter().map(|places| column_at(&batch, places)).collect::<std::result::Result<_, _>>();
        columns
            .and_then(|columns| RecordBatch::try_new(Arc::clone(&self.output), columns))
            .map_err(|cause| internal_error("columns of a data file cannot be taken out of their structs", cause))
    }
}

/// The field at a place, nullable where any struct around it is.
fn flat_field(schema: &Schema, places: &[usize], path: &ColumnPath) -> Field {
    let mut field = schema.field(places[0]);
    let mut nullable = field.is_nullable();
    for place in &places[1..] {
        let DataType::Struct(inner) = field.data_type() else { break };
        field = &inner[*place];
        nullable |= field.is_nullable();
    }
    field.clone().with_name(path.to_string()).with_nullable(nullable)
}

/// The column at a place, null where any struct around it is.
pub(crate) fn column_at(batch: &RecordBatch, places: &[usize]) -> std::result::Result<ArrayRef, ArrowError> {
    let mut column = Arc::clone(batch.column(places[0]));
    let mut outer: Option<NullBuffer> = None;
    for place in &places[1..] {
        let Some(structs) = column.as_struct_opt() else { break };
        outer = NullBuffer::union(outer.as_ref(), structs.nulls());
        column = Arc::clone(structs.column(*place));
    }
    match outer {
        Some(outer) => {
            let nulls = NullBuffer::union(Some(&outer), column.nulls());
            Ok(make_array(column.to_data().into_builder().nulls(nulls).build()?))
        }
        None => Ok(column),
    }
}
