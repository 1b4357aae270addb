//! Pages of rows: what they are wrapped in, and what is told of the pages before and after.

use super::given::GivenParts;
use super::write::wrapped;
use super::{Answer, Asked, Matched, export, links};
use crate::api::{Cursor, Endpoint, Given, Listing, Names, Parameter, Problem, Shape, carries, fill, read};
use crate::definition::{ColumnSpec, Format, Json, Packing, PaginationStyle, Show, write_json};
use crate::query::{Page, Position, answer, locate};
use crate::server::Shared;
use crate::state::State;
use crate::table::Comparand;

/// Where the rows stand in a wrapped body, until they are written.
const ROWS: &str = "\u{1}rows\u{1}";

impl Shared {
    /// Answers with the row that the path selects, or with a page of rows.
    pub(super) fn read_rows(
        &self,
        asked: &Asked<'_>,
        matched: &Matched<'_>,
        (table, given): (usize, &GivenParts),
    ) -> Result<Answer, Answer> {
        let (state, endpoint) = (self.state(), matched.endpoint);
        let response = &endpoint.response;
        let mut parameters = given.parameters.clone();
        parameters.extend(self.parameters_of_job(asked, matched)?);
        let given = Given { parameters: &parameters, body: given.body.as_ref() };
        let listing = read(&self.world, &state, endpoint, matched.values, given)
            .map_err(|problem| self.refused(asked, &problem))?;
        let Some(listing) = listing else { return Err(self.refused(asked, &Problem::not_found())) };
        if response.single_entity {
            let row = listing.row.ok_or_else(|| self.refused(asked, &Problem::not_found()))?;
            return Ok(self.single(&state, endpoint, (table, row), &listing.shape));
        }
        let page =
            answer(&self.world, &state, &self.index, &listing.query).map_err(|too_large| self.too_large(&too_large))?;
        let mut names = self.names(matched);
        if let Some(empty) = response.empty.as_ref().filter(|_| page.rows.is_empty()) {
            return Err(Answer::of_template(empty, &names));
        }
        let place = PagePlace { shared: self, state: &state, asked, endpoint, listing: &listing, page: &page };
        names.extend(place.names());
        let rows = self.rows_of(&state, &listing, &page.rows);
        let (body, content_type) = match (response.format, response.packing) {
            (Format::Json, Packing::None) => {
                (self.listed(endpoint, (&rows, page.rows.len()), place.has_more(), &names), super::JSON)
            }
            _ => export::export(&rows, response).map_err(|error| {
                Answer::json(500, &Json::Object(vec![("message".to_owned(), Json::Text(error.to_string()))]))
            })?,
        };
        let mut answer = Answer::of(response.status, content_type, body);
        if response.pagination == PaginationStyle::LinkHeader {
            answer.headers.extend(place.link_header().map(|link| ("link".to_owned(), link)));
        }
        Ok(answer)
    }

    fn single(&self, state: &State, endpoint: &Endpoint, (table, row): (usize, u64), shape: &Shape) -> Answer {
        let response = &endpoint.response;
        if response.records_key.is_none() && shape.is_plain() {
            let mut out = Vec::new();
            self.world.row(state, table, row).write(&mut out);
            return Answer::of(response.status, super::JSON, out);
        }
        let record = self.record(state, (table, row), shape);
        Answer::json(response.status, &wrapped(response.records_key.as_deref(), record))
    }

