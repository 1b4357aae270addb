//! Children: once per row of a parent table, several at once, in the parent's order.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_stream::try_stream;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use lakeflow_interface::records::{JsonRecords, Value};
use lakeflow_interface::{Error, ErrorKind, IngestionType, Offset, ReadItem, ReadStream, Records, Result};
use serde_json::Value as Json;

use super::filter::Filter;
use super::pages::TablePage;
use super::position::Position;
use super::side_by_side::side_by_side;
use super::{Ask, Bounds, TableRead, per_parent};
use crate::definition::Parent;

/// Parents that are read for at once, where the definition does not say.
const CONCURRENCY: u64 = 8;

/// What the reads of parents give, in their order.
enum Part {
    /// A page of children, and the read that it belongs to.
    Page(Box<(TableRead, TablePage)>),
    /// The parents before this are complete up to this offset.
    ParentCheckpoint(Offset),
}

/// Reads the children of all parents, or of those that changed.
pub(super) fn read(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let missing = || Error::new(ErrorKind::Internal, format!("table `{}` has no parent", table.plan.name));
    let parent = table.plan.table.parent.clone().ok_or_else(missing)?;
    let width = usize::try_from(parent.concurrency.unwrap_or(CONCURRENCY)).unwrap_or(1);
    if table.plan.metadata.ingestion_type == IngestionType::Snapshot {
        let parts = parts(table, parent, &Offset::beginning(), width)?;
        return Ok(snapshot(parts));
    }
    if table.plan.table.offset.is_some() || table.plan.from().is_some() {
        return per_parent::read(table, parent, start, width);
    }
    let position = Position::read(start, table.cursor_kind()?)?;
    let parent_start = match &position.parent {
        Some(offset) if parent.changed_only => without_greatest(offset),
        _ => Offset::beginning(),
    };
    let is_changed_only = parent.changed_only;
    let parts = parts(table.clone(), parent, &parent_start, width)?;
    Ok(incremental(table, position, start.clone(), parts, is_changed_only))
}

/// The parent's offset, with the rows at its very end not yet read: a child may have come at the same instant, and their
/// cursors do not tell.
fn without_greatest(parent: &Offset) -> Offset {
    let mut entries = parent.entries().clone();
    let end = entries.get("cursor").and_then(Json::as_str).map(|cursor| format!("@{cursor}"));
    if let (Some(end), Some(Json::Array(seen))) = (end, entries.get_mut("seen")) {
        seen.retain(|key| key.as_str().is_none_or(|key| !key.ends_with(&end)));
    }
    Offset::from(entries)
}

fn snapshot(mut parts: BoxStream<'static, Result<Part>>) -> ReadStream {
    let items = try_stream! {
        while let Some(part) = parts.next().await {
            if let Part::Page(page) = part? {
                let (child, page) = *page;
                let places = page.places.clone();
                for item in child.items(&page, places) {
                    yield item;
                }
            }
        }
        yield ReadItem::Checkpoint(Offset::beginning());
    };
    items.boxed()
}

fn incremental(
    table: TableRead,
    position: Position,
    start: Offset,
    mut parts: BoxStream<'static, Result<Part>>,
    is_changed_only: bool,
) -> ReadStream {
    let items = try_stream! {
        let mut filter = Filter::new(&table, position.clone())?.dropping_repeats();
        let mut between = position;
        while let Some(part) = parts.next().await {
            match part? {
                Part::Page(page) => {
                    let (child, page) = *page;
                    for item in filter.take(&child, &page)? {
                        yield item;
                    }
                }
                Part::ParentCheckpoint(offset) if is_changed_only => {
                    filter.position.parent = Some(offset.clone()).filter(|offset| !offset.is_beginning());
                    // A child's cursor says nothing while parents are left; upserts may be replayed, rows that are
                    // only added may not.
                    if !table.plan.is_append() && between.parent.as_ref() != Some(&offset) {
                        between.parent = Some(offset);
                        yield ReadItem::Checkpoint(between.offset());
                    }
                }
                Part::ParentCheckpoint(_) => {}
            }
        }
        let is_same_parent = filter.position.parent.as_ref().map(Offset::entries)
            == start.get("parent").and_then(serde_json::Value::as_object);
        yield if filter.has_moved || !is_same_parent { filter.checkpoint() } else { ReadItem::Checkpoint(start) };
    };
    items.boxed()
}

