//! Once whole, then by a feed of changes.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use async_stream::try_stream;
use chrono::{DateTime, Duration, Utc};
use futures::StreamExt;
use lakeflow_http::{FetchedPage, PageSettings, Pagination, Request};
use lakeflow_interface::records::{JsonRecords, Value};
use lakeflow_interface::{Error, ErrorKind, Offset, ReadItem, ReadStream, Records, Result};
use serde_json::{Value as Json, json};

use super::compose::List;
use super::{Bounds, TableRead, request};
use crate::check::pagination::target;
use crate::cursor::{Cursor, CursorKind};
use crate::definition::Changes;
use crate::path::{FieldPath, JsonPath};
use crate::plan::FeedPlan;

/// How far before the beginning of the first read the feed is read from: clocks differ, and a change comes twice rather
/// than never.
const OVERLAP: Duration = Duration::minutes(5);

/// Reads all rows once, then what the feed tells.
pub(super) fn read(table: TableRead, start: &Offset) -> Result<ReadStream> {
    let missing = || Error::new(ErrorKind::Internal, format!("table `{}` has no feed", table.plan.name));
    let changes = table.plan.table.changes.clone().ok_or_else(missing)?;
    let feed = table.plan.feed.clone().ok_or_else(missing)?;
    let mut place = Place::read(start, table.ask.horizon)?;
    let start = start.clone();
    let items = try_stream! {
        if start.is_beginning() {
            // What the feed has told before the list is asked for is in the list.
            place = FeedRead::new(&table, feed.clone(), changes.clone(), place.clone()).passed_over().await?;
        }
        if let Some(after) = place.backfill.take() {
            let mut pages = backfill(&table, &changes, &after)?;
            while let Some(fetched) = pages.next().await {
                let fetched = fetched?;
                let reached = table.last_record(&fetched);
                let page = table.clone().read_page(fetched).await?;
                let places = page.places.clone();
                let has_rows = !places.is_empty();
                for item in table.items(&page, places) {
                    yield item;
                }
                if has_rows && reached.is_some() {
                    yield ReadItem::Checkpoint(Place { backfill: Some(reached), ..place.clone() }.offset());
                }
            }
            yield ReadItem::Checkpoint(place.offset());
        }
        place.check_age(&feed, table.ask.horizon)?;
        let unchanged = if start.get("backfill").is_none() && !start.is_beginning() { start } else { place.offset() };
        let mut reading = FeedRead::new(&table, feed, changes, place);
        let mut pages = reading.pages()?;
        while let Some(fetched) = pages.next().await {
            for item in reading.take(&fetched?)? {
                yield item;
            }
        }
        yield ReadItem::Checkpoint(reading.end(unchanged));
    };
    Ok(items.boxed())
}

/// How far a table has been read.
#[derive(Clone, Debug)]
struct Place {
    /// While all rows are read: behind which record to go on.
    backfill: Option<Option<Json>>,
    /// Where the feed goes on.
    feed: Cursor,
    /// The events at that instant that were handed on; with a `lookback`, those so much before it too.
    seen: BTreeSet<String>,
}

impl Place {
    fn read(offset: &Offset, horizon: DateTime<Utc>) -> Result<Self> {
        if offset.is_beginning() {
            let feed = Cursor::at(horizon - OVERLAP);
            return Ok(Self { backfill: Some(None), feed, seen: BTreeSet::new() });
        }
        let invalid = || {
            Error::new(ErrorKind::Configuration, format!("`{offset}` is not an offset of this table"))
                .with_hint("the definition of the connector may have changed; a full refresh reads the table anew")
        };
        let feed = offset.get("feed").and_then(Json::as_str).and_then(|text| CursorKind::Instant.parse(text));
        let seen = offset.get("seen").and_then(Json::as_array).into_iter().flatten();
        Ok(Self {
            backfill: offset.get("backfill").map(|backfill| Some(backfill["after"].clone())),
            feed: feed.ok_or_else(invalid)?,
            seen: seen.filter_map(|id| id.as_str().map(str::to_owned)).collect(),
        })
    }

    fn offset(&self) -> Offset {
        let offset = Offset::beginning().with("feed", self.feed.text.to_string());
        let offset = match &self.backfill {
            Some(Some(after)) => offset.with("backfill", json!({ "after": after })),
            _ => offset,
        };
        if self.seen.is_empty() { offset } else { offset.with("seen", self.seen.iter().cloned().collect::<Vec<_>>()) }
    }

    /// Changes that the feed no longer has would be lost without a word.
    fn check_age(&self, feed: &FeedPlan, horizon: DateTime<Utc>) -> Result<()> {
        let Some(reach) = feed.feed.horizon else { return Ok(()) };
        let oldest = Duration::from_std(reach.0).ok().and_then(|reach| horizon.checked_sub_signed(reach));
        if self.feed.instant().zip(oldest).is_none_or(|(last, oldest)| last >= oldest) {
            return Ok(());
        }
        let message = format!(
            "the feed of changes reaches back {}, but the last read was up to {}",
            humantime::format_duration(reach.0),
            self.feed.text
        );
        Err(Error::new(ErrorKind::Configuration, message)
            .with_hint("changes between may be lost; run with a full refresh of this table to read it anew"))
    }
}

