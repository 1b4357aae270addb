//! `history`: which commits made a table what it is.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lakeflow_interface::Result;
use serde::Serialize;
use serde_json::Value;

use crate::delta::state::TableState;
use crate::delta::table::DeltaTable;

/// One commit of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// The version that it made.
    pub version: u64,
    /// When it was committed, by the clock of whoever did; unknown where the commit does not say.
    pub at: Option<DateTime<Utc>>,
    /// What was done: `WRITE`, `MERGE`, `OPTIMIZE`, …
    pub operation: String,
    /// How it was done; commits of runs name the flow, the run and the mode.
    pub parameters: BTreeMap<String, String>,
    /// What was counted.
    pub metrics: BTreeMap<String, String>,
    /// The program that committed.
    pub engine: Option<String>,
}

impl HistoryEntry {
    pub(super) fn of(version: u64, actions: &[Value]) -> Self {
        let info = actions.iter().find_map(|action| action.get("commitInfo")).unwrap_or(&Value::Null);
        Self {
            version,
            at: instant(info),
            operation: info["operation"].as_str().unwrap_or("unknown").to_owned(),
            parameters: texts(&info["operationParameters"]),
            metrics: texts(&info["operationMetrics"]),
            engine: info["engineInfo"].as_str().map(str::to_owned),
        }
    }
}

fn instant(info: &Value) -> Option<DateTime<Utc>> {
    let milliseconds = info["inCommitTimestamp"].as_i64().or_else(|| info["timestamp"].as_i64())?;
    DateTime::from_timestamp_millis(milliseconds)
}

fn texts(object: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let entries = object.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    entries.map(|(name, value)| (name.clone(), text(value))).collect()
}

impl DeltaTable {
    /// The commits up to a state, the latest first, as far as the log has them; no more than a number of them.
    pub async fn history(&self, state: &TableState, limit: usize) -> Result<Vec<HistoryEntry>> {
        let mut entries = Vec::new();
        for version in (0..=state.version()).rev().take(limit) {
            let Some(actions) = self.read_commit(version).await? else { break };
            entries.push(HistoryEntry::of(version, &actions));
        }
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn commit_of_any_writer_is_told() {
        let info = json!({"commitInfo": {
            "timestamp": 1_700_000_000_000_i64, "operation": "DELETE", "engineInfo": "spark",
            "operationParameters": {"predicate": "id = 1", "none": null}, "operationMetrics": {"numDeletedRows": 3}
        }});
        let entry = HistoryEntry::of(7, &[json!({"add": {}}), info]);
        assert_eq!((entry.version, entry.operation.as_str(), entry.engine.as_deref()), (7, "DELETE", Some("spark")));
        assert_eq!(entry.at.unwrap().timestamp(), 1_700_000_000);
        assert_eq!(entry.parameters, BTreeMap::from([("predicate".to_owned(), "id = 1".to_owned())]));
        assert_eq!(entry.metrics, BTreeMap::from([("numDeletedRows".to_owned(), "3".to_owned())]));
        assert_eq!(HistoryEntry::of(0, &[]).operation, "unknown");
    }
}
