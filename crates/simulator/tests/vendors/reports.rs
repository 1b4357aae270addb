//! Reports that are made in the background: started with parameters, asked for until ready, fetched.

use serde_json::{Value, json};

use crate::support::{Vendor, column};

const ENDPOINTS: &str = r#"
auth: [bearer]
endpoints:
  - path: /surveys/{survey}/export
    method: POST
    corpus: responses
    path_parameters: {survey: any}
    job: {start: {pending: 2}}
    parameters: {from: {filter: {field: n, op: gte}}, format: ignore}
    body: {result: {progressId: "{job}", status: inProgress}}
  - path: /surveys/{survey}/export/{job}
    path_parameters: {survey: any, job: job}
    job: {poll: {pending: {result: {status: inProgress}}}}
    body: {result: {status: complete, fileId: "{job}", url: "{base}/surveys/{survey}/export/{job}/file"}}
  - path: /surveys/{survey}/export/{job}/file
    corpus: responses
    path_parameters: {survey: any, job: job}
    parameters: {from: {filter: {field: n, op: gte}}}
    response: {format: json_lines}
"#;

const RESPONSES: &str = r#"{"count": 9, "identity": "id", "record": {"id": "R_{n}", "n": {"$number": "n"}}}"#;

#[tokio::test]
async fn report_is_ready_after_some_asking_and_has_what_it_was_started_with() {
    let vendor = Vendor::start(ENDPOINTS, &[("responses", RESPONSES)]).await;
    let (_, started) = vendor.post("/surveys/S1/export", json!({"format": "ndjson", "from": 7})).await;
    let path = format!("/surveys/S1/export/{}", started["result"]["progressId"].as_str().unwrap());
    assert_eq!(vendor.ask("GET", &format!("{path}/file"), None).await.0, 404, "it is not ready yet");
    let mut answers = Vec::new();
    let url = loop {
        let answer = vendor.get(&path).await;
        answers.push(answer["result"]["status"].as_str().unwrap().to_owned());
        if let Some(url) = answer["result"]["url"].as_str() {
            break url.to_owned();
        }
    };
    assert_eq!(answers, ["inProgress", "inProgress", "complete"]);
    let text = vendor.request("GET", &url).send().await.unwrap().bytes().await.unwrap();
    let rows = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let rows = Value::Array(rows.map(|line| serde_json::from_slice(line).unwrap()).collect());
    assert_eq!(column(&rows, "id"), ["R_7", "R_8", "R_9"]);
}

#[tokio::test]
async fn report_that_was_never_started_is_not_found() {
    let vendor = Vendor::start(ENDPOINTS, &[("responses", RESPONSES)]).await;
    assert_eq!(vendor.ask("GET", "/surveys/S1/export/job-9", None).await.0, 404);
}
