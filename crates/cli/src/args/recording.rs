//! Arguments of the commands that make recordings and use them.

use std::path::PathBuf;

use clap::Args;

use super::rows::OptionArguments;

/// Arguments of `record`.
#[derive(Debug, Args)]
pub(crate) struct RecordArguments {
    /// The connection to read with.
    #[arg(value_name = "CONNECTION")]
    pub(crate) connection: String,
    /// The source tables to read, one after the other.
    #[arg(value_name = "TABLE", required = true)]
    pub(crate) tables: Vec<String>,
    /// The file for the recording.
    #[arg(long, value_name = "FILE")]
    pub(crate) to: PathBuf,
    /// Stop reading a table after this many rows.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    /// Keep at most this many elements of a list: the first ones and the last.
    #[arg(long, value_name = "N", default_value = "10", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: u32,
    #[command(flatten)]
    pub(crate) options: OptionArguments,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(crate) cassette: PathBuf,
    /// The port to listen on; 0 takes a free one.
    #[arg(long, value_name = "PORT", default_value = "0")]
    pub(crate) port: u16,
}

/// Arguments of `drift`.
#[derive(Debug, Args)]
pub(crate) struct DriftArguments {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(crate) cassette: PathBuf,
    /// The source that it is a recording of: a name, or a folder.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
}

/// Arguments of `corpus`.
#[derive(Debug, Args)]
pub(crate) struct CorpusArguments {
    /// The recording.
    #[arg(value_name = "FILE")]
    pub(crate) cassette: PathBuf,
    /// The source that it is a recording of: a name, or a folder.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// The folder for the files [default: `simulator` in the folder of the source].
    #[arg(long, value_name = "DIR")]
    pub(crate) to: Option<PathBuf>,
    /// Write over files that are there.
    #[arg(long)]
    pub(crate) replace: bool,
}