    /// The rows as JSON with commas between them.
    fn rows_of(&self, state: &State, listing: &Listing, slots: &[u64]) -> Vec<u8> {
        let table = listing.query.table;
        let mut out = Vec::with_capacity(self.typical_size(slots.len()));
        for (position, slot) in slots.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            if listing.shape.is_plain() {
                self.world.row(state, table, *slot).write(&mut out);
            } else {
                write_json(&self.record(state, (table, *slot), &listing.shape), &mut out);
            }
        }
        self.note_size(slots.len(), out.len());
        out
    }

    /// One record, with the fields that are chosen and the rows in the place of identities.
    pub(super) fn record(&self, state: &State, (table, slot): (usize, u64), shape: &Shape) -> Json {
        let mut out = Vec::new();
        self.world.row(state, table, slot).write(&mut out);
        // Everything that is written is JSON.
        let mut record = serde_json::from_slice(&out).unwrap_or(Json::Null);
        for (field, of) in &shape.expand {
            self.expand(state, &mut record, field, *of);
        }
        if let Some((under, fields)) = &shape.select {
            select(&mut record, under.as_deref(), fields);
        }
        record
    }

    fn expand(&self, state: &State, record: &mut Json, field: &str, table: usize) {
        let Some(value) = record.get(field.split('.')).and_then(Json::as_parameter) else { return };
        let identity = &self.world.tables.get(table).identity;
        let wanted = Comparand::new(&value);
        if let Some(slot) = locate(&self.world, state, table, (identity, &wanted), Show::All) {
            let row = self.record(state, (table, slot), &Shape::default());
            record.insert(field, row);
        }
    }

    /// The body of a list.
    fn listed(&self, endpoint: &Endpoint, (rows, count): (&[u8], usize), has_more: bool, names: &Names<'_>) -> Vec<u8> {
        let response = &endpoint.response;
        if !response.columns.is_empty() {
            return side_by_side(endpoint, rows, names);
        }
        let Some(key) = &response.records_key else { return [b"[", rows, b"]"].concat() };
        let mut body = Json::Object(Vec::new());
        body.insert(key, Json::Text(ROWS.to_owned()));
        let sometimes = if has_more { &response.extras_if_more } else { &response.extras_at_end };
        for (key, extra) in response.extras.iter().chain(sometimes) {
            body.insert(key, fill(extra, names));
        }
        let mut frame = Vec::new();
        write_json(&body, &mut frame);
        let marker = serde_json::Value::from(ROWS).to_string();
        let text = String::from_utf8_lossy(&frame);
        let (before, after) = text.split_once(&marker).unwrap_or((&text, ""));
        let mut out = Vec::with_capacity(rows.len() + frame.len() + count);
        for part in [before.as_bytes(), b"[", rows, b"]", after.as_bytes()] {
            out.extend_from_slice(part);
        }
        out
    }
}

/// A body of arrays side by side instead of rows.
fn side_by_side(endpoint: &Endpoint, rows: &[u8], names: &Names<'_>) -> Vec<u8> {
    // Everything that is written is JSON.
    let records: Vec<Json> = serde_json::from_slice(&[b"[", rows, b"]"].concat()).unwrap_or_default();
    let values = |field: &String| {
        let value = |record: &Json| record.get(field.split('.')).cloned().unwrap_or(Json::Null);
        Json::List(records.iter().map(value).collect())
    };
    let mut body = Json::Object(Vec::new());
    for (place, column) in &endpoint.response.columns {
        let column = match column {
            ColumnSpec::Field(field) => values(field),
            ColumnSpec::Fields(fields) => Json::List(fields.iter().map(values).collect()),
        };
        body.insert(place, column);
    }
    for (key, extra) in &endpoint.response.extras {
        body.insert(key, fill(extra, names));
    }
    let mut out = Vec::new();
    write_json(&body, &mut out);
    out
}

impl Shape {
    /// Whether records are as the corpus has them.
    fn is_plain(&self) -> bool {
        self.select.is_none() && self.expand.is_empty()
    }
}

fn select(record: &mut Json, under: Option<&str>, chosen: &[String]) {
    let Json::Object(fields) = record else { return };
    match under.map(|under| under.split_once('.').map_or((under, None), |(first, rest)| (first, Some(rest)))) {
        Some((first, rest)) => {
            if let Some((_, below)) = fields.iter_mut().find(|(key, _)| key == first) {
                select(below, rest, chosen);
            }
        }
        None => fields.retain(|(key, _)| chosen.iter().any(|one| one.split('.').next() == Some(key))),
    }
}

/// A page among the others.
pub(super) struct PagePlace<'a> {
    shared: &'a Shared,
    state: &'a State,
    asked: &'a Asked<'a>,
    endpoint: &'a Endpoint,
    listing: &'a Listing,
    page: &'a Page,
}

impl<'a> PagePlace<'a> {
    fn end(&self) -> u64 {
        self.page.first + self.page.rows.len() as u64
    }

    /// Whether there is another page in the direction of reading.
    fn has_more(&self) -> bool {
        if self.listing.query.before.is_some() { self.page.first > 0 } else { self.end() < self.page.total }
    }

