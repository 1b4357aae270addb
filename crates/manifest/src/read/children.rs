//! Children: once per row of a parent table, several at once, in the parent's order.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use async_stream::try_stream;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use lakeflow_interface::records::{JsonRecords, Value};
use lakeflow_interface::{Error, ErrorKind, IngestionType, Offset, ReadItem, ReadStream, Records, Result};
use serde_json::Value as Json;

use super::filter::Filter;
use super::pages::TablePage;
use super::position::{Position, Seen};
use super::side_by_side::side_by_side;
use super::{Ask, Bounds, Reach, TableRead, per_parent};
use crate::cursor::Cursor;
use crate::definition::Parent;
use crate::plan::TablePlan;

/// Most records that an offset names as delivered.
const MOST_DELIVERED: usize = 1_000;

/// What the reads of parents give, in their order.
enum Part {
    /// A page of children, and the request that it belongs to.
    Page(Box<(Visit, TablePage)>),
    /// The parents before this are complete up to this offset.
    ParentCheckpoint(Offset),
}

/// One request for children.
#[derive(Clone)]
struct Visit {
    child: TableRead,
    /// The greatest cursor of the parents that it is for, where they have one.
    parent_cursor: Option<Cursor>,
}

/// Reads the children of all parents, or of those that changed.
pub(super) fn read(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let missing = || Error::new(ErrorKind::Internal, format!("table `{}` has no parent", table.plan.name));
    let parent = table.plan.table.parent.clone().ok_or_else(missing)?;
    let width = parent.concurrency.and_then(|most| usize::try_from(most).ok());
    let width = width.unwrap_or(table.ask.client.concurrency());
    if table.plan.metadata.ingestion_type == IngestionType::Snapshot {
        let parents = parent_read(&table, &parent)?;
        return Ok(snapshot(parts(table, parent, parents, &Offset::beginning(), width)?));
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
    let parents = parent_read(&table, &parent)?;
    let reach = parents.reach.clone();
    let parts = parts(table.clone(), parent, parents, &parent_start, width)?;
    Ok(incremental(table, position, start.clone(), parts, reach, is_changed_only))
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

/// Whether the read of the parent has got beyond an offset; one that begins with its last rows again has not.
fn has_gone_on(before: Option<&Offset>, now: &Offset) -> bool {
    let Some(before) = before else { return true };
    if before.get("cursor") != now.get("cursor") {
        return true;
    }
    let seen = |offset: &Offset| {
        let keys = offset.get("seen").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
        keys.map(str::to_owned).collect::<BTreeSet<String>>()
    };
    if now.get("cursor").is_some() && now.get("parent").is_none() {
        return !seen(now).is_subset(&seen(before));
    }
    before.entries() != now.entries()
}

fn snapshot(mut parts: BoxStream<'static, Result<Part>>) -> ReadStream {
    let items = try_stream! {
        while let Some(part) = parts.next().await {
            if let Part::Page(page) = part? {
                let (visit, page) = *page;
                let places = page.places.clone();
                for item in visit.child.items(&page, places) {
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
    reach: Reach,
    is_changed_only: bool,
) -> ReadStream {
    let items = try_stream! {
        let mut filter = Filter::new(&table, position.clone())?.dropping_repeats();
        let mut between = position;
        let mut newest_parent = None;
        while let Some(part) = parts.next().await {
            match part? {
                Part::Page(page) => {
                    let (visit, page) = *page;
                    if visit.parent_cursor > newest_parent {
                        newest_parent.clone_from(&visit.parent_cursor);
                        filter.delivered = Seen::default();
                    }
                    let is_of_newest = visit.parent_cursor.is_some() && visit.parent_cursor == newest_parent;
                    filter.keeps_delivered = is_changed_only && is_of_newest;
                    for item in filter.take(&visit.child, &page)? {
                        yield item;
                    }
                }
                Part::ParentCheckpoint(offset) if is_changed_only => {
                    filter.position.parent = Some(offset.clone()).filter(|offset| !offset.is_beginning());
                    // A child's cursor says nothing while parents are left; upserts may be replayed, rows that are
                    // only added may not.
                    let is_short = filter.delivered.len() <= MOST_DELIVERED;
                    if !table.plan.is_append() && is_short && has_gone_on(between.parent.as_ref(), &offset) {
                        between.parent = Some(offset);
                        between.delivered = filter.delivered.clone();
                        yield ReadItem::Checkpoint(between.offset());
                    }
                }
                Part::ParentCheckpoint(_) => {}
            }
        }
        filter.position.delivered = Seen::default();
        if reach.is_cut_short() {
            // Parents are left whose children may lie before the greatest cursor.
            between.parent.clone_from(&filter.position.parent);
            between.delivered = Some(filter.delivered).filter(|seen| seen.len() <= MOST_DELIVERED).unwrap_or_default();
            yield ReadItem::Checkpoint(between.offset());
            return;
        }
        let is_same_parent = filter.position.parent.as_ref().map(Offset::entries)
            == start.get("parent").and_then(serde_json::Value::as_object);
        yield if filter.has_moved || !is_same_parent { filter.checkpoint() } else { ReadItem::Checkpoint(start) };
    };
    items.boxed()
}

/// The children of the parents, and the parent's checkpoints between them.
fn parts(
    table: TableRead,
    parent: Parent,
    parents: TableRead,
    start: &Offset,
    width: usize,
) -> Result<BoxStream<'static, Result<Part>>> {
    let of_parent = parents.plan.clone();
    let mut parents = super::read(parents, start)?;
    let sources = try_stream! {
        let mut visited = Visited::default();
        while let Some(item) = parents.next().await {
            match item? {
                ReadItem::Records(Records::Json(records)) => {
                    for visit in visits(&table, &parent, &of_parent, &records, &mut visited)? {
                        yield pages_of(visit)?;
                    }
                }
                ReadItem::Checkpoint(offset) => yield stream::iter([Ok(Part::ParentCheckpoint(offset))]).boxed(),
                ReadItem::Records(Records::Arrow(_)) | ReadItem::Deletes(_) => {}
            }
        }
    };
    Ok(side_by_side(sources.boxed(), width))
}

fn pages_of(visit: Visit) -> Result<BoxStream<'static, Result<Part>>> {
    let pages = visit.child.pages(&Bounds::default(), Some(1))?;
    Ok(pages.map(move |page| Ok(Part::Page(Box::new((visit.clone(), page?))))).boxed())
}

/// The parents that were asked for in this read, by a hash of what the child takes from them. Whatever their children have
/// before the horizon came with the first visit, so that a parent which moves meanwhile needs no second one.
#[derive(Default)]
struct Visited(RandomState, HashSet<u64>);

impl Visited {
    fn insert(&mut self, fields: &BTreeMap<String, minijinja::value::Value>) -> bool {
        let text: Vec<String> = fields.values().map(ToString::to_string).collect();
        self.1.insert(self.0.hash_one(text))
    }
}

/// The read of the parent, with what the user gave of the options that both tables have.
pub(super) fn parent_read(table: &TableRead, parent: &Parent) -> Result<TableRead> {
    let missing = || Error::new(ErrorKind::Internal, format!("the parent table `{}` was not looked up", parent.table));
    let mut plan = table.ask.ancestors.get(&parent.table).ok_or_else(missing)?.clone();
    if table.plan.metadata.ingestion_type == IngestionType::Snapshot && plan.table.changes.is_some() {
        // A snapshot wants each row once, as the list has it; what the feed tells besides would come again.
        Arc::make_mut(&mut plan).table.changes = None;
    }
    // A parent that is older than the `start_date` may have children that are not, unless they move it.
    let is_own = |name: &str| name == "max_records_per_batch" || (name == "start_date" && !parent.changed_only);
    let shared = plan.settings.iter().filter(|setting| !is_own(&setting.name));
    let shared = shared.filter_map(|setting| Some((setting.name.as_str(), table.values.given(&setting.name)?)));
    let values = plan.option_settings().resolve(shared)?;
    // A parent that comes again is not visited again.
    let ask = Ask { keeps_all: false, ..table.ask.clone() };
    let mut read = TableRead::new(ask, plan, values)?;
    let is_replaced = matches!(table.plan.metadata.ingestion_type, IngestionType::Cdc | IngestionType::CdcWithDeletes);
    let may_repeat = is_replaced && !table.ask.keeps_all;
    read.reach = match &table.reach {
        // Only a read that comes back to the parents that changed, and may repeat rows, finds what was left.
        Reach::Horizon if parent.changed_only && may_repeat => Reach::EndUnlessBusy(Arc::default()),
        Reach::Horizon => Reach::End,
        of_descendant => of_descendant.clone(),
    };
    Ok(read)
}

/// The requests for the rows of a page of parents: one for each, or for so many at once.
fn visits(
    table: &TableRead,
    parent: &Parent,
    of_parent: &TablePlan,
    records: &JsonRecords,
    visited: &mut Visited,
) -> Result<Vec<Visit>> {
    let mut rows = Vec::new();
    for row in records.values() {
        let fields = fields(parent, records, row)?;
        if visited.insert(&fields) {
            let cursor = of_parent.cursor_of(row).filter(|cursor| !cursor.is_after(table.ask.horizon));
            rows.push((fields, cursor));
        }
    }
    let visit = |scope, parent_cursor| {
        let mut child = TableRead { scope, ..table.clone() };
        child.constants = child.constants()?;
        Ok(Visit { child, parent_cursor })
    };
    let Some(batch) = parent.batch.and_then(|batch| usize::try_from(batch).ok()) else {
        return rows.into_iter().map(|(row, cursor)| visit(table.scope.clone().with("parent", row), cursor)).collect();
    };
    let lists = rows.chunks(batch).map(|rows| {
        let list = rows.iter().map(|(row, _)| minijinja::value::Value::from(row.clone()));
        let list: minijinja::value::Value = list.collect();
        let newest = rows.iter().map(|(_, cursor)| cursor).max().cloned().flatten();
        visit(table.scope.clone().with_value("parents", list), newest)
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
