//! Arguments of `connection`.

use clap::{Args, Subcommand};

use super::value::{Assignment, parse_assignment};

/// What to do with connections.
#[derive(Debug, Subcommand)]
pub(crate) enum ConnectionCommand {
    /// Create a connection; asks for what is missing when on a terminal.
    Create(ConnectionCreateArguments),
    /// List the connections.
    List,
    /// Show a connection; secrets are not shown.
    Show(ConnectionName),
    /// Ask the source whether a connection works.
    Test(ConnectionName),
    /// Delete a connection.
    Delete(ConnectionName),
}

/// Arguments of `connection create`.
#[derive(Debug, Args)]
pub(crate) struct ConnectionCreateArguments {
    /// The kind of system to connect to.
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    /// The name of the new connection.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// A parameter; may be given several times. A secret is best a reference that is resolved when it is used:
    /// `token=env:GITHUB_TOKEN`, `token=file:PATH`, `token=command:COMMAND`. `token=@-` reads it from stdin.
    #[arg(short = 'o', long = "option", value_name = "KEY=VALUE", value_parser = parse_assignment)]
    pub(crate) options: Vec<Assignment>,
    /// Replace a connection of the same name.
    #[arg(long)]
    pub(crate) replace: bool,
}

/// The name of a connection.
#[derive(Debug, Args)]
pub(crate) struct ConnectionName {
    /// The connection.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}
