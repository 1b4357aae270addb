//! The options of the sink: the only place that says what they are called.

use std::collections::BTreeMap;

use lakeflow_interface::{ColumnPath, Error, ErrorKind, IngestionType, Result, unknown_name};
use serde_json::{Map, Value, json};

use super::OptionTexts;
use crate::delta::Destination;
use crate::plan::PlannedTable;
use crate::spec::{PipelineSpec, ScdType};

const PATH: &str = "path";
const LAKEHOUSE: &str = "lakehouse";
const TABLE: &str = "table";
const KEYS: &str = "keys";
const SEQUENCE_BY: &str = "sequence_by";
const SCD_TYPE: &str = "scd_type";
const SNAPSHOT: &str = "snapshot";
const APPLY_AS_DELETES: &str = "apply_as_deletes";
const EXCEPT_COLUMN_LIST: &str = "except_column_list";
const CLUSTER_BY: &str = "cluster_by";
const TOMBSTONE_RETENTION: &str = "tombstone_retention";
const FLOW_NAME: &str = "flow_name";
const TAKE_OVER: &str = "take_over";

/// What users may set.
const NAMES: [&str; 13] = [
    PATH,
    LAKEHOUSE,
    TABLE,
    KEYS,
    SEQUENCE_BY,
    SCD_TYPE,
    SNAPSHOT,
    APPLY_AS_DELETES,
    EXCEPT_COLUMN_LIST,
    CLUSTER_BY,
    TOMBSTONE_RETENTION,
    FLOW_NAME,
    TAKE_OVER,
];

/// What Spark sets of its own accord; its name of a query is the stream's name where none is given.
const QUERY_NAME: &str = "queryname";
const SPARKS: [&str; 2] = [QUERY_NAME, "checkpointlocation"];

/// The name of a stream that has none.
const UNNAMED: &str = "default";

/// What the sink is told. Names and meanings are those of AUTO CDC where it has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkOptions {
    /// The folder or URL that holds the tables.
    pub lakehouse: String,
    /// The table.
    pub destination: Destination,
    /// Which rows are deletes.
    pub deletes: DeleteMark,
    /// The stream's name: tells the streams into one table apart.
    pub flow_name: String,
    /// The query whose place this one takes, where the user says so.
    pub take_over: Option<String>,
    /// Columns that are not written.
    except_columns: Vec<String>,
    /// How rows change.
    ingestion_type: IngestionType,
    /// What a pipeline spec has in `table_configuration`.
    configuration: Map<String, Value>,
}

/// Which rows of a batch are deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteMark {
    /// None.
    NoRows,
    /// All.
    AllRows,
    /// Those where this boolean column is true; it is not written.
    Column(String),
}

impl SinkOptions {
    /// Reads options; case does not matter in their names.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] that names the option.
    pub fn parse(texts: &OptionTexts) -> Result<Self> {
        let texts = Texts(texts.iter().map(|(name, text)| (name.to_ascii_lowercase(), text.as_str())).collect());
        texts.check_names()?;
        let (lakehouse, destination) = texts.place()?;
        let keys = texts.columns(KEYS)?;
        let is_snapshot = texts.flag(SNAPSHOT)?;
        let is_append_only =
            texts.get(SCD_TYPE).is_some_and(|text| text.eq_ignore_ascii_case(ScdType::AppendOnly.as_str()));
        let mut configuration = Map::new();
        for (name, columns) in [("primary_keys", &keys), ("sequence_by", &texts.columns(SEQUENCE_BY)?)] {
            if !columns.is_empty() {
                configuration.insert(name.to_owned(), json!(columns));
            }
        }
        configuration.insert("cluster_by".to_owned(), json!(texts.columns(CLUSTER_BY)?));
        for name in [SCD_TYPE, TOMBSTONE_RETENTION] {
            if let Some(text) = texts.get(name) {
                configuration.insert(name.to_owned(), json!(text));
            }
        }
        Ok(Self {
            lakehouse,
            destination,
            deletes: texts.deletes(),
            flow_name: texts.get(FLOW_NAME).or_else(|| texts.get(QUERY_NAME)).unwrap_or(UNNAMED).to_owned(),
            take_over: texts.get(TAKE_OVER).map(str::to_owned),
            except_columns: texts.columns(EXCEPT_COLUMN_LIST)?,
            ingestion_type: match (is_snapshot, keys.is_empty()) {
                // Compared with nothing, so one that comes again must be passed over as any other rows.
                (true, _) if is_append_only => IngestionType::Append,
                (true, _) => IngestionType::Snapshot,
                (false, true) => IngestionType::Append,
                (false, false) => IngestionType::Cdc,
            },
            configuration,
        })
    }

