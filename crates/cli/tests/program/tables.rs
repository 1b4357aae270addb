//! `tables CONNECTION|SOURCE`

use crate::support::Sandbox;

#[test]
fn tables_of_a_source_need_no_connection() {
    insta::assert_snapshot!(Sandbox::new().run(&["tables", "github"]), @r"
    exit code: 0
    ----- stdout -----
    table          ingestion type  primary keys                             cursor                 description
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    assignees      snapshot        repository_owner, repository_name, id                           Users who can be assigned to issues of a repository
    branches       snapshot        repository_owner, repository_name, name                         Branches of a repository
    collaborators  snapshot        repository_owner, repository_name, id                           Users who can work in a repository, and what they may do there
    comments       cdc             id                                       updated_at             Comments on the issues and pull requests of a repository
    commits        append          sha                                      commit.committer.date  Commits of a repository's default branch, or of another one
    issues         cdc             id                                       updated_at             Issues and pull requests of a repository, as GitHub lists them together
    organizations  snapshot        id                                                              Organizations that the token's user belongs to, as far as the token may see them
    pull_requests  cdc             id                                       updated_at             Pull requests of a repository
    repositories   snapshot        id                                                              Repositories of an organization, or the public ones of a user
    reviews        append          id                                       submitted_at           Submitted reviews of the pull requests of a repository
    teams          snapshot        id                                                              Teams of an organization that the token's user can see
    users          snapshot        organization_login, id                                          Members of an organization; only the public ones where the token's user is not a member
    ");
}

#[test]
fn tables_of_a_connection_are_events_for_programs() {
    let output = Sandbox::new().with_connection().output(&["tables", "github", "--output", "json"]);
    let lines: Vec<serde_json::Value> = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 12);
    assert!(lines.iter().all(|line| line["event"] == "table"));
    let issues = lines.iter().find(|line| line["name"] == "issues").unwrap();
    insta::assert_snapshot!(issues, @r#"{"cursor_field":"updated_at","event":"table","ingestion_type":"cdc","name":"issues","primary_keys":["id"]}"#);
}

#[test]
fn unknown_target_names_the_nearest() {
    insta::assert_snapshot!(Sandbox::new().with_connection().run(&["tables", "gitub"]), @r"
    exit code: 2
    ----- stderr -----
    error: unknown connection or source `gitub`
    hint: did you mean `github`? valid: `amplitude`, `github`, `hubspot`, `mailchimp`, `microsoft_teams`, `mixpanel`, `shopify`, `stripe`, `surveymonkey`, `zendesk`
    ");
}
