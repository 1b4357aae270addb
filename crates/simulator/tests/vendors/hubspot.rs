//! HubSpot: searches in a body with a ceiling, chosen properties, archived rows by a parameter, token refresh.

use lakeflow_simulator::Advance;
use serde_json::{Value, json};

use crate::support::{TOKEN, Vendor, column};

const ENDPOINTS: &str = r#"
auth: [bearer, issued_bearer]
errors: {invalid_parameter: {status: 400, body: {status: error, category: VALIDATION_ERROR, message: "{reason}"}}}
endpoints:
  - path: /crm/v3/objects/contacts
    corpus: contacts
    parameters:
      limit: {limit: {default: 10, maximum: 100}}
      after: {cursor: {}}
      archived: {rows: {values: {"true": deleted, "false": existing}}}
      properties: {select: {under: properties, always: [hs_object_id], default: [email]}}
    response: {pagination: cursor, records_key: results, extras_if_more: {paging.next.after: "{next_cursor}", paging.next.link: "{next_url}"}}
  - path: /crm/v3/objects/contacts/search
    method: POST
    corpus: contacts
    strict: true
    parameters:
      filterGroups: {filter_groups: {under: properties}}
      sorts: {sort_list: {under: properties}}
      properties: {select: {under: properties, always: [hs_object_id]}}
      limit: {limit: {default: 10, maximum: 200}}
      after: offset
    response: {pagination: offset, records_key: results, most_rows: 40, extras: {total: "{total}"}, extras_if_more: {paging.next.after: "{next_offset:text}"}}
  - {path: /oauth/v1/token, method: POST, token: {grants: [refresh_token], rotates: true, lifetime: 30m}}
"#;

const CONTACTS: &str = r#"{"count": 60, "identity": "id", "cursor": "updatedAt", "record": {
    "id": "{n + 500}", "createdAt": {"$before": "updatedAt", "within": "9d"},
    "updatedAt": {"$timestamp": ["-30d", "-1h"], "format": "rfc3339_millis"}, "archived": false,
    "properties": {"hs_object_id": "{id}", "email": "user{n}@example.com", "lifecyclestage": {"$choice": ["lead", "customer"]},
      "lastmodifieddate": {"$after": "updatedAt", "by": "0s", "format": "rfc3339_millis"}, "score": {"$number": "n % 10"}}},
    "changes": {"properties": {"lastmodifieddate": {"$after": "updatedAt", "by": "0s", "format": "rfc3339_millis"}}},
    "deleted": {"archived": true, "archivedAt": {"$field": "updatedAt"}}}"#;

const SEARCH: &str = "/crm/v3/objects/contacts/search";

async fn hubspot() -> Vendor {
    Vendor::start(ENDPOINTS, &[("contacts", CONTACTS)]).await
}

fn search(conditions: Value, after: &str) -> Value {
    json!({"filterGroups": [{"filters": conditions}], "limit": 20, "after": after, "properties": ["email", "score"],
        "sorts": [{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}]})
}

