//! Children whose source says what is new: each parent's list has a place of its own.

use std::collections::{BTreeMap, BTreeSet};

use async_stream::try_stream;
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use lakeflow_interface::records::JsonRecords;
use lakeflow_interface::{Error, ErrorKind, Offset, ReadItem, ReadStream, Records, Result};
use serde_json::{Map, Value as Json};

use super::TableRead;
use super::children::{fields, parent_read};
use super::side_by_side::side_by_side;
use crate::definition::Parent;

/// Records after which a checkpoint is worth its size: it has the places of all parents.
const WORTH_A_CHECKPOINT: usize = 20_000;

/// What the reads of parents give, in their order.
enum Part {
    /// An item of the list of this parent.
    Item(String, ReadItem),
    /// The list of this parent has ended.
    End,
}

/// Reads the list of each parent from where the last read of it ended.
pub(super) fn read(table: TableRead, parent: Parent, start: &Offset, width: usize) -> Result<ReadStream> {
    let mut places = Places::read(start)?;
    let mut parts = parts(table.clone(), parent.clone(), places.0.clone(), width)?;
    let start = start.clone();
    let least = table.batch().min(WORTH_A_CHECKPOINT);
    let items = try_stream! {
        let mut visited = BTreeSet::new();
        let (mut since, mut has_new) = (0, false);
        while let Some(part) = parts.next().await {
            match part? {
                Part::Item(parent, ReadItem::Checkpoint(offset)) => {
                    visited.insert(parent.clone());
                    if !offset.is_beginning() {
                        places.0.insert(parent, offset);
                    }
                }
                Part::Item(_, item) => {
                    has_new = true;
                    since += match &item {
                        ReadItem::Records(records) | ReadItem::Deletes(records) => records.len(),
                        ReadItem::Checkpoint(_) => 0,
                    };
                    yield item;
                }
                Part::End if since >= least => {
                    since = 0;
                    yield ReadItem::Checkpoint(places.offset());
                }
                Part::End => {}
            }
        }
        if has_new {
            // Parents that are gone need no place; with `changed_only` the others were not looked at.
            if !parent.changed_only {
                places.0.retain(|parent, _| visited.contains(parent));
            }
            yield ReadItem::Checkpoint(places.offset());
        } else {
            yield ReadItem::Checkpoint(start);
        }
    };
    Ok(items.boxed())
}

/// The place of each parent's list, by the parent's fields.
struct Places(BTreeMap<String, Offset>);

impl Places {
    fn read(offset: &Offset) -> Result<Self> {
        let invalid = || Error::new(ErrorKind::Configuration, format!("`{offset}` is not an offset of this table"));
        let places = offset.get("parents").and_then(Json::as_object);
        if places.is_none() && !offset.is_beginning() {
            return Err(invalid());
        }
        let place = |(parent, place): (&String, &Json)| {
            Ok((parent.clone(), Offset::from(place.as_object().ok_or_else(invalid)?.clone())))
        };
        places.into_iter().flatten().map(place).collect::<Result<_>>().map(Self)
    }

    fn offset(&self) -> Offset {
        let places = self.0.iter().map(|(parent, place)| (parent.clone(), Json::Object(place.entries().clone())));
        Offset::beginning().with("parents", Json::Object(Map::from_iter(places)))
    }
}

fn parts(
    table: TableRead,
    parent: Parent,
    places: BTreeMap<String, Offset>,
    width: usize,
) -> Result<BoxStream<'static, Result<Part>>> {
    let mut parents = super::read(parent_read(&table, &parent)?, &Offset::beginning())?;
    let sources = try_stream! {
        while let Some(item) = parents.next().await {
            if let ReadItem::Records(Records::Json(records)) = item? {
                for (name, child) in lists(&table, &parent, &records)? {
                    let start = places.get(&name).cloned().unwrap_or_default();
                    let items = super::read_list(child, &start)?;
                    let of_parent = name.clone();
                    let items = items.map(move |item| Ok(Part::Item(of_parent.clone(), item?)));
                    yield items.chain(stream::iter([Ok(Part::End)])).boxed();
                }
            }
        }
    };
    Ok(side_by_side(sources.boxed(), width))
}

/// The reads for the rows of a page of parents, each with the name of its parent.
fn lists(table: &TableRead, parent: &Parent, records: &JsonRecords) -> Result<Vec<(String, TableRead)>> {
    let list = |row| {
        let fields = fields(parent, records, row)?;
        let name: Vec<String> = fields.values().map(ToString::to_string).collect();
        let mut child = TableRead { scope: table.scope.clone().with("parent", fields), ..table.clone() };
        child.constants = child.constants()?;
        Ok((name.join("/"), child))
    };
    records.values().map(list).collect()
}