    /// The options under which a table of a plan gets the same rows as from the embedded engine.
    pub fn of_plan(table: &PlannedTable, lakehouse: &str) -> OptionTexts {
        let list = |columns: &[ColumnPath]| json!(columns).to_string();
        let mut texts = BTreeMap::from([
            (LAKEHOUSE, lakehouse.to_owned()),
            (TABLE, table.destination.to_string()),
            (SCD_TYPE, table.scd_type.to_string()),
            (TOMBSTONE_RETENTION, humantime::format_duration(table.tombstone_retention).to_string()),
        ]);
        let is_append = table.ingestion_type == IngestionType::Append && table.scd_type != ScdType::ScdType2;
        let columns = [(KEYS, &table.primary_keys), (SEQUENCE_BY, &table.sequence_by), (CLUSTER_BY, &table.cluster_by)];
        for (name, columns) in columns {
            let is_without_keys = is_append && name == KEYS;
            if !columns.is_empty() && !is_without_keys {
                texts.insert(name, list(columns));
            }
        }
        if table.ingestion_type == IngestionType::Snapshot {
            texts.insert(SNAPSHOT, "true".to_owned());
        }
        texts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
    }

    /// How rows change.
    pub(super) fn ingestion_type(&self) -> IngestionType {
        self.ingestion_type
    }

    /// Whether a column of the rows is not written.
    pub(super) fn leaves_out(&self, column: &str) -> bool {
        self.except_columns.iter().any(|name| name == column)
            || matches!(&self.deletes, DeleteMark::Column(mark) if mark == column)
    }

    /// The table as a pipeline spec would name it. Whether values fit is settled where rows are made: `keeps_misfits` says
    /// whether the rows have a column for those that did not.
    pub(super) fn spec(&self, keeps_misfits: bool) -> Result<PipelineSpec> {
        let mut configuration = self.configuration.clone();
        configuration.insert("bad_values".to_owned(), json!(if keeps_misfits { "rescue" } else { "fail" }));
        let table = json!({
            "source_table": self.destination.table(),
            "destination_catalog": self.destination.catalog(),
            "destination_schema": self.destination.schema(),
            "table_configuration": configuration,
        });
        let spec = json!({"connection_name": "spark", "objects": [{"table": table}]});
        PipelineSpec::parse(&spec.to_string(), "options of the sink")
    }
}

/// The options as they came, by their names in lower case.
struct Texts<'t>(BTreeMap<String, &'t str>);