/// All rows, behind some record.
fn backfill(table: &TableRead, changes: &Changes, after: &Option<Json>) -> Result<lakeflow_http::PageStream> {
    let mut request = table.request(&Bounds::default())?;
    let begin = table.start(CursorKind::Instant);
    if let (Some(bound), Some(begin)) = (&changes.start, begin) {
        let bound = bound.full();
        let shift = if bound.inclusive { 0 } else { -1 };
        let value = begin.bound(bound.format.as_ref(), shift, table.time_zone()?);
        if let Some(into) = target(bound.param.as_ref(), bound.body.as_ref(), None) {
            into.set(&mut request, &value.into());
        }
    }
    if let (Pagination::LastRecord { into, .. }, Some(after)) = (&table.plan.pagination, after) {
        into.set(&mut request, after);
    }
    Ok(table.fetched(request, table.plan.pagination.clone(), None))
}

impl TableRead {
    /// Behind which record a list goes on, where its pages follow each other so.
    fn last_record(&self, fetched: &FetchedPage) -> Option<Json> {
        let Pagination::LastRecord { field, .. } = &self.plan.pagination else { return None };
        let list = fetched.page.root().get_path(&self.plan.records.path.keys())?;
        let value = list.items().last()?.get_path(field)?;
        serde_json::from_str(value.raw()).ok()
    }
}

/// A read of the feed.
struct FeedRead {
    table: TableRead,
    feed: Arc<FeedPlan>,
    changes: Changes,
    record: JsonPath,
    place: Place,
    /// How far before the place the feed is asked again, for what it lists late.
    lookback: Duration,
    /// The events that a later read will be told of again: those no further than `lookback` before the latest.
    latest: BTreeSet<(Cursor, String)>,
    /// Whether an event was handed on.
    has_moved: bool,
    /// Versions of rows that were handed on: of several with the same sequence, the newest is the first that a list with
    /// the newest first has.
    versions: HashSet<u64>,
    hasher: RandomState,
}

