//! What the roles of parameters and placeholders do.

use serde_json::{Value, json};

use crate::client::{ISSUES, link, numbers, parsed, settings, start, texts};

#[tokio::test]
async fn filter_has_default_off_value_and_chosen_value() {
    let (simulator, client) = start(settings()).await;
    let rows: Vec<Value> = simulator.rows("issues").unwrap().collect();
    let with_state = |state: &str| rows.iter().filter(|row| row["state"] == state).count();
    assert!(with_state("open") > with_state("closed"), "weights");
    assert_eq!(client.all(ISSUES).await.len(), with_state("open"));
    assert_eq!(client.all(&format!("{ISSUES}?state=closed")).await.len(), with_state("closed"));
    assert_eq!(client.all(&format!("{ISSUES}?state=all")).await.len(), 250);
    assert_eq!(client.all(&format!("{ISSUES}?state=nonsense")).await.len(), with_state("open"), "invalid is absent");
}

#[tokio::test]
async fn filters_compare_as_a_plain_filter_over_all_rows_does() {
    let (simulator, client) = start(settings()).await;
    let rows: Vec<Value> = simulator.rows("users").unwrap().collect();
    let expected = |accept: &dyn Fn(&Value) -> bool| -> Vec<i64> {
        rows.iter().filter(|row| row["kind"] == "red" && accept(row)).map(|row| row["id"].as_i64().unwrap()).collect()
    };
    let id = |row: &Value| row["id"].as_i64().unwrap();
    for (query, accept) in [
        ("id_gt=1020", &(|row: &Value| id(row) > 1020) as &dyn Fn(&Value) -> bool),
        ("id_lte=1020", &|row| id(row) <= 1020),
        ("id_gt=1010&id_lte=1030", &|row| id(row) > 1010 && id(row) <= 1030),
        ("kinds=red,green", &|_| true),
        ("kinds=blue", &|_| false),
        ("not_kind=red", &|_| false),
        ("admin=true", &|row| row["site_admin"] == true),
        ("admin=false", &|row| row["site_admin"] == false),
    ] {
        let body = client.json(&format!("/teams/red/users?limit=50&{query}")).await;
        let found: Vec<i64> = body["users"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(found, expected(accept), "{query}");
        assert_eq!(body["total"], found.len());
    }
}

#[tokio::test]
async fn since_is_inclusive_and_understands_instants() {
    let (simulator, client) = start(settings()).await;
    let rows: Vec<Value> = simulator.rows("issues").unwrap().collect();
    let bound = rows[100]["updated_at"].as_str().unwrap().to_owned();
    let expected = rows.iter().filter(|row| row["updated_at"].as_str().unwrap() >= bound.as_str()).count();
    let same_instant = bound.replace('Z', "%2B00:00");
    for since in [&bound, &same_instant] {
        let found = client.all(&format!("{ISSUES}?state=all&sort=updated&direction=asc&since={since}")).await;
        assert_eq!(found.len(), expected);
        assert_eq!(found[0]["updated_at"], bound.as_str());
    }
    let before = client.all(&format!("{ISSUES}?state=all&until={bound}")).await;
    assert_eq!(before.len(), 250 - expected);
    assert!(rows[99]["updated_at"] == rows[100]["updated_at"] || rows[101]["updated_at"] == rows[100]["updated_at"]);
}

#[tokio::test]
async fn filter_reaches_into_a_row_of_another_corpus() {
    let (simulator, client) = start(settings()).await;
    let expected = simulator.rows("issues").unwrap().filter(|row| row["user"]["login"] == "user7").count();
    assert!(expected > 0);
    assert_eq!(client.all(&format!("{ISSUES}?state=all&creator=user7")).await.len(), expected);
}

#[tokio::test]
async fn sort_follows_field_and_direction() {
    let (_simulator, client) = start(settings()).await;
    let list = |query: &'static str| {
        let client = &client;
        async move { client.all(&format!("{ISSUES}?state=all&{query}")).await }
    };
    let ascending = list("sort=updated&direction=asc").await;
    assert!(texts(&ascending, "updated_at").is_sorted());
    let mut reversed = list("sort=updated&direction=desc").await;
    reversed.reverse();
    assert_eq!(reversed, ascending);
    assert!(texts(&list("").await, "created_at").is_sorted_by(|a, b| a >= b), "the default is newest first");
    let comments: Vec<i64> =
        list("sort=comments&direction=desc").await.iter().map(|row| row["comments"].as_i64().unwrap()).collect();
    assert_eq!(comments.len(), 250);
    assert!(comments.is_sorted_by(|a, b| a >= b));
}

#[tokio::test]
async fn every_page_size_gives_every_row_once_in_one_order() {
    let (_simulator, client) = start(settings()).await;
    for query in
        ["state=all&sort=updated&direction=asc", "state=open", "state=all&sort=comments", "state=closed&sort=updated"]
    {
        let expected = client.all(&format!("{ISSUES}?{query}&per_page=100")).await;
        for per_page in [1, 2, 3, 7, 30, 49, 50, 99] {
            let found = client.all(&format!("{ISSUES}?{query}&per_page={per_page}")).await;
            assert_eq!(numbers(&found), numbers(&expected), "{query} {per_page}");
        }
    }
}

