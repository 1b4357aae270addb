//! The environment variables that the program reads.

/// Stands for `--lakehouse`.
pub(crate) const LAKEHOUSE: &str = "COMMUNITY_CONNECTOR_LAKEHOUSE";

/// Stands for `--connections`.
pub(crate) const CONNECTIONS: &str = "COMMUNITY_CONNECTOR_CONNECTIONS";

/// Stands for `--python`.
pub(crate) const PYTHON: &str = "COMMUNITY_CONNECTOR_PYTHON";

/// Chooses what is logged, in the syntax of `tracing`; wins over `-v`.
pub(crate) const LOG: &str = "COMMUNITY_CONNECTOR_LOG";