impl FeedRead {
    fn new(table: &TableRead, feed: Arc<FeedPlan>, changes: Changes, place: Place) -> Self {
        let record = changes.record.clone().unwrap_or_else(|| feed.feed.record.clone());
        Self {
            table: table.clone(),
            feed,
            changes,
            record,
            place,
            lookback: table.lookback(),
            latest: BTreeSet::new(),
            has_moved: false,
            versions: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    fn pages(&self) -> Result<lakeflow_http::PageStream> {
        let mut settings = PageSettings::new(self.feed.pagination.clone());
        settings.records = self.feed.feed.events.keys();
        settings.page_size = self.feed.page_size.as_ref().map(|size| size.default);
        let ask = &self.table.ask;
        Ok(lakeflow_http::pages(&ask.client, self.request()?, settings, ask.metrics.clone()))
    }

    fn request(&self) -> Result<Request> {
        let types = self.changes.upsert.iter().chain(&self.changes.delete);
        let types: minijinja::value::Value = types.map(|kind| minijinja::value::Value::from(kind.as_str())).collect();
        let scope = self.table.scope.clone().with("feed", [("types".to_owned(), types)].into());
        let mut asked = request(&self.feed.request, &scope)?;
        let bound = self.feed.feed.from.full();
        let shift = if bound.inclusive { 0 } else { -1 };
        let value = self.earliest().bound(bound.format.as_ref(), shift, self.table.time_zone()?);
        if let Some(into) = target(bound.param.as_ref(), bound.body.as_ref(), None) {
            into.set(&mut asked, &value.into());
        }
        if let Some(size) = &self.feed.page_size
            && let Some(into) = target(size.param.as_ref(), size.body.as_ref(), None)
        {
            into.set(&mut asked, &size.default.into());
        }
        Ok(self.table.judged(asked))
    }

    /// The rows that the events of a page tell of.
    fn take(&mut self, fetched: &FetchedPage) -> Result<Vec<ReadItem>> {
        let page = &fetched.page;
        let (mut upserts, mut deletes) = (List::new(page.len()), List::new(0));
        for event in self.feed.feed.events.select(page)? {
            self.event(page.at(event), &mut upserts, &mut deletes)?;
        }
        let mut items = Vec::new();
        for (list, is_deleted) in [(upserts, false), (deletes, true)] {
            if list.is_empty() {
                continue;
            }
            let page = Arc::new(list.page()?);
            let places = JsonPath::default().select(&page)?;
            let records = Records::Json(JsonRecords::new(page, places).with_constants(self.table.constants.clone()));
            items.push(if is_deleted { ReadItem::Deletes(records) } else { ReadItem::Records(records) });
        }
        Ok(items)
    }

    fn event(&mut self, event: Value<'_>, upserts: &mut List, deletes: &mut List) -> Result<()> {
        let feed = &self.feed.feed;
        let kind = text_of(&feed.r#type, event)?;
        let is_delete = matches(&self.changes.delete, &kind);
        if !is_delete && !matches(&self.changes.upsert, &kind) {
            return Ok(());
        }
        let id = text_of(&feed.id, event)?;
        let sequence = feed.sequence.find(event).ok_or_else(|| missing(&feed.sequence))?;
        let instant = CursorKind::Instant.read(sequence).ok_or_else(|| missing(&feed.sequence))?;
        if instant.is_after(self.table.ask.horizon) || instant < self.earliest() {
            return Ok(());
        }
        let is_known = self.place.seen.contains(&id);
        self.note(instant.clone(), id);
        if is_known {
            return Ok(());
        }
        self.has_moved = true;
        let column = self.table.plan.metadata.cursor_field.as_ref().map(ToString::to_string).unwrap_or_default();
        // The children of a row are read once, however often it changed.
        let version_at = (!self.table.reach.is_beyond_horizon()).then_some(&instant);
        for found in self.record.select_in(event)? {
            let version = self.hasher.hash_one(self.table.identity(found.value, version_at));
            if !self.versions.insert(version) {
                continue;
            }
            let list = if is_delete { &mut *deletes } else { &mut *upserts };
            let fields = self.table.plan.table.add_fields.iter().filter(|(name, _)| **name != column);
            let fields = fields.map(|(name, path)| (name.as_str(), super::compose::field(path, event, found)));
            list.record(found.value, fields, &[(&column, sequence.raw())])?;
        }
        Ok(())
    }

    /// From where on the feed is asked.
    fn earliest(&self) -> Cursor {
        self.place.feed.before(self.lookback)
    }

    /// The latest instant that is known: of an event, or of the place.
    fn greatest(&self) -> &Cursor {
        self.latest.last().map_or(&self.place.feed, |(last, _)| last.max(&self.place.feed))
    }

    /// Notes an event, and forgets those that no later read is told of.
    fn note(&mut self, instant: Cursor, id: String) {
        if instant.is_within(self.lookback, self.greatest()) {
            self.latest.insert((instant, id));
        }
        while let Some((first, _)) = self.latest.first()
            && !first.is_within(self.lookback, self.greatest())
        {
            self.latest.pop_first();
        }
    }

    /// The place behind all that the feed tells now, of which nothing is handed on.
    async fn passed_over(mut self) -> Result<Place> {
        let mut pages = self.pages()?;
        while let Some(fetched) = pages.next().await {
            self.take(&fetched?)?;
        }
        Ok(self.reached())
    }

    /// The place behind all events that were taken.
    fn reached(self) -> Place {
        let greatest = self.greatest().clone();
        let latest = self.latest.into_iter().map(|(_, id)| id);
        let seen = if greatest == self.place.feed {
            self.place.seen.into_iter().chain(latest).collect()
        } else {
            latest.collect()
        };
        let feed = Cursor::at(greatest.instant().unwrap_or(self.table.ask.horizon));
        Place { feed, seen, ..self.place }
    }

    /// The offset behind all that was handed on. A place that would soon be out of the feed's reach moves on even when
    /// nothing happened.
    fn end(self, unchanged: Offset) -> Offset {
        if self.has_moved {
            return self.reached().offset();
        }
        let horizon = self.table.ask.horizon;
        let reach = self.feed.feed.horizon.and_then(|reach| Duration::from_std(reach.0).ok());
        let is_old = reach.zip(self.place.feed.instant()).is_some_and(|(reach, last)| horizon - last > reach / 4);
        if is_old {
            let feed = Cursor::at(horizon - OVERLAP);
            let known = self.latest.into_iter().filter(|(instant, _)| instant.is_within(self.lookback, &feed));
            let seen = known.map(|(_, id)| id).collect();
            return Place { backfill: None, feed, seen }.offset();
        }
        unchanged
    }
}

fn text_of(path: &FieldPath, event: Value<'_>) -> Result<String> {
    let text = path.find(event).and_then(Value::scalar_text);
    text.map(|text| text.into_owned()).ok_or_else(|| missing(path))
}

fn missing(path: &FieldPath) -> Error {
    Error::new(ErrorKind::BadResponse, format!("an event of the feed has no `{path}`"))
}

/// Whether a type is among some; `customer.*` stands for all that begin so.
fn matches(types: &[String], kind: &str) -> bool {
    types.iter().any(|known| match known.strip_suffix('*') {
        Some(beginning) => kind.starts_with(beginning),
        None => known == kind,
    })
}