#[tokio::test]
async fn link_header_tells_of_all_four_pages_and_keeps_the_query() {
    let (_simulator, client) = start(settings()).await;
    let first = client.get(&format!("{ISSUES}?state=all&per_page=50&labels=a%20b")).send().await.unwrap();
    assert_eq!(link(&first, "prev"), None);
    assert_eq!(link(&first, "first"), None);
    let next = link(&first, "next").unwrap();
    assert_eq!(next, format!("{}{ISSUES}?state=all&per_page=50&labels=a+b&page=2", client.url));
    let second = client.get(&next).send().await.unwrap();
    assert!(link(&second, "prev").unwrap().ends_with("page=1"));
    assert!(link(&second, "next").unwrap().ends_with("page=3"));
    let last = client.get(&link(&second, "last").unwrap()).send().await.unwrap();
    assert_eq!(link(&last, "next"), None);
    assert_eq!(parsed::<Vec<Value>>(last).await.len(), 50);
    let beyond = client.get(&format!("{ISSUES}?state=all&per_page=50&page=9")).send().await.unwrap();
    assert_eq!(link(&beyond, "next"), None);
    assert_eq!(beyond.text().await.unwrap(), "[]");
}

#[tokio::test]
async fn page_size_has_default_and_maximum() {
    let (_simulator, client) = start(settings()).await;
    for (query, expected) in
        [("", 30), ("?per_page=500", 100), ("?per_page=0", 1), ("?per_page=x", 30), ("?page=0", 30)]
    {
        assert_eq!(client.list(&format!("{ISSUES}{query}")).await.len(), expected, "{query}");
    }
}

#[tokio::test]
async fn offset_and_limit_page_through_a_wrapped_list() {
    let (_simulator, client) = start(settings()).await;
    let mut found = Vec::new();
    let mut offset = json!(0);
    while !offset.is_null() {
        let body = client.json(&format!("/teams/green/users?limit=4&offset={offset}")).await;
        found.extend(body["users"].as_array().unwrap().iter().map(|user| user["id"].as_i64().unwrap()));
        offset = body["next_offset"].clone();
    }
    assert!(found.len() > 4 && found.is_sorted_by(|a, b| a < b), "{found:?}");
}

#[tokio::test]
async fn wrapper_has_nested_key_and_typed_extras() {
    let (simulator, client) = start(settings()).await;
    let total = simulator.rows("reviews").unwrap().count();
    let body = client.json("/reviews?per_page=10").await;
    assert_eq!(body["data"]["items"].as_array().unwrap().len(), 10);
    assert_eq!(body["data"]["total"], total);
    assert_eq!((&body["next"], &body["more"]), (&json!(2), &json!(true)));
    let pages = total.div_ceil(10);
    let last = client.json(&format!("/reviews?per_page=10&page={pages}")).await;
    assert_eq!((&last["next"], &last["more"]), (&Value::Null, &json!(false)));
    assert_eq!(last["label"], format!("page {pages} of {pages}"));
}

#[tokio::test]
async fn strict_endpoint_refuses_unknown_parameters_and_invalid_values() {
    let (_simulator, client) = start(settings()).await;
    for (query, field) in
        [("colour=red", "colour"), ("limit=51", "limit"), ("id_gt=many", "id_gt"), ("offset=-1", "offset")]
    {
        let (status, body) = client.status(&format!("/teams/red/users?{query}")).await;
        assert_eq!(status, 422, "{query}");
        assert_eq!(body["errors"][0]["field"], field);
    }
    let (status, _) = client.status(&format!("{ISSUES}?colour=red")).await;
    assert_eq!(status, 200, "others ignore what they do not know");
}

#[tokio::test]
async fn children_belong_to_their_parent() {
    let (simulator, client) = start(settings()).await;
    let mut all = Vec::new();
    for pull in simulator.rows("pull_requests").unwrap() {
        let reviews = client.all(&format!("/repos/acme/widgets/pulls/{}/reviews", pull["number"])).await;
        assert!(reviews.len() <= 4);
        for (position, review) in reviews.iter().enumerate() {
            assert_eq!(review["pull_number"], pull["number"]);
            assert_eq!(review["pull_request_url"], pull["url"]);
            assert_eq!(review["position"], position + 1);
            assert_eq!(review["$kind"], "review");
            assert!(review["submitted_at"].as_str() <= pull["updated_at"].as_str());
            assert_eq!(review["lines"][0]["text"], format!("line 10 of {}", review["id"]));
        }
        all.extend(reviews);
    }
    let expected: Vec<Value> = simulator.rows("reviews").unwrap().collect();
    assert!(expected.len() > 40);
    assert_eq!(all, expected);
    let ids: std::collections::HashSet<i64> = all.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!(ids.len(), all.len());
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let (_simulator, client) = start(settings()).await;
    for path in [
        "/repos/acme/gadgets/issues",
        "/repos/nobody/widgets/issues",
        "/repos/acme/widgets/pulls/101/reviews",
        "/repos/acme/widgets/pulls/x/reviews",
        "/repos/acme/widgets/issues/251",
        "/users/user61",
        "/nowhere",
    ] {
        let (status, body) = client.status(path).await;
        assert_eq!((status, &body["message"]), (404, &json!("Not Found")), "{path}");
        assert_eq!(body["documentation_url"], format!("https://docs.example{path}"));
    }
}

#[tokio::test]
async fn single_entity_is_the_row_itself() {
    let (simulator, client) = start(settings()).await;
    let issue = simulator.rows("issues").unwrap().nth(122).unwrap();
    assert_eq!(client.json(&format!("{ISSUES}/123")).await, issue);
    assert_eq!(client.json("/users/user5").await["id"], 1005);
    assert_eq!(client.json("/user").await, json!({"login": "acme", "id": 1}));
}

#[tokio::test]
async fn method_and_status_are_those_of_the_endpoint() {
    let (_simulator, client) = start(settings()).await;
    let post = |path: &str| client.http.post(format!("{}{path}", client.url)).bearer_auth(crate::client::TOKEN).send();
    assert_eq!(post("/search").await.unwrap().status(), 201);
    assert_eq!(post(ISSUES).await.unwrap().status(), 405);
    assert_eq!(client.status("/search").await.0, 405);
}