/// The children of the parents, and the parent's checkpoints between them.
fn parts(table: TableRead, parent: Parent, start: &Offset, width: usize) -> Result<BoxStream<'static, Result<Part>>> {
    let mut parents = super::read(parent_read(&table, &parent)?, start)?;
    let sources = try_stream! {
        while let Some(item) = parents.next().await {
            match item? {
                ReadItem::Records(Records::Json(records)) => {
                    for child in children(&table, &parent, &records)? {
                        yield pages_of(child)?;
                    }
                }
                ReadItem::Checkpoint(offset) => yield stream::iter([Ok(Part::ParentCheckpoint(offset))]).boxed(),
                ReadItem::Records(Records::Arrow(_)) | ReadItem::Deletes(_) => {}
            }
        }
    };
    Ok(side_by_side(sources.boxed(), width))
}

fn pages_of(child: TableRead) -> Result<BoxStream<'static, Result<Part>>> {
    let pages = child.pages(&Bounds::default(), Some(1))?;
    Ok(pages.map(move |page| Ok(Part::Page(Box::new((child.clone(), page?))))).boxed())
}

/// The read of the parent, with what the user gave of the options that both tables have.
pub(super) fn parent_read(table: &TableRead, parent: &Parent) -> Result<TableRead> {
    let missing = || Error::new(ErrorKind::Internal, format!("the parent table `{}` was not looked up", parent.table));
    let mut plan = table.ask.ancestors.get(&parent.table).ok_or_else(missing)?.clone();
    if table.plan.metadata.ingestion_type == IngestionType::Snapshot && plan.table.changes.is_some() {
        // A snapshot wants each row once, as the list has it; what the feed tells besides would come again.
        Arc::make_mut(&mut plan).table.changes = None;
    }
    let shared = plan.settings.iter().filter(|setting| setting.name != "max_records_per_batch");
    let shared = shared.filter_map(|setting| Some((setting.name.as_str(), table.values.given(&setting.name)?)));
    let values = plan.option_settings().resolve(shared)?;
    // A parent that comes again has its children read again, and of these none is handed on twice.
    let ask = Ask { keeps_all: false, ..table.ask.clone() };
    let mut read = TableRead::new(ask, plan, values)?;
    read.beyond_horizon = true;
    Ok(read)
}

/// The reads for the rows of a page of parents: one for each, or for so many at once.
fn children(table: &TableRead, parent: &Parent, records: &JsonRecords) -> Result<Vec<TableRead>> {
    let rows: Vec<_> = records.values().map(|row| fields(parent, records, row)).collect::<Result<_>>()?;
    let child = |scope| {
        let mut child = TableRead { scope, ..table.clone() };
        child.constants = child.constants()?;
        Ok(child)
    };
    let Some(batch) = parent.batch.and_then(|batch| usize::try_from(batch).ok()) else {
        return rows.into_iter().map(|row| child(table.scope.clone().with("parent", row))).collect();
    };
    let lists = rows.chunks(batch).map(|rows| {
        let list: minijinja::value::Value = rows.iter().map(|row| minijinja::value::Value::from(row.clone())).collect();
        child(table.scope.clone().with_value("parents", list))
    });
    lists.collect()
}

/// The fields of a parent row by the names that the child gives them.
pub(super) fn fields(
    parent: &Parent,
    records: &JsonRecords,
    row: Value<'_>,
) -> Result<BTreeMap<String, minijinja::value::Value>> {
    let field = |(name, column): (&String, &lakeflow_interface::ColumnPath)| {
        let constant = match column.parts() {
            [single] => records.constants().iter().find(|(constant, _)| constant == single),
            _ => None,
        };
        let value = match constant {
            Some((_, value)) => value.clone(),
            None => row.get_path(column.parts()).and_then(|value| value.scalar_text().map(Into::into)),
        };
        let missing = || {
            let message = format!("a row of the parent table `{}` has no `{column}`", parent.table);
            Error::new(ErrorKind::BadResponse, message)
        };
        Ok((name.clone(), value.ok_or_else(missing)?.into()))
    };
    parent.r#as.iter().map(field).collect()
}
