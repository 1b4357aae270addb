//! The messages between the program and a worker.

use lakeflow_interface::{Offset, Partition};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The version of the protocol that this crate speaks.
pub(crate) const PROTOCOL: u32 = 1;

/// The first line of a worker.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Greeting {
    pub(crate) worker: u32,
    pub(crate) python: String,
    pub(crate) executable: String,
}

/// What a connector can do besides what every connector can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Abilities {
    pub(crate) namespaces: bool,
    pub(crate) partition: bool,
    pub(crate) partitioned_stream: bool,
}

/// A question to the connector.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub(crate) enum Request<'a> {
    Connect {
        options: &'a BTreeMap<String, String>,
    },
    ListTables,
    ListNamespaces {
        prefix: &'a [String],
    },
    ListTablesInNamespace {
        namespace: &'a [String],
    },
    GetTableSchema(Table<'a>),
    ReadTableMetadata(Table<'a>),
    ReadTable(TableFrom<'a>),
    ReadTableDeletes(TableFrom<'a>),
    IsPartitioned {
        table: &'a str,
    },
    LatestOffset(TableFrom<'a>),
    GetPartitions {
        #[serde(flatten)]
        table: Table<'a>,
        #[serde(flatten)]
        range: Option<Range<'a>>,
    },
    ReadPartition {
        #[serde(flatten)]
        table: Table<'a>,
        partition: &'a Partition,
    },
}

/// A table, and the options that it is read with.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Table<'a> {
    #[serde(rename = "table")]
    pub(crate) name: &'a str,
    #[serde(rename = "table_options")]
    pub(crate) options: &'a lakeflow_interface::TableOptions,
}

/// A table from an offset on.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct TableFrom<'a> {
    #[serde(flatten)]
    pub(crate) table: Table<'a>,
    pub(crate) start: Option<&'a Offset>,
}

/// What lies between two offsets.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Range<'a> {
    pub(crate) start: &'a Offset,
    pub(crate) end: &'a Offset,
}

impl Request<'_> {
    /// The method of the connector that is asked, for messages.
    pub(crate) fn method(&self) -> &'static str {
        match self {
            Self::Connect { .. } => "__init__",
            Self::ListTables => "list_tables",
            Self::ListNamespaces { .. } => "list_namespaces",
            Self::ListTablesInNamespace { .. } => "list_tables_in_namespace",
            Self::GetTableSchema(_) => "get_table_schema",
            Self::ReadTableMetadata(_) => "read_table_metadata",
            Self::ReadTable(_) => "read_table",
            Self::ReadTableDeletes(_) => "read_table_deletes",
            Self::IsPartitioned { .. } => "is_partitioned",
            Self::LatestOffset(_) => "latest_offset",
            Self::GetPartitions { .. } => "get_partitions",
            Self::ReadPartition { .. } => "read_partition",
        }
    }
}

/// A line of a worker behind its greeting.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// What the method returned.
    Result(Value),
    /// So many bytes follow, which are so many records.
    Page { records: usize, bytes: usize },
    /// The end of a read.
    End { offset: Option<Map<String, Value>> },
    /// It went wrong.
    Error(Told),
}

/// What went wrong, as the worker tells it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Told {
    /// `raised`, or a fault of the connector that the worker has found.
    pub(crate) kind: String,
    pub(crate) message: String,
    /// The class of the exception, and those that it derives from.
    #[serde(rename = "type")]
    pub(crate) class: String,
    pub(crate) classes: Vec<String>,
    /// The HTTP status that it was raised for.
    pub(crate) status: Option<u16>,
    /// The module that is not there.
    pub(crate) module: Option<String>,
    pub(crate) place: Option<String>,
    pub(crate) cause: Option<String>,
    pub(crate) traceback: String,
    /// The names that there are instead.
    pub(crate) known: Vec<String>,
}
