//! `TablePlan`: a table of a definition, checked, with all that follows from what is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use lakeflow_http::Pagination;
use lakeflow_interface::records::Value;
use lakeflow_interface::{CursorOrder, IngestionType, TableMetadata};

use crate::check::pagination::compile;
use crate::cursor::{Cursor, CursorKind};
use crate::definition::{
    ErrorRule, Feed, FullBound, FullRecords, FullRequest, Http, Incremental, Oldest, OptionDeclaration, PageSize, Span,
    Table, ValueType,
};
use crate::setting::Setting;

/// A table, checked.
#[derive(Clone, Debug)]
pub(crate) struct TablePlan {
    pub(crate) name: String,
    pub(crate) schema: SchemaRef,
    pub(crate) metadata: TableMetadata,
    /// Declared options, then derived ones.
    pub(crate) settings: Vec<Setting>,
    pub(crate) request: FullRequest,
    pub(crate) records: FullRecords,
    pub(crate) pagination: Pagination,
    pub(crate) page_size: Option<PageSize>,
    pub(crate) cursor_kind: Option<CursorKind>,
    /// What answers with certain statuses mean.
    pub(crate) rules: BTreeMap<u16, Vec<ErrorRule>>,
    pub(crate) feed: Option<Arc<FeedPlan>>,
    /// The read of deleted rows, where it is one of its own.
    pub(crate) deletes: Option<Arc<TablePlan>>,
    /// What tells it from others of its family: `{{ table.NAME }}`.
    pub(crate) words: BTreeMap<String, String>,
    /// The columns that the source tells of.
    pub(crate) discovered: Vec<String>,
    /// The table as it is written.
    pub(crate) table: Table,
}

/// A feed of changes, checked.
#[derive(Clone, Debug)]
pub(crate) struct FeedPlan {
    pub(crate) feed: Feed,
    pub(crate) request: FullRequest,
    pub(crate) pagination: Pagination,
    pub(crate) page_size: Option<PageSize>,
}

/// How a table is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadKind {
    /// Everything, each time.
    Snapshot,
    /// From the stored cursor on, oldest first.
    Ascending,
    /// All that is new, in an order that allows one checkpoint only: at the end.
    Drained,
    /// Range by range.
    Windows,
    /// Range by range, each when it is complete.
    CompleteWindows,
    /// Once per row of a parent.
    Children,
    /// By a token of the source.
    Tokens,
    /// Once whole, then by a feed.
    Changes,
}

impl FeedPlan {
    pub(crate) fn new(feed: &Feed, http: &Http) -> Self {
        Self {
            request: feed.request.full(),
            pagination: compile(feed.pagination.as_ref().or(http.pagination.as_ref())),
            page_size: feed.page_size.clone().or_else(|| http.page_size.clone()),
            feed: feed.clone(),
        }
    }
}

impl TablePlan {
    pub(crate) fn new(
        name: &str,
        table: &Table,
        http: &Http,
        schema: SchemaRef,
        settings: Vec<Setting>,
        cursor_kind: Option<CursorKind>,
        feed: Option<Arc<FeedPlan>>,
    ) -> Self {
        let metadata = TableMetadata {
            primary_keys: table.primary_keys.clone(),
            cursor_field: table.cursor_field.clone(),
            ingestion_type: table.ingestion_type,
            order: table.incremental.as_ref().map(|incremental| incremental.order).unwrap_or_default(),
        };
        let mut rules: BTreeMap<u16, Vec<ErrorRule>> = BTreeMap::new();
        for (status, rule) in table.errors.0.iter().chain(&http.errors.0) {
            rules.entry(status.0).or_default().push(rule.clone());
        }
        let mut plan = Self {
            name: name.to_owned(),
            schema,
            metadata,
            settings,
            request: table.request.full(),
            records: table.records.full(),
            pagination: compile(table.pagination.as_ref().or(http.pagination.as_ref())),
            page_size: table.page_size.clone().or_else(|| http.page_size.clone()),
            cursor_kind,
            rules,
            feed,
            deletes: None,
            words: BTreeMap::new(),
            discovered: Vec::new(),
            table: table.clone(),
        };
        plan.deletes = plan.read_of_deletes(http).map(Arc::new);
        plan
    }

    /// The read of deleted rows, where it is one of its own: a table of the same columns.
    fn read_of_deletes(&self, http: &Http) -> Option<Self> {
        let deletes = self.table.deletes.as_ref()?;
        let table = Table {
            ingestion_type: IngestionType::Cdc,
            request: deletes.request.clone()?,
            records: deletes.records.clone(),
            add_fields: deletes.add_fields.clone(),
            incremental: Some(deletes.incremental.clone()),
            pagination: deletes.pagination.clone().or_else(|| self.table.pagination.clone()),
            page_size: deletes.page_size.clone().or_else(|| self.table.page_size.clone()),
            errors: deletes.errors.clone(),
            offset: None,
            changes: None,
            deletes: None,
            job: None,
            format: None,
            ..self.table.clone()
        };
        let (schema, settings) = (self.schema.clone(), self.settings.clone());
        Some(Self::new(&self.name, &table, http, schema, settings, self.cursor_kind, None))
    }

    /// A table of the family that this one stands for.
    pub(crate) fn member(&self, name: &str, words: BTreeMap<String, String>) -> Self {
        let mut member = self.clone();
        name.clone_into(&mut member.name);
        member.deletes = member.deletes.map(|deletes| Arc::new(deletes.member(name, words.clone())));
        member.words = words;
        member
    }

