//! Arguments of the commands that look at sources, their tables and rows.

use clap::{Args, ValueEnum};

use super::value::{Assignment, parse_assignment};

/// Arguments of `sources`.
#[derive(Debug, Args)]
pub(crate) struct SourcesArguments {
    /// Show this source in full.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: Option<String>,
}

/// Arguments of `tables`.
#[derive(Debug, Args)]
pub(crate) struct TablesArguments {
    /// A connection, or a source.
    #[arg(value_name = "CONNECTION|SOURCE")]
    pub(crate) target: String,
}

/// Arguments of `describe`.
#[derive(Debug, Args)]
pub(crate) struct DescribeArguments {
    /// A connection, or a source.
    #[arg(value_name = "CONNECTION|SOURCE")]
    pub(crate) target: String,
    /// The table.
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,
    #[command(flatten)]
    pub(crate) options: OptionArguments,
}

/// Options as `-o key=value`.
#[derive(Debug, Args)]
pub(crate) struct OptionArguments {
    /// An option; may be given several times.
    #[arg(short = 'o', long = "option", value_name = "KEY=VALUE", value_parser = parse_assignment)]
    pub(crate) options: Vec<Assignment>,
}

/// Arguments of `read`.
#[derive(Debug, Args)]
pub(crate) struct ReadArguments {
    /// The connection to read with.
    #[arg(value_name = "CONNECTION")]
    pub(crate) connection: String,
    /// The source table.
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,
    #[command(flatten)]
    pub(crate) options: OptionArguments,
    #[command(flatten)]
    pub(crate) rows: RowArguments,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    /// The destination table: `table`, `schema.table` or `catalog.schema.table`.
    #[arg(value_name = "TABLE")]
    pub(crate) table: String,
    #[command(flatten)]
    pub(crate) rows: RowArguments,
}

/// Which rows and columns to print, and how.
#[derive(Debug, Args)]
pub(crate) struct RowArguments {
    /// How rows are written [default: table, or jsonl with `--output json`].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<RowFormat>,
    /// Stop after this many rows [default: 20 for a table, all otherwise].
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Print only these columns, in this order.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub(crate) columns: Vec<String>,
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RowFormat {
    /// A table for people: cells are shortened, columns that do not fit a terminal are left out.
    Table,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated values with a header; nested values as JSON text.
    Csv,
    /// A Parquet file.
    Parquet,
}
