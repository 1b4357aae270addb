//! Connectors written in Python, as [`LakeflowConnect`](lakeflow_interface::LakeflowConnect).
//!
//! A connector is a class that a [`ConnectorName`] names. It runs in a worker process behind a pipe: one for questions, one
//! more for each read, which ends with it. The worker's Python files are part of this crate and need no installation;
//! `python/databricks/labs/community_connector/worker` has them and the protocol.

mod connector;
mod embedded;
mod failure;
mod mask;
mod name;
mod partitioned;
mod process;
mod protocol;
mod read;
mod schema;
mod settings;
mod walk;

pub use connector::PythonConnector;
pub use name::ConnectorName;
pub use schema::from_spark_json;
pub use settings::PythonSettings;