    /// The same table with the columns that the source tells of.
    pub(crate) fn with_discovered(&self, schema: &SchemaRef, discovered: &[String]) -> Self {
        let deletes = self.deletes.as_ref().map(|deletes| Arc::new(deletes.with_discovered(schema, discovered)));
        Self { schema: schema.clone(), discovered: discovered.to_vec(), deletes, ..self.clone() }
    }

    pub(crate) fn read_kind(&self) -> ReadKind {
        if self.table.parent.is_some() { ReadKind::Children } else { self.list_kind() }
    }

    /// How one list is read, where there is one for each row of a parent.
    pub(crate) fn list_kind(&self) -> ReadKind {
        let table = &self.table;
        if table.offset.is_some() {
            return ReadKind::Tokens;
        }
        if table.changes.is_some() {
            return ReadKind::Changes;
        }
        let Some(incremental) = &table.incremental else { return ReadKind::Snapshot };
        match (&incremental.to, incremental.order) {
            (Some(_), _) if incremental.delay.is_some() => ReadKind::CompleteWindows,
            (Some(_), _) => ReadKind::Windows,
            (None, CursorOrder::Ascending) => ReadKind::Ascending,
            (None, _) => ReadKind::Drained,
        }
    }

    /// The cursor of a record.
    pub(crate) fn cursor_of(&self, record: Value<'_>) -> Option<Cursor> {
        self.cursor_kind?.read(record.get_path(self.metadata.cursor_field.as_ref()?.parts())?)
    }

    pub(crate) fn is_append(&self) -> bool {
        self.metadata.ingestion_type == IngestionType::Append
    }

    pub(crate) fn incremental(&self) -> Incremental {
        self.table.incremental.clone().unwrap_or_default()
    }

    pub(crate) fn from(&self) -> Option<FullBound> {
        self.table.incremental.as_ref()?.from.as_ref().map(|bound| bound.full())
    }

    pub(crate) fn to(&self) -> Option<FullBound> {
        self.table.incremental.as_ref()?.to.as_ref().map(|bound| bound.full())
    }

    pub(crate) fn begins_at_last_page(&self) -> bool {
        self.table.incremental.as_ref().is_some_and(|incremental| incremental.oldest == Some(Oldest::LastPage))
    }

    /// Whether the source gives no more than so many records of one list.
    pub(crate) fn has_ceiling(&self) -> bool {
        self.table.incremental.as_ref().is_some_and(|incremental| incremental.ceiling.is_some())
    }

    /// Whether records are handed on otherwise than they stand in their page.
    pub(crate) fn is_composed(&self) -> bool {
        !self.table.add_fields.is_empty() || self.records.keyed_by.is_some() || !self.records.columns.is_empty()
    }
}

/// The names of options that no definition declares: tables have them where they apply.
pub(crate) const DERIVED_OPTIONS: [&str; 6] =
    ["start_date", "lookback_seconds", "window_seconds", "delay_seconds", "per_page", "max_records_per_batch"];

/// The options that a table has without declaring them.
pub(crate) fn derived_options(
    table: &Table,
    page_size: Option<&PageSize>,
    pagination: &Pagination,
    lookback: Option<Span>,
) -> Vec<Setting> {
    let mut settings = Vec::new();
    if table.ingestion_type != IngestionType::Snapshot {
        let incremental = table.incremental.clone().unwrap_or_default();
        let mut start = Setting::option("start_date", &OptionDeclaration::default());
        start.r#type = ValueType::Timestamp;
        start.default = incremental.start_date.as_ref().map(ToString::to_string);
        start.description = Some("The first read begins here; everything by default".to_owned());
        settings.push(start);
        let is_read_once = table.ingestion_type == IngestionType::Append && incremental.delay.is_some();
        let is_looked_back = table.changes.is_none() || lookback.is_some();
        if table.offset.is_none() && is_looked_back && !is_read_once {
            let lookback = lookback.map_or(0, |span| span.0.as_secs());
            let description = "How far behind the last cursor each read begins again, for records that show up late";
            settings.push(number("lookback_seconds", Some(lookback), None, description));
        }
        if let (Some(_), Some(window)) = (&incremental.to, incremental.window) {
            let description = "The length of the time range that is read at once";
            let longest = incremental.longest.map(|longest| longest.0.as_secs());
            settings.push(number("window_seconds", Some(window.0.as_secs()), longest, description));
        }
        if let Some(delay) = incremental.delay {
            let description = "How long after its end a time range is complete, and read";
            settings.push(number("delay_seconds", Some(delay.0.as_secs()), None, description));
        }
    }
    if let Some(size) = page_size.filter(|_| *pagination != Pagination::None) {
        settings.push(number("per_page", Some(size.default), Some(size.max), "Records in one page of the source"));
    }
    if table.ingestion_type != IngestionType::Snapshot {
        let description = "Ask for a checkpoint after so many records, as soon as their order allows one";
        settings.push(number("max_records_per_batch", None, None, description));
    }
    settings
}

fn number(name: &str, default: Option<u64>, max: Option<u64>, description: &str) -> Setting {
    let mut setting = Setting::option(name, &OptionDeclaration::default());
    setting.r#type = ValueType::Integer;
    setting.default = default.map(|number| number.to_string());
    setting.min = Some(if matches!(name, "lookback_seconds" | "delay_seconds") { 0 } else { 1 });
    setting.max = max.and_then(|max| i64::try_from(max).ok());
    setting.description = Some(description.to_owned());
    setting
}
