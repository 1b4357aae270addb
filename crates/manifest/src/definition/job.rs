//! Reports that the source makes while we wait.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Request, Span};
use crate::path::{Condition, FieldPath};

/// A report that the source makes while we wait: `request` asks for it, then it is polled, then downloaded.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Names for values of the answer to `request`: `{id: $.result.progressId}`; templates read them as `{{ job.id }}`.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    pub r#as: BTreeMap<String, FieldPath>,
    /// The request that tells how far the job is.
    pub poll: Request,
    /// What holds for the answer to `poll` when the report is ready: `$.status == 'complete'`.
    pub done: Condition,
    /// What holds for it when there will be no report.
    pub failed: Option<Condition>,
    /// Names for values of the answer to `poll` when the report is ready: `{file: $.result.fileId}`.
    #[serde(default)]
    #[schemars(extend("propertyNames" = { "format": "name" }))]
    pub result: BTreeMap<String, FieldPath>,
    /// The request that gives the report; give this or `download_url`.
    pub download: Option<Request>,
    /// Where the answer to `poll` has the report's URL. It may be on another host, which receives no credentials.
    pub download_url: Option<FieldPath>,
    /// The time between two polls; `5s` by default.
    pub every: Option<Span>,
    /// The longest time to wait; `1h` by default.
    pub patience: Option<Span>,
}
