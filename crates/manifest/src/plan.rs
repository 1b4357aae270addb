//! `TablePlan`: a table of a definition, checked, with all that follows from what is written.

use arrow::datatypes::SchemaRef;
use lakeflow_http::Pagination;
use lakeflow_interface::{CursorOrder, IngestionType, TableMetadata};

use crate::cursor::CursorKind;
use crate::definition::{FullBound, FullRequest, Incremental, Oldest, OptionDeclaration, PageSize, Table, ValueType};
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
    pub(crate) pagination: Pagination,
    pub(crate) page_size: Option<PageSize>,
    pub(crate) cursor_kind: Option<CursorKind>,
    /// The table as it is written.
    pub(crate) table: Table,
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
    /// Once per row of a parent.
    Children,
}

impl TablePlan {
    pub(crate) fn read_kind(&self) -> ReadKind {
        let Some(incremental) = &self.table.incremental else {
            return if self.table.parent.is_some() { ReadKind::Children } else { ReadKind::Snapshot };
        };
        match (self.table.parent.is_some(), &incremental.to, incremental.order) {
            (true, ..) => ReadKind::Children,
            (_, Some(_), _) => ReadKind::Windows,
            (_, None, CursorOrder::Ascending) => ReadKind::Ascending,
            (_, None, _) => ReadKind::Drained,
        }
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
}

/// The names of options that no definition declares: tables have them where they apply.
pub(crate) const DERIVED_OPTIONS: [&str; 5] =
    ["start_date", "lookback_seconds", "window_seconds", "per_page", "max_records_per_batch"];

/// The options that a table has without declaring them.
pub(crate) fn derived_options(table: &Table, page_size: Option<&PageSize>, pagination: &Pagination) -> Vec<Setting> {
    let number = |name: &str, default: Option<u64>, max: Option<u64>, description: &str| {
        let least = if name == "lookback_seconds" { 0 } else { 1 };
        let mut setting = Setting::option(name, &OptionDeclaration::default());
        setting.r#type = ValueType::Integer;
        setting.default = default.map(|number| number.to_string());
        setting.min = Some(least);
        setting.max = max.and_then(|max| i64::try_from(max).ok());
        setting.description = Some(description.to_owned());
        setting
    };
    let mut settings = Vec::new();
    if table.ingestion_type != IngestionType::Snapshot {
        let mut start = Setting::option("start_date", &OptionDeclaration::default());
        start.r#type = ValueType::Timestamp;
        start.description = Some("The first read begins here; everything by default".to_owned());
        settings.push(start);
        let incremental = table.incremental.clone().unwrap_or_default();
        let lookback = incremental.lookback.map_or(0, |span| span.0.as_secs());
        let description = "How far behind the last cursor each read begins again, for records that show up late";
        settings.push(number("lookback_seconds", Some(lookback), None, description));
        if let (Some(_), Some(window)) = (&incremental.to, incremental.window) {
            let description = "The length of the time range that is read at once";
            settings.push(number("window_seconds", Some(window.0.as_secs()), None, description));
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
