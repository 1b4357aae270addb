//! `Chunks`: the rows of a read, fetched and typed in the background.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use futures::StreamExt;
use lakeflow_interface::records::Typer;
use lakeflow_interface::{Offset, ReadItem, ReadMetrics, ReadStream, Records, Result};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio_util::task::AbortOnDropHandle;

use crate::read::Request;
use crate::table::Changes;

/// How many groups and chunks wait for the next stage.
const AHEAD: usize = 2;
/// The bytes of JSON at which a group is full, however few its rows are.
const GROUP_BYTES: usize = 16 << 20;
/// Undeclared fields that a warning names.
const NAMED_FIELDS: usize = 10;

/// Some rows, and the offset up to which everything has been given with them.
pub(crate) struct Chunk {
    pub(crate) batch: Option<RecordBatch>,
    pub(crate) checkpoint: Option<Offset>,
}

/// The chunks of a read; dropping them stops it.
pub(crate) struct Chunks {
    typed: Receiver<Result<Chunk>>,
    _fetching: AbortOnDropHandle<()>,
}

/// Records that are typed together.
#[derive(Default)]
struct Group {
    records: Vec<Records>,
    rows: usize,
    bytes: usize,
    checkpoint: Option<Offset>,
}

impl Chunks {
    /// Starts fetching and typing; to be called within the runtime.
    pub(crate) fn start(items: ReadStream, request: Request) -> Result<Self> {
        let (groups, fetched) = channel(AHEAD);
        let (chunks, typed) = channel(AHEAD);
        let typing = Typing {
            typer: request.table.typer()?,
            batch_rows: request.batch_rows.max(1),
            metrics: request.context.metrics.clone(),
            rescued_rows: 0,
            undeclared: BTreeSet::new(),
        };
        let (changes, batch_rows) = (request.changes, request.batch_rows.max(1));
        let fetching = tokio::spawn(async move { fetch(items, changes, batch_rows, groups).await });
        tokio::task::spawn_blocking(move || typing.run(fetched, &chunks));
        Ok(Self { typed, _fetching: AbortOnDropHandle::new(fetching) })
    }

    /// The next chunk; nothing after the last.
    pub(crate) async fn next(&mut self) -> Option<Result<Chunk>> {
        self.typed.recv().await
    }
}

/// Gathers records into groups. A full one waits for the next item: it may be the checkpoint that covers it.
async fn fetch(mut items: ReadStream, wanted: Changes, batch_rows: usize, groups: Sender<Result<Group>>) {
    let mut open = Group::default();
    while let Some(item) = items.next().await {
        let (changes, records) = match item {
            Ok(ReadItem::Checkpoint(offset)) => {
                open.checkpoint = Some(offset);
                if open.is_full(batch_rows) && groups.send(Ok(std::mem::take(&mut open))).await.is_err() {
                    return;
                }
                continue;
            }
            Ok(ReadItem::Records(records)) => (Changes::Upserted, records),
            Ok(ReadItem::Deletes(records)) => (Changes::Deleted, records),
            Err(error) => {
                // Whoever does not listen any more does not want to know.
                drop(groups.send(Err(error)).await);
                return;
            }
        };
        if open.is_full(batch_rows) && groups.send(Ok(std::mem::take(&mut open))).await.is_err() {
            return;
        }
        // What was not asked for is passed over, and no checkpoint covers it yet.
        open.checkpoint = None;
        if changes == wanted {
            open.push(records);
        }
    }
    drop(groups.send(Ok(open)).await);
}

impl Group {
    fn push(&mut self, records: Records) {
        self.rows += records.len();
        self.bytes += records.size();
        self.records.push(records);
    }

    fn is_full(&self, batch_rows: usize) -> bool {
        self.rows >= batch_rows || self.bytes >= GROUP_BYTES
    }
}

/// The stage that types.
struct Typing {
    typer: Typer,
    batch_rows: usize,
    metrics: Arc<ReadMetrics>,
    rescued_rows: u64,
    undeclared: BTreeSet<String>,
}

impl Typing {
    fn run(mut self, mut groups: Receiver<Result<Group>>, chunks: &Sender<Result<Chunk>>) {
        while let Some(group) = groups.blocking_recv() {
            let checkpoint = group.as_ref().ok().and_then(|group| group.checkpoint.clone());
            match group.and_then(|group| self.type_group(group)) {
                Ok(batches) => {
                    let pieces = pieces(&batches, self.batch_rows, checkpoint);
                    if pieces.into_iter().any(|chunk| chunks.blocking_send(Ok(chunk)).is_err()) {
                        return;
                    }
                }
                Err(error) => {
                    drop(chunks.blocking_send(Err(error)));
                    return;
                }
            }
        }
        self.tell_oddities();
    }

    fn type_group(&mut self, group: Group) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        for records in group.records {
            match records {
                Records::Json(records) => self.typer.push(&records)?,
                Records::Arrow(batch) => {
                    self.finish(&mut batches)?;
                    batches.push(self.typer.conform(&batch)?);
                }
            }
        }
        self.finish(&mut batches)?;
        Ok(batches)
    }

    fn finish(&mut self, batches: &mut Vec<RecordBatch>) -> Result<()> {
        if self.typer.rows() > 0 {
            let typed = self.typer.finish()?;
            self.rescued_rows += typed.rescued_rows;
            self.undeclared.extend(typed.undeclared);
            batches.push(typed.batch);
        }
        Ok(())
    }

    /// Says what was odd about the read that is over.
    fn tell_oddities(&self) {
        for (warning, count) in self.metrics.snapshot().warnings {
            tracing::warn!(count, "{warning}");
        }
        if self.rescued_rows > 0 {
            tracing::warn!(rows = self.rescued_rows, "values that do not fit their column are in `_rescued_data`");
        }
        if !self.undeclared.is_empty() {
            let names: Vec<&str> = self.undeclared.iter().take(NAMED_FIELDS).map(String::as_str).collect();
            let (count, names) = (self.undeclared.len(), names.join(", "));
            tracing::warn!(count, "fields that the schema does not have were left out: {names}");
        }
    }
}

/// The batches in pieces of so many rows; the checkpoint comes with the last one.
fn pieces(batches: &[RecordBatch], rows: usize, checkpoint: Option<Offset>) -> Vec<Chunk> {
    let mut chunks: Vec<Chunk> = Vec::new();
    for batch in batches {
        for start in (0..batch.num_rows()).step_by(rows) {
            let piece = batch.slice(start, rows.min(batch.num_rows() - start));
            chunks.push(Chunk { batch: Some(piece), checkpoint: None });
        }
    }
    match chunks.last_mut() {
        Some(last) => last.checkpoint = checkpoint,
        None if checkpoint.is_some() => chunks.push(Chunk { batch: None, checkpoint }),
        None => {}
    }
    chunks
}
