//! Groups of records typed on blocking threads, several at a time and handed on in order.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use futures::StreamExt;
use lakeflow_interface::records::{BadValues, Typer};
use lakeflow_interface::{ColumnPath, Error, ErrorKind, Offset, ReadStream, Records, Result};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::task::AbortOnDropHandle;

use super::budget::{Budget, Share};
use super::groups::{Change, Closing, Group, groups};

/// A group, typed.
#[derive(Debug)]
pub(super) struct TypedGroup {
    pub(super) change: Change,
    pub(super) batches: Vec<RecordBatch>,
    pub(super) rows: u64,
    pub(super) rescued_rows: u64,
    pub(super) undeclared: BTreeSet<String>,
    pub(super) checkpoint: Option<Offset>,
    /// Given back to the budget when the rows have been handed on.
    pub(super) shares: Vec<Share>,
}

/// The typers of one table.
pub(super) struct Typers {
    upserted: TyperPool,
    deleted: TyperPool,
}

/// Typers that are alike, kept for their buffers.
struct TyperPool {
    table: String,
    schema: SchemaRef,
    primary_keys: Vec<ColumnPath>,
    bad_values: BadValues,
    typed_schema: SchemaRef,
    idle: Mutex<Vec<Typer>>,
}

impl Typers {
    pub(super) fn new(
        table: &str,
        schema: SchemaRef,
        primary_keys: &[ColumnPath],
        bad_values: BadValues,
    ) -> Result<Self> {
        // A deleted row has its keys and sequence, and perhaps nothing else.
        let nullable = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
        let nullable = Arc::new(Schema::new(nullable.collect::<Vec<_>>()));
        Ok(Self {
            upserted: TyperPool::new(table, schema, primary_keys, bad_values)?,
            deleted: TyperPool::new(table, nullable, primary_keys, bad_values)?,
        })
    }

    /// The schema of the rows that are not deleted.
    pub(super) fn schema(&self) -> SchemaRef {
        self.upserted.schema()
    }

    fn type_group(&self, group: Group) -> Result<TypedGroup> {
        match group.change {
            Change::Upserted => self.upserted.type_group(group),
            Change::Deleted => self.deleted.type_group(group),
        }
    }
}

impl TyperPool {
    fn new(table: &str, schema: SchemaRef, primary_keys: &[ColumnPath], bad_values: BadValues) -> Result<Self> {
        let typer = Typer::new(table, Arc::clone(&schema), bad_values)?.with_primary_keys(primary_keys);
        Ok(Self {
            table: table.to_owned(),
            schema,
            primary_keys: primary_keys.to_vec(),
            bad_values,
            typed_schema: typer.schema(),
            idle: Mutex::new(vec![typer]),
        })
    }

    /// The schema of the batches.
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.typed_schema)
    }

    fn type_group(&self, group: Group) -> Result<TypedGroup> {
        let mut typer = self.take()?;
        let Group { change, records, checkpoint, shares } = group;
        let rows = records.iter().map(|records| records.len() as u64).sum();
        let mut typed = TypedGroup {
            change,
            batches: Vec::new(),
            rows,
            rescued_rows: 0,
            undeclared: BTreeSet::new(),
            checkpoint,
            shares,
        };
        for records in records {
            match records {
                Records::Json(records) => typer.push(&records)?,
                Records::Arrow(batch) => {
                    typed.add(&mut typer)?;
                    typed.batches.push(typer.conform(&batch)?);
                }
            }
        }
        typed.add(&mut typer)?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(typer);
        Ok(typed)
    }

    fn take(&self) -> Result<Typer> {
        match self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            Some(typer) => Ok(typer),
            None => {
                let typer = Typer::new(&self.table, Arc::clone(&self.schema), self.bad_values)?;
                Ok(typer.with_primary_keys(&self.primary_keys))
            }
        }
    }
}

impl TypedGroup {
    fn add(&mut self, typer: &mut Typer) -> Result<()> {
        if typer.rows() > 0 {
            let typed = typer.finish()?;
            self.rescued_rows += typed.rescued_rows;
            self.undeclared.extend(typed.undeclared);
            self.batches.push(typed.batch);
        }
        Ok(())
    }
}

/// A read that is fetched and typed in the background, up to a few groups ahead; dropping it stops it.
pub(super) struct TypedRead {
    groups: mpsc::Receiver<Result<JoinHandle<Result<TypedGroup>>>>,
    next: Option<JoinHandle<Result<TypedGroup>>>,
    reader: Option<AbortOnDropHandle<()>>,
}

impl TypedRead {
    pub(super) fn start(
        items: ReadStream,
        typers: Arc<Typers>,
        budget: Budget,
        closing: Closing,
        ahead: usize,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(ahead.max(1));
        let reader = tokio::spawn(async move {
            let mut groups = pin!(groups(items, budget, closing));
            while let Some(group) = groups.next().await {
                let typing = group.map(|group| {
                    let typers = Arc::clone(&typers);
                    spawn_blocking(move || typers.type_group(group))
                });
                if sender.send(typing).await.is_err() {
                    return;
                }
            }
        });
        Self { groups: receiver, next: None, reader: Some(AbortOnDropHandle::new(reader)) }
    }

    /// The next group; nothing after the last. Nothing is lost where the future is dropped.
    pub(super) async fn next(&mut self) -> Option<Result<TypedGroup>> {
        let typing = match &mut self.next {
            Some(typing) => typing,
            none => match self.groups.recv().await {
                Some(Ok(typing)) => none.insert(typing),
                Some(Err(error)) => return Some(Err(error)),
                None => return self.reader.take()?.await.err().map(|cause| Err(interrupted(cause))),
            },
        };
        let typed = typing.await;
        self.next = None;
        Some(typed.unwrap_or_else(|cause| Err(interrupted(cause))))
    }
}

fn interrupted(cause: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, "a part of the read stopped unexpectedly").with_cause(cause)
}
