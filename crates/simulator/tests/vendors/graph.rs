//! Microsoft Graph: `@odata.nextLink`, `@odata.deltaLink`, `$filter`, client credentials.

use lakeflow_simulator::Advance;
use serde_json::Value;

use crate::support::{TOKEN, Vendor, column};

const ENDPOINTS: &str = r#"
constants: {tenant: contoso}
auth: [issued_bearer]
errors:
  invalid_parameter: {status: 400, body: {error: {code: BadRequest, message: "{reason}"}}}
  unauthorized: {status: 401, body: {error: {code: InvalidAuthenticationToken, message: "{reason}"}}}
endpoints:
  - {path: "/{tenant}/oauth2/v2.0/token", method: POST, token: {grants: [client_credentials]}}
  - path: /v1.0/teams
    corpus: teams
    parameters:
      $filter: {o_data_filter: {fields: [displayName, createdDateTime], always: ["resourceProvisioningOptions/Any(x:x eq 'Team')"]}}
      $top: {limit: {default: 100, maximum: 999}}
      $skiptoken: {cursor: {}}
      $select: {select: {}}
    response: {pagination: next_url, records_key: value, extras_if_more: {"@odata.nextLink": "{next_url}"}}
  - path: /v1.0/teams/{id}/messages/delta
    corpus: messages
    rows: all
    default_sort: lastModifiedDateTime
    path_parameters: {id: {row: {of: teams, field: id}}}
    parameters: {$top: {limit: {default: 5, maximum: 50}}, $skiptoken: {cursor: {}}, $deltatoken: {delta: {}}}
    response: {pagination: next_url, records_key: value, extras_if_more: {"@odata.nextLink": "{next_url}"}, extras_at_end: {"@odata.deltaLink": "{delta_url}"}}
"#;

const TEAMS: &str = r#"{"count": 12, "identity": "id", "record": {"id": "team-{n}", "displayName": "Team {n}",
    "createdDateTime": {"$timestamp": ["-90d", "-30d"]}}}"#;

const MESSAGES: &str = r#"{"parent": "teams", "per_parent": [11, 14], "identity": "id", "cursor": "lastModifiedDateTime",
    "record": {"id": "{n}", "body": {"content": {"$text": [5, 40]}}, "deletedDateTime": null,
      "lastModifiedDateTime": {"$before": "parent.createdDateTime", "within": "20d", "format": "rfc3339_millis"}},
    "changes": {"body": {"content": {"$text": [5, 40]}}},
    "deleted": {"deletedDateTime": {"$field": "lastModifiedDateTime"}}}"#;

/// A stand-in with a client that has a token.
async fn graph() -> (Vendor, String) {
    let vendor = Vendor::start(ENDPOINTS, &[("teams", TEAMS), ("messages", MESSAGES)]).await;
    let form = format!("grant_type=client_credentials&client_id=app&client_secret={TOKEN}&scope=x");
    let request = vendor.http.post(vendor.simulator.url().join("/contoso/oauth2/v2.0/token").unwrap());
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let answer: Value = serde_json::from_slice(&request.send().await.unwrap().bytes().await.unwrap()).unwrap();
    let token = answer["access_token"].as_str().unwrap().to_owned();
    (vendor, token)
}

async fn get(vendor: &Vendor, token: &str, path: &str) -> (u16, Value) {
    let url = vendor.simulator.url().join(path).unwrap();
    let response = vendor.http.get(url).bearer_auth(token).send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

#[tokio::test]
async fn next_links_are_followed_to_a_delta_link_that_gives_later_changes_and_deletes() {
    let (vendor, token) = graph().await;
    let (mut path, mut ids) = ("/v1.0/teams/team-3/messages/delta?$top=4".to_owned(), Vec::new());
    let delta = loop {
        let (_, page) = get(&vendor, &token, &path).await;
        ids.extend(column(&page["value"], "id"));
        match page["@odata.deltaLink"].as_str() {
            Some(delta) => break delta.to_owned(),
            None => path = page["@odata.nextLink"].as_str().unwrap().to_owned(),
        }
    };
    assert!((11..=14).contains(&ids.len()));
    assert!(delta.contains("%24deltatoken=") && !delta.contains("skiptoken"), "{delta}");
    let (_, nothing) = get(&vendor, &token, &delta).await;
    assert_eq!(nothing["value"], Value::Array(vec![]));
    let advance = Advance::new().change("messages", ids[0].as_str()).delete("messages", ids[1].as_str());
    vendor.simulator.advance(&advance).unwrap();
    let (_, later) = get(&vendor, &token, nothing["@odata.deltaLink"].as_str().unwrap()).await;
    assert_eq!(column(&later["value"], "id"), ids[..2]);
    assert!(later["value"][0]["deletedDateTime"].is_null() && later["value"][1]["deletedDateTime"].is_string());
}

#[tokio::test]
async fn odata_filters_hold_and_others_are_refused() {
    let (vendor, token) = graph().await;
    let teams = |filter: &str| format!("/v1.0/teams?$filter={}", filter.replace(' ', "%20").replace('\'', "%27"));
    let any = "resourceProvisioningOptions/Any(x:x eq 'Team')";
    let (_, all) = get(&vendor, &token, &teams(any)).await;
    assert_eq!(all["value"].as_array().unwrap().len(), 12);
    let (_, one) = get(&vendor, &token, &teams(&format!("{any} and displayName eq 'Team 7'"))).await;
    assert_eq!(column(&one["value"], "id"), ["team-7"]);
    let since = vendor.rows("teams")[8]["createdDateTime"].as_str().unwrap().to_owned();
    let (_, late) = get(&vendor, &token, &teams(&format!("createdDateTime gt {since}"))).await;
    assert_eq!(late["value"].as_array().unwrap().len(), 3);
    assert_eq!(get(&vendor, &token, &teams("startswith(displayName,'T')")).await.0, 400);
}

#[tokio::test]
async fn token_of_the_settings_is_no_access_token() {
    let (vendor, token) = graph().await;
    assert_eq!(get(&vendor, TOKEN, "/v1.0/teams").await.0, 401);
    assert_eq!(get(&vendor, &token, "/v1.0/teams").await.0, 200);
}
