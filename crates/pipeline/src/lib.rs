//! The pipeline: what the user writes becomes a plan, and a run carries it out, from a connector into Delta tables.
//!
//! [`spec`] reads the pipeline spec, [`plan`] holds it against a connector, [`Pipeline`] runs the plan and tells [`event`]s
//! on the way, and a flow decides for each table what its commits into [`delta`] tables carry. A [`sink`] does the same
//! with batches that another engine has read.

pub mod delta;
mod engine;
pub mod event;
mod flow;
pub mod plan;
mod report;
pub mod runs;
pub mod sink;
pub mod spec;

pub use engine::{Cadence, DryRun, DryRunAction, DryRunTable, FullRefresh, Pipeline, RunOptions};
pub use event::{Event, Evidence, Failure, Observer, RowCounts, Totals, Wait};
pub use flow::FlowKind;
pub use plan::{Plan, PlannedTable};
pub use report::{RunReport, TableReport};
pub use spec::PipelineSpec;
