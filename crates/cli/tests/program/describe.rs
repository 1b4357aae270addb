//! `describe CONNECTION|SOURCE TABLE`

use crate::support::Sandbox;

#[test]
fn table_is_described_with_columns_keys_and_options() {
    insta::assert_snapshot!(Sandbox::new().run(&["describe", "github", "branches"]), @r"
    exit code: 0
    ----- stdout -----
    Branches of a repository

    ingestion type  snapshot
    primary keys    repository_owner, repository_name, name

    Columns
    column                      type
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    repository_owner  not null  STRING
    repository_name   not null  STRING
    name              not null  STRING
    commit            not null  STRUCT<sha: STRING, url: STRING>
    protected         not null  BOOLEAN
    protection                  STRUCT<enabled: BOOLEAN, required_status_checks: STRUCT<enforcement_level: STRING, contexts: ARRAY<STRING>, checks: ARRAY<STRUCT<context: STRING, app_id: BIGINT>>>>
    protection_url              STRING

    Options
    name      type               default  description
    ────────────────────────────────────────────────────────────────────────────────────
    owner     string   required           User or organization that owns the repository
    repo      string   required           Name of the repository
    per_page  integer            100      Records in one page of the source
    ");
}

#[test]
fn description_for_programs_has_the_schema() {
    insta::assert_snapshot!(Sandbox::new().run(&["describe", "github", "branches", "--output", "json"]), @r#"
    exit code: 0
    ----- stdout -----
    {"cursor_field":null,"description":"Branches of a repository","event":"table","ingestion_type":"snapshot","name":"branches","options":[{"default":null,"description":"User or organization that owns the repository","enum":[],"max":null,"min":null,"name":"owner","required":true,"secret":false,"type":"string"},{"default":null,"description":"Name of the repository","enum":[],"max":null,"min":null,"name":"repo","required":true,"secret":false,"type":"string"},{"default":"100","description":"Records in one page of the source","enum":[],"max":100,"min":1,"name":"per_page","required":false,"secret":false,"type":"integer"}],"primary_keys":["repository_owner","repository_name","name"],"schema":"repository_owner STRING NOT NULL, repository_name STRING NOT NULL, name STRING NOT NULL, commit STRUCT<sha: STRING, url: STRING> NOT NULL, protected BOOLEAN NOT NULL, protection STRUCT<enabled: BOOLEAN, required_status_checks: STRUCT<enforcement_level: STRING, contexts: ARRAY<STRING>, checks: ARRAY<STRUCT<context: STRING, app_id: BIGINT>>>>, protection_url STRING"}
    "#);
}

#[test]
fn misspelt_table_names_the_nearest() {
    insta::assert_snapshot!(Sandbox::new().run(&["describe", "github", "isues"]), @r"
    exit code: 2
    ----- stderr -----
    error: unknown table `isues`
    hint: did you mean `issues`? valid: `assignees`, `branches`, `collaborators`, `comments`, `commits`, `issues`, `organizations`, `pull_requests`, `repositories`, `reviews`, `teams`, `users`
    ");
}