impl Texts<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).copied()
    }

    fn check_names(&self) -> Result<()> {
        let is_known = |name: &&String| NAMES.contains(&name.as_str()) || SPARKS.contains(&name.as_str());
        match self.0.keys().find(|name| !is_known(name)) {
            Some(name) => Err(unknown_name(ErrorKind::Configuration, "option of the sink", name, NAMES)),
            None => Ok(()),
        }
    }

    /// The lakehouse and the table in it: named, or as the table's folder `LAKEHOUSE/SCHEMA/TABLE`.
    fn place(&self) -> Result<(String, Destination)> {
        match (self.get(PATH), self.get(LAKEHOUSE), self.get(TABLE)) {
            (None, Some(lakehouse), Some(table)) => Ok((lakehouse.to_owned(), table.parse()?)),
            (Some(path), None, None) => split(path),
            _ => Err(Error::new(ErrorKind::Configuration, "the sink needs to know its table")
                .with_hint("set `lakehouse` and `table` (`[catalog.]schema.table`), or `path` to the table's folder")),
        }
    }

    fn deletes(&self) -> DeleteMark {
        match self.get(APPLY_AS_DELETES) {
            None => DeleteMark::NoRows,
            Some(text) if text.eq_ignore_ascii_case("true") => DeleteMark::AllRows,
            Some(text) if text.eq_ignore_ascii_case("false") => DeleteMark::NoRows,
            Some(column) => DeleteMark::Column(column.to_owned()),
        }
    }

    fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(misfit(name, "`true` or `false`", other)),
        }
    }

    /// Columns: a JSON list, or names separated by commas.
    fn columns(&self, name: &str) -> Result<Vec<String>> {
        let Some(text) = self.get(name) else { return Ok(Vec::new()) };
        if text.trim_start().starts_with('[') {
            return serde_json::from_str(text)
                .map_err(|cause| misfit(name, "a JSON list of column names", text).with_cause(cause));
        }
        Ok(text.split(',').map(str::trim).filter(|column| !column.is_empty()).map(str::to_owned).collect())
    }
}

fn split(path: &str) -> Result<(String, Destination)> {
    let wanted = "the folder of a table, `LAKEHOUSE/SCHEMA/TABLE`";
    let refused = || misfit(PATH, wanted, path).with_hint("or set `lakehouse` and `table`");
    let (rest, table) = path.trim_end_matches('/').rsplit_once('/').ok_or_else(refused)?;
    let (lakehouse, schema) = rest.rsplit_once('/').ok_or_else(refused)?;
    let destination = Destination::new(None, Some(schema), table).map_err(|_| refused())?;
    // A name that is escaped in its folder would be escaped a second time.
    if destination.folder() != format!("{schema}/{table}") {
        return Err(refused());
    }
    Ok((format!("{lakehouse}/"), destination))
}

fn misfit(name: &str, wanted: &str, found: &str) -> Error {
    let message = format!("expected {wanted} as option `{name}`, found `{found}`");
    Error::new(ErrorKind::Configuration, message).with_context("option", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(texts: &[(&str, &str)]) -> Result<SinkOptions> {
        SinkOptions::parse(&texts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
    }

    #[test]
    fn path_is_lakehouse_schema_and_table() {
        for (path, lakehouse) in [("/lake/sales/issues", "/lake/"), ("s3://b/l/sales/issues/", "s3://b/l/")] {
            let options = parse(&[("path", path)]).unwrap();
            assert_eq!(
                (options.lakehouse.as_str(), options.destination.to_string()),
                (lakehouse, "sales.issues".into())
            );
        }
        for path in ["issues", "sales/issues", "/lake/sales/a b"] {
            assert_eq!(parse(&[("path", path)]).unwrap_err().context("option"), Some("path"), "{path}");
        }
    }

    #[test]
    fn name_that_is_no_option_is_refused_with_the_nearest() {
        let error = parse(&[("path", "/l/s/t"), ("sequenceby", "at")]).unwrap_err();
        assert!(error.hint().unwrap().contains("sequence_by"), "{error:?}");
    }

    #[test]
    fn stream_is_called_as_it_says_or_as_spark_says() {
        let name = |texts: &[(&str, &str)]| parse(&[&[("path", "/l/s/t")], texts].concat()).unwrap().flow_name;
        assert_eq!(name(&[("queryName", "q")]), "q");
        assert_eq!(name(&[("queryName", "q"), ("flow_name", "f")]), "f");
        assert_eq!(name(&[]), "default");
    }

    #[test]
    fn deletes_are_marked_for_all_rows_or_by_a_column() {
        let deletes = |text| parse(&[("path", "/l/s/t"), ("apply_as_deletes", text)]).unwrap();
        assert_eq!(deletes("TRUE").deletes, DeleteMark::AllRows);
        let options = deletes("is_deleted");
        assert!(options.leaves_out("is_deleted") && !options.leaves_out("id"));
    }
}