#[tokio::test]
async fn list_is_paged_by_cursor_that_is_absent_at_the_end() {
    let hubspot = hubspot().await;
    let (mut path, mut ids) = ("/crm/v3/objects/contacts?limit=25".to_owned(), Vec::new());
    loop {
        let page = hubspot.get(&path).await;
        ids.extend(column(&page["results"], "id"));
        match page.get("paging") {
            Some(paging) => path = paging["next"]["link"].as_str().unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(ids.len(), 60);
    assert!(ids.is_sorted());
}

#[tokio::test]
async fn only_chosen_properties_are_sent() {
    let hubspot = hubspot().await;
    let page = hubspot.get("/crm/v3/objects/contacts?limit=1").await;
    assert_eq!(page["results"][0]["properties"], json!({"hs_object_id": "501", "email": "user1@example.com"}));
    let page = hubspot.get("/crm/v3/objects/contacts?limit=1&properties=score,lifecyclestage").await;
    let properties = page["results"][0]["properties"].as_object().unwrap();
    assert_eq!(properties.keys().collect::<Vec<_>>(), ["hs_object_id", "lifecyclestage", "score"]);
}

#[tokio::test]
async fn search_filters_sorts_and_ends_at_its_ceiling() {
    let hubspot = hubspot().await;
    let since = hubspot.rows("contacts")[9]["updatedAt"].clone();
    let condition = json!([{"propertyName": "lastmodifieddate", "operator": "GTE", "value": since}]);
    let (status, page) = hubspot.post(SEARCH, search(condition.clone(), "0")).await;
    assert_eq!((status, &page["total"], &page["paging"]["next"]["after"]), (200, &51.into(), &"20".into()));
    assert_eq!(column(&page["results"], "id")[0], "510");
    assert_eq!(hubspot.post(SEARCH, search(condition.clone(), "20")).await.0, 200);
    let (status, refused) = hubspot.post(SEARCH, search(condition, "40")).await;
    assert_eq!((status, &refused["category"]), (400, &"VALIDATION_ERROR".into()));
}

#[tokio::test]
async fn one_of_several_groups_must_hold() {
    let hubspot = hubspot().await;
    let group = |value: u32| json!({"filters": [{"propertyName": "score", "operator": "EQ", "value": value}]});
    let body = json!({"filterGroups": [group(3), group(4)], "limit": 200 / 5});
    let (_, page) = hubspot.post(SEARCH, body).await;
    assert_eq!(page["total"], 12);
    let ranges = json!([{"propertyName": "score", "operator": "BETWEEN", "value": 2, "highValue": 3},
        {"propertyName": "score", "operator": "NOT_IN", "values": [3]}, {"propertyName": "email", "operator": "HAS_PROPERTY"}]);
    assert_eq!(hubspot.post(SEARCH, search(ranges, "0")).await.1["total"], 6);
    let unknown = json!([{"propertyName": "scoer", "operator": "EQ", "value": 1}]);
    assert_eq!(hubspot.post(SEARCH, search(unknown, "0")).await.0, 400);
}

#[tokio::test]
async fn unknown_key_of_a_strict_search_and_body_that_is_no_json_are_refused() {
    let hubspot = hubspot().await;
    assert_eq!(hubspot.post(SEARCH, json!({"filterGroup": []})).await.0, 400);
    let broken = hubspot.request("POST", SEARCH).header("content-type", "application/json").body("{\"limit\": ");
    assert_eq!(broken.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn archived_rows_are_listed_on_request() {
    let hubspot = hubspot().await;
    hubspot.simulator.advance(&Advance::new().delete("contacts", "507")).unwrap();
    let archived = hubspot.get("/crm/v3/objects/contacts?archived=true").await;
    assert_eq!(column(&archived["results"], "id"), ["507"]);
    let row = &archived["results"][0];
    assert_eq!((&row["archived"], row["archivedAt"].as_str()), (&true.into(), Some("2026-01-15T12:01:00.000Z")));
    let (_, found) = hubspot
        .post(SEARCH, search(json!([{"propertyName": "hs_object_id", "operator": "EQ", "value": "507"}]), "0"))
        .await;
    assert_eq!(found["total"], 0);
}

#[tokio::test]
async fn tokens_are_handed_out_for_the_secret_and_refresh_tokens_are_good_once() {
    let hubspot = hubspot().await;
    let token = |secret: &str| {
        let form = format!("grant_type=refresh_token&client_id=1&refresh_token={secret}");
        let request = hubspot.http.post(hubspot.simulator.url().join("/oauth/v1/token").unwrap());
        request.header("content-type", "application/x-www-form-urlencoded").body(form).send()
    };
    let refused = token("wrong").await.unwrap();
    assert_eq!(refused.status(), 401);
    let answer: Value = serde_json::from_slice(&token(TOKEN).await.unwrap().bytes().await.unwrap()).unwrap();
    assert_eq!((&answer["token_type"], &answer["expires_in"]), (&"bearer".into(), &1800.into()));
    let contacts = hubspot.simulator.url().join("/crm/v3/objects/contacts").unwrap();
    let access = answer["access_token"].as_str().unwrap();
    let status = |token: String| {
        let request = hubspot.http.get(contacts.clone()).bearer_auth(token);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(status(access.to_owned()).await, 200);
    assert_eq!(status("made-up".to_owned()).await, 401);
    let refresh = answer["refresh_token"].as_str().unwrap();
    assert_eq!(token(refresh).await.unwrap().status(), 200);
    assert_eq!(token(refresh).await.unwrap().status(), 401, "a refresh token that was used is good no more");
    hubspot.simulator.revoke_tokens();
    assert_eq!(status(access.to_owned()).await, 401);
}
