//! Specs held against a connector: what is wrong, all at once, each with its place.

use lakeflow_interface::{ErrorKind, IngestionType, Result};
use lakeflow_pipeline::{FlowKind, PipelineSpec, Plan};

use crate::connector::{ScriptedConnector, ScriptedTable};

const SCHEMA: &str = "id BIGINT, at BIGINT, user STRUCT<login: STRING, id: BIGINT>, tags ARRAY<STRING>";

fn connector() -> ScriptedConnector {
    ScriptedConnector::default()
        .with_table("issues", ScriptedTable::new(IngestionType::Cdc, SCHEMA))
        .with_table("users", ScriptedTable::new(IngestionType::Snapshot, SCHEMA))
        .with_table("events", ScriptedTable::new(IngestionType::Append, SCHEMA).with_keys(&[]))
        .with_table("tickets", ScriptedTable::new(IngestionType::CdcWithDeletes, SCHEMA))
        .with_table("versions", ScriptedTable::new(IngestionType::Cdc, "id BIGINT, at BIGINT, __start_at BIGINT"))
        .with_table("keyless", ScriptedTable::new(IngestionType::Cdc, "text STRING").with_keys(&[]))
}

async fn plan(objects: &str) -> Result<Plan> {
    let text = format!("connection_name: test\nobjects:\n{objects}");
    Plan::new(&PipelineSpec::parse(&text, "spec.yaml").unwrap(), &connector()).await
}

/// The error as the program shows it.
async fn refusal(objects: &str) -> String {
    let error = plan(objects).await.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    format!("{}: {error}\n{cause}", error.kind().as_str())
}

#[tokio::test]
async fn flows_follow_from_ingestion_and_scd_type() {
    let plan = plan(concat!(
        "- table: {source_table: issues}\n",
        "- table: {source_table: issues, destination_table: changes, table_configuration: {scd_type: append_only}}\n",
        "- table: {source_table: users}\n",
        "- table: {source_table: events, table_configuration: {owner: me}}\n",
        "- table: {source_table: issues, destination_table: history, table_configuration: {scd_type: SCD_TYPE_2}}\n",
        "- table: {source_table: users, destination_table: users_history, table_configuration: {scd_type: SCD_TYPE_2}}\n",
        "- table: {source_table: tickets, table_configuration: {tombstone_retention: 36h}}\n",
        "- table: {source_table: events, destination_table: versions, table_configuration: {scd_type: SCD_TYPE_2, primary_keys: id}}\n",
        "- table: {source_table: issues, destination_table: other, table_configuration: {primary_keys: user.id, sequence_by: user.login}}\n",
    ))
    .await
    .unwrap();
    let flows: Vec<_> = plan.tables.iter().map(|table| (table.flow_name(), table.flow)).collect();
    let expected = [
        ("default.issues", FlowKind::Upsert),
        ("default.changes", FlowKind::Append),
        ("default.users", FlowKind::Snapshot),
        ("default.events", FlowKind::Append),
        ("default.history", FlowKind::History),
        ("default.users_history", FlowKind::SnapshotHistory),
        ("default.tickets", FlowKind::Upsert),
        ("default.versions", FlowKind::History),
        ("default.other", FlowKind::Upsert),
    ];
    assert_eq!(flows, expected.map(|(name, flow)| (name.to_owned(), flow)));
    assert_eq!(plan.tables[8].primary_keys[0].to_string(), "user.id");
    assert_eq!(plan.tables[8].sequence_by[0].to_string(), "user.login");
    assert_eq!(plan.tables[6].tombstone_retention.as_secs(), 36 * 3600);
    assert_eq!(plan.tables[0].tombstone_retention.as_secs(), 48 * 3600);
    assert_eq!(plan.tables[3].options.get("owner"), Some("me"));
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let objects = r"
  - table: {source_table: isues}
  - table:
      source_table: issues
      table_configuration:
        primary_keys: [idd]
        sequence_by: user.loginn
        cluster_by: nothing
  - table:
      source_table: users
      table_configuration: {scd_typ: SCD_TYPE_1}
  - table: {source_table: keyless}
  - table:
      source_table: issues
      destination_table: nested
      table_configuration: {sequence_by: tags}
";
    insta::assert_snapshot!(refusal(objects).await);
}

#[tokio::test]
async fn history_needs_keys_and_columns_of_its_own() {
    let objects = r"
  - table: {source_table: events, table_configuration: {scd_type: SCD_TYPE_2}}
  - table: {source_table: keyless, table_configuration: {scd_type: SCD_TYPE_2}}
  - table: {source_table: versions, table_configuration: {scd_type: SCD_TYPE_2}}
";
    insta::assert_snapshot!(refusal(objects).await);
}

#[tokio::test]
async fn error_of_the_source_itself_is_not_blamed_on_the_spec() {
    let spec = PipelineSpec::parse("{connection_name: c, objects: [{table: {source_table: t}}]}", "spec.yaml").unwrap();
    let error = Plan::new(&spec, &ScriptedConnector::refusing(ErrorKind::Authentication)).await.unwrap_err();
    assert_eq!((error.kind(), error.hint()), (ErrorKind::Authentication, Some("ask somebody else")));
}

#[tokio::test]
async fn some_tables_are_selected_by_source_or_destination() {
    let objects = "- table: {source_table: issues, destination_table: bugs}\n- table: {source_table: users}\n";
    for name in ["issues", "bugs", "default.bugs"] {
        let selected = plan(objects).await.unwrap().select(&[name.to_owned()]).unwrap();
        assert_eq!(selected.tables.iter().map(|table| table.flow_name()).collect::<Vec<_>>(), ["default.bugs"]);
    }
    let error = plan(objects).await.unwrap().select(&["usrs".to_owned()]).unwrap_err();
    assert_eq!(error.hint(), Some("did you mean `users`? valid: `issues`, `users`"));
}