    /// What the body may tell of the place in the listing.
    fn names(&self) -> Names<'a> {
        let (query, more) = (&self.listing.query, self.has_more());
        let next = |value: u64| if more { value.into() } else { serde_json::Value::Null };
        let cursor = self.cursor();
        let next_offset = query.offset.saturating_add(self.page.rows.len() as u64);
        let mut names: Names<'a> = vec![
            ("total", self.page.total.into()),
            ("count", self.page.rows.len().into()),
            ("page", self.listing.page.into()),
            ("per_page", query.limit.into()),
            ("pages", self.page.total.div_ceil(query.limit.max(1)).into()),
            ("offset", query.offset.into()),
            ("next_page", next(self.listing.page.saturating_add(1))),
            ("next_offset", next(next_offset)),
            ("has_more", more.into()),
            ("at_end", (!more).into()),
            ("cursor", cursor.clone().into()),
            ("next_cursor", if more { cursor.into() } else { serde_json::Value::Null }),
            ("url", links::address(self.asked, self.asked.query, &[]).into()),
            ("next_url", self.next_url().into()),
            ("delta_url", self.delta_url().into()),
            ("base", self.asked.base.into()),
        ];
        for field in &self.endpoint.page_fields {
            let slot = if field.is_last { self.page.rows.last() } else { self.page.rows.first() };
            let value = slot.map(|slot| {
                let row = self.shared.record(self.state, (query.table, *slot), &Shape::default());
                row.get(field.field.path.iter().map(String::as_str)).map_or(serde_json::Value::Null, Json::to_value)
            });
            names.push((&field.name, value.unwrap_or_default()));
        }
        names
    }

    /// The cursor behind the last row of the page; of an empty page the one that it was asked with.
    fn cursor(&self) -> Option<String> {
        let spec = self.endpoint.parameters.values().find_map(|parameter| match parameter {
            Parameter::Cursor(spec) | Parameter::Delta(spec) => Some(spec),
            _ => None,
        })?;
        let query = &self.listing.query;
        let position = match self.page.rows.last() {
            Some(slot) => Some(Position::of(&self.shared.world, self.state, query, *slot)),
            None => query.after.clone(),
        };
        let is_own = |name: &str| {
            let parameter = self.endpoint.parameters.get(name);
            matches!(parameter, Some(Parameter::Cursor(_) | Parameter::Delta(_) | Parameter::PageSize(_)))
        };
        let remembered = self.listing.parameters.iter().filter(|(name, _)| carries(spec) && !is_own(name));
        Some(Cursor { position, query: remembered.cloned().collect() }.encode())
    }

    /// The address of the next page, where there is one.
    fn next_url(&self) -> Option<String> {
        if !self.has_more() {
            return None;
        }
        let parameter = |is_role: fn(&Parameter) -> bool| self.endpoint.parameter(is_role);
        if let Some(name) = parameter(|role| matches!(role, Parameter::Cursor(_))).filter(|_| self.uses_cursor()) {
            return Some(self.with_cursor(name));
        }
        let (name, value) = match parameter(|role| matches!(role, Parameter::Page { .. })) {
            Some(name) => (name, self.listing.page.saturating_add(1)),
            None => (
                parameter(|role| matches!(role, Parameter::Offset))?,
                self.listing.query.offset + self.page.rows.len() as u64,
            ),
        };
        Some(links::address(self.asked, self.asked.query, &[(name, &value.to_string())]))
    }

    /// The address of what changes from now on, on the last page.
    fn delta_url(&self) -> Option<String> {
        let name = self.endpoint.parameter(|role| matches!(role, Parameter::Delta(_))).filter(|_| !self.has_more())?;
        Some(self.with_cursor(name))
    }

    fn with_cursor(&self, name: &str) -> String {
        let cursor = self.cursor().unwrap_or_default();
        let spec = self.endpoint.parameters.get(name);
        let alone = matches!(spec, Some(Parameter::Cursor(spec) | Parameter::Delta(spec)) if carries(spec));
        let is_kept = |name: &str| match self.endpoint.parameters.get(name) {
            Some(Parameter::Cursor(_) | Parameter::Delta(_) | Parameter::Page { .. }) => false,
            Some(Parameter::PageSize(_)) => true,
            _ => !alone,
        };
        let kept: Vec<(String, String)> = self.asked.query.iter().filter(|(name, _)| is_kept(name)).cloned().collect();
        links::address(self.asked, &kept, &[(name, &cursor)])
    }

    /// Whether the next page is found by a cursor: it must be, or this one was, or the simulator was told so.
    fn uses_cursor(&self) -> bool {
        let has_page = self.endpoint.parameter(|role| matches!(role, Parameter::Page { .. })).is_some();
        !has_page || self.listing.query.after.is_some() || self.shared.cursor_links
    }

    /// The `Link` header's value; none where one page holds everything.
    fn link_header(&self) -> Option<String> {
        let cursor = self.endpoint.parameter(|role| matches!(role, Parameter::Cursor(_)));
        if cursor.is_some() && self.uses_cursor() {
            return self.next_url().map(|next| format!("<{next}>; rel=\"next\""));
        }
        links::link_header(self.asked, self.endpoint, self.listing, self.page.total)
    }
}
