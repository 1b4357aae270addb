//! Pages of issues as GitHub's API returns them: about 3.2 KB each, the same in every run.

use std::fmt::Write;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use lakeflow_interface::ddl;
use lakeflow_interface::records::{JsonRecords, Page};

const API: &str = "https://api.github.com";
const WORDS: [&str; 36] = [
    "pipeline",
    "connector",
    "offset",
    "schema",
    "page",
    "token",
    "cursor",
    "commit",
    "retry",
    "table",
    "record",
    "stream",
    "batch",
    "delta",
    "spark",
    "offset",
    "when",
    "the",
    "reader",
    "stops",
    "before",
    "latest",
    "checkpoint",
    "é",
    "naïve",
    "数据",
    "emoji",
    "🚀",
    "quote",
    "\\\"",
    "slash",
    "\\\\",
    "tab",
    "state",
    "merge",
    "window",
];

const USER: &str = "STRUCT<login: STRING, id: BIGINT, node_id: STRING, gravatar_id: STRING, avatar_url: STRING, url: STRING, \
    html_url: STRING, followers_url: STRING, following_url: STRING, gists_url: STRING, starred_url: STRING, \
    subscriptions_url: STRING, organizations_url: STRING, repos_url: STRING, events_url: STRING, \
    received_events_url: STRING, type: STRING, site_admin: BOOLEAN>";

/// The schema of an issue, with all its fields.
pub(crate) fn schema() -> SchemaRef {
    let milestone = format!(
        "STRUCT<url: STRING, html_url: STRING, labels_url: STRING, id: BIGINT, node_id: STRING, number: BIGINT, \
         title: STRING, description: STRING, creator: {USER}, open_issues: INT, closed_issues: INT, state: STRING, \
         created_at: TIMESTAMP, updated_at: TIMESTAMP, due_on: TIMESTAMP, closed_at: TIMESTAMP>"
    );
    let text = format!(
        "url STRING, repository_url STRING, labels_url STRING, comments_url STRING, events_url STRING, \
         html_url STRING, id BIGINT NOT NULL, node_id STRING, number BIGINT, title STRING, user {USER}, \
         labels ARRAY<STRUCT<id: BIGINT, node_id: STRING, url: STRING, name: STRING, color: STRING, \
         `default`: BOOLEAN, description: STRING>>, state STRING, locked BOOLEAN, assignee {USER}, \
         assignees ARRAY<{USER}>, milestone {milestone}, comments INT, created_at TIMESTAMP, updated_at TIMESTAMP, \
         closed_at TIMESTAMP, author_association STRING, active_lock_reason STRING, body STRING, closed_by {USER}, \
         performed_via_github_app STRUCT<id: BIGINT, slug: STRING, node_id: STRING, name: STRING>, \
         state_reason STRING, reactions STRUCT<url: STRING, total_count: INT, `+1`: INT, `-1`: INT, laugh: INT, \
         hooray: INT, confused: INT, heart: INT, rocket: INT, eyes: INT>, timeline_url STRING"
    );
    ddl::parse(&text).expect("the schema is DDL")
}

/// One page: an array of this many issues.
pub(crate) fn page(issues: usize) -> String {
    let mut random = fastrand::Rng::with_seed(7);
    let issues: Vec<String> = (1..=issues).map(|number| issue(number, &mut random)).collect();
    format!("[{}]", issues.join(","))
}

fn words(count: usize, random: &mut fastrand::Rng) -> String {
    let words: Vec<&str> = (0..count).map(|_| WORDS[random.usize(..WORDS.len())]).collect();
    words.join(" ")
}

fn user(number: usize) -> String {
    let url = format!("{API}/users/user{number}");
    format!(
        r#"{{"login":"user{number}","id":{},"node_id":"U_{number:08}","gravatar_id":"","avatar_url":"https://avatars.example/{number}?v=4","url":"{url}","html_url":"https://github.com/user{number}","followers_url":"{url}/followers","following_url":"{url}/following{{/other_user}}","gists_url":"{url}/gists{{/gist_id}}","starred_url":"{url}/starred{{/owner}}{{/repo}}","subscriptions_url":"{url}/subscriptions","organizations_url":"{url}/orgs","repos_url":"{url}/repos","events_url":"{url}/events{{/privacy}}","received_events_url":"{url}/received_events","type":"User","site_admin":false}}"#,
        1000 + number
    )
}

fn labels(repository: &str, random: &mut fastrand::Rng) -> String {
    let labels: Vec<String> = (0..random.usize(..4))
        .map(|_| {
            let k = random.usize(..12);
            format!(
                r#"{{"id":{},"node_id":"L_{k}","url":"{repository}/labels/l{k}","name":"l{k}","color":"d73a4a","default":false,"description":null}}"#,
                70 + k
            )
        })
        .collect();
    labels.join(",")
}

fn time(second: usize) -> String {
    format!(
        "2020-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        second / 2_419_200 % 12 + 1,
        second / 86_400 % 28 + 1,
        second / 3600 % 24,
        second / 60 % 60,
        second % 60
    )
}

fn issue(number: usize, random: &mut fastrand::Rng) -> String {
    let repository = format!("{API}/repos/acme/widgets");
    let issue = format!("{repository}/issues/{number}");
    let closed = number.is_multiple_of(3);
    let assignee = number.is_multiple_of(4).then(|| user(number % 17));
    let mut text = String::new();
    write!(
        text,
        r#"{{"url":"{issue}","repository_url":"{repository}","labels_url":"{issue}/labels{{/name}}","comments_url":"{issue}/comments","events_url":"{issue}/events","html_url":"https://github.com/acme/widgets/issues/{number}","id":{},"node_id":"I_{number:010}","number":{number},"title":"{}","user":{},"labels":[{}],"state":"{}","locked":false,"assignee":{},"assignees":[{}],"milestone":null,"comments":{},"created_at":"{}","updated_at":"{}","closed_at":{},"author_association":"{}","active_lock_reason":null,"body":"{}","closed_by":null,"performed_via_github_app":null,"state_reason":{},"#,
        5_000_000_000_u64 + number as u64,
        words(8, random),
        user(number % 500),
        labels(&repository, random),
        if closed { "closed" } else { "open" },
        assignee.as_deref().unwrap_or("null"),
        assignee.as_deref().unwrap_or(""),
        random.usize(..41),
        time(97 * number),
        time(97 * number + 50),
        if closed { format!("\"{}\"", time(97 * number + 49)) } else { "null".to_owned() },
        ["NONE", "MEMBER", "CONTRIBUTOR"][random.usize(..3)],
        {
            let count = random.usize(20..=160);
            words(count, random)
        },
        if closed { "\"completed\"" } else { "null" },
    )
    .expect("writing into text");
    write!(
        text,
        r#""reactions":{{"url":"{issue}/reactions","total_count":{},"+1":{},"-1":0,"laugh":0,"hooray":0,"confused":0,"heart":0,"rocket":0,"eyes":{}}},"timeline_url":"{issue}/timeline"}}"#,
        random.usize(..10),
        random.usize(..6),
        random.usize(..4),
    )
    .expect("writing into text");
    text
}

/// The records of a page that is an array.
pub(crate) fn records(text: impl Into<Vec<u8>>) -> JsonRecords {
    let page = Arc::new(Page::parse(text).expect("the page is JSON"));
    let places = page.root().items().map(|record| record.index()).collect();
    JsonRecords::new(page, places)
}
