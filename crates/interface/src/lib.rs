//! The contract between a connector and whatever runs it: tables, offsets, records and their typing, errors, secrets.
//!
//! A connector implements [`LakeflowConnect`]. It never converts values: it hands on pages of JSON as the source sent
//! them, with the place of the records, and [`records::Typer`] turns them into Arrow. Nothing in this crate does I/O.

mod connect;
pub mod ddl;
mod error;
mod metrics;
mod offset;
mod read;
pub mod records;
mod secret;
mod suggest;
mod table;

pub use connect::{
    LakeflowConnect, Partition, SupportsNamespaces, SupportsPartition, SupportsWriteBack, WritableTable, WrittenRow,
};
pub use error::{Error, ErrorKind, Result, Retry};
pub use metrics::{MetricsSnapshot, ReadMetrics, Waiting};
pub use offset::{Horizon, Offset};
pub use read::{ReadContext, ReadItem, ReadStream, Records};
pub use secret::{Secret, names_secret};
pub use suggest::{nearest, unknown_name};
pub use table::{ColumnPath, CursorOrder, IngestionType, TableMetadata, TableOptions};
