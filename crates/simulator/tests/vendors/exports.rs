//! Amplitude and Mixpanel: exports by hour and by day as JSON Lines, gzip and zip; CSV.

use std::io::Read;

use flate2::read::{DeflateDecoder, GzDecoder};
use serde_json::Value;

use crate::support::Vendor;

const ENDPOINTS: &str = r#"
auth: [basic, bearer]
errors: {invalid_parameter: {status: 400, body: {error: "{reason}"}}}
endpoints:
  - path: /api/2/export
    corpus: amplitude_events
    parameters:
      start: {filter: {field: server_upload_time, op: gte, required: true}}
      end: {filter: {field: server_upload_time, op: lte, required: true, whole: hour}}
    response: {format: json_lines, packing: gzip, empty: {status: 404, body: Raw data files were not found, content_type: text/plain}}
  - path: /api/2.0/export
    corpus: mixpanel_events
    parameters:
      from_date: {filter: {field: properties.time, op: gte, required: true}}
      to_date: {filter: {field: properties.time, op: lte, required: true, whole: day}}
    response: {format: json_lines}
  - {path: /people/columns, corpus: people, response: {columns: {data.names: name, data.series: [id]}, extras: {data.label: ids}}}
  - {path: /people.csv, corpus: people, response: {format: csv}}
  - {path: /people.json.gz, corpus: people, response: {packing: gzip}}
  - {path: /people.zip, corpus: people, response: {format: csv, packing: zip}}
  - {path: /events.zip, corpus: mixpanel_events, response: {format: json_lines, packing: zip_of_gzip}}
"#;

const AMPLITUDE: &str = r#"{"count": 1200, "identity": "uuid", "cursor": "server_upload_time", "record": {"uuid": "u-{n}",
    "event_properties": {"n": {"$number": "n"}}, "server_upload_time": {"$timestamp": ["-10h", "-1h"], "format": "datetime_micros"}}}"#;

const MIXPANEL: &str = r#"{"count": 100, "identity": "properties.$insert_id", "record": {"event": {"$choice": ["view", "buy"]},
    "properties": {"$$insert_id": "i-{n}", "time": {"$timestamp": ["-10d", "-1h"], "format": "epoch_seconds"}}}}"#;

const PEOPLE: &str = r#"{"count": 3, "identity": "id", "record": {"id": {"$number": "n"}, "name": "Ann, \"{n}\"", "tags": ["a", "b"], "none": null}}"#;

async fn vendor() -> Vendor {
    Vendor::start(ENDPOINTS, &[("amplitude_events", AMPLITUDE), ("mixpanel_events", MIXPANEL), ("people", PEOPLE)])
        .await
}

async fn bytes(vendor: &Vendor, path: &str) -> Vec<u8> {
    let response = vendor.request("GET", path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    response.bytes().await.unwrap().to_vec()
}

fn lines(text: &[u8]) -> Vec<Value> {
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn unpacked(content: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    GzDecoder::new(content).read_to_end(&mut text).unwrap();
    text
}

#[tokio::test]
async fn gzip_has_the_rows_of_whole_hours() {
    let vendor = vendor().await;
    let rows = lines(&unpacked(&bytes(&vendor, "/api/2/export?start=20260115T00&end=20260115T09").await));
    let expected = vendor.rows("amplitude_events").into_iter();
    let expected: Vec<Value> =
        expected.filter(|row| row["server_upload_time"].as_str() < Some("2026-01-15 10:00")).collect();
    assert!(expected.len() > 500 && expected.len() < 1200);
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn hour_without_rows_is_answered_as_the_vendor_does() {
    let response =
        vendor().await.request("GET", "/api/2/export?start=20250101T00&end=20250101T01").send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (404, &"text/plain".parse().unwrap())
    );
    assert_eq!(response.bytes().await.unwrap(), "Raw data files were not found");
}

#[tokio::test]
async fn json_lines_have_the_rows_of_whole_days() {
    let vendor = vendor().await;
    let rows = lines(&bytes(&vendor, "/api/2.0/export?from_date=2026-01-10&to_date=2026-01-11").await);
    let day = |row: &Value| row["properties"]["time"].as_i64().unwrap() / 86_400;
    let mut expected = vendor.rows("mixpanel_events");
    expected.retain(|row| [20_463, 20_464].contains(&day(row)));
    assert!(!expected.is_empty());
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn export_without_its_required_bounds_is_refused() {
    let (status, body) = vendor().await.ask("GET", "/api/2.0/export?from_date=2026-01-10", None).await;
    assert_eq!((status, &body["error"]), (400, &"`to_date` is required".into()));
}

#[tokio::test]
async fn columns_stand_side_by_side() {
    let body = vendor().await.get("/people/columns").await;
    let expected = serde_json::json!({"data": {
        "names": ["Ann, \"1\"", "Ann, \"2\"", "Ann, \"3\""], "series": [[1, 2, 3]], "label": "ids"}});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn rows_are_written_as_csv_and_gzip() {
    let vendor = vendor().await;
    let csv = "id,name,tags,none\r\n1,\"Ann, \"\"1\"\"\",\"[\"\"a\"\",\"\"b\"\"]\",\r\n";
    let text = bytes(&vendor, "/people.csv").await;
    assert!(text.starts_with(csv.as_bytes()), "{}", String::from_utf8_lossy(&text));
    let rows: Vec<Value> = serde_json::from_slice(&unpacked(&bytes(&vendor, "/people.json.gz").await)).unwrap();
    assert_eq!(rows, vendor.rows("people"));
}

/// The files of an archive, by its directory: name and content.
fn files(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let number = |at: usize| u32::from_le_bytes(archive[at..at + 4].try_into().unwrap()) as usize;
    let end = archive.len() - 22;
    assert_eq!(archive[end..end + 4], *b"PK\x05\x06");
    let mut entry = number(end + 16);
    let mut files = Vec::new();
    while entry < end {
        let name_length = usize::from(archive[entry + 28]);
        let name = String::from_utf8(archive[entry + 46..entry + 46 + name_length].to_vec()).unwrap();
        let begin = number(entry + 42) + 30 + name_length;
        let mut content = Vec::new();
        DeflateDecoder::new(&archive[begin..begin + number(entry + 20)]).read_to_end(&mut content).unwrap();
        assert_eq!(content.len(), number(entry + 24));
        files.push((name, content));
        entry += 46 + name_length;
    }
    files
}

#[tokio::test]
async fn archives_have_the_rows_in_several_files() {
    let vendor = vendor().await;
    let people = files(&bytes(&vendor, "/people.zip").await);
    assert_eq!(people.len(), 1);
    assert_eq!((people[0].0.as_str(), &people[0].1), ("export/1.csv", &bytes(&vendor, "/people.csv").await));
    let events = files(&bytes(&vendor, "/events.zip").await);
    assert_eq!(
        events.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["export/1.json.gz", "export/2.json.gz"]
    );
    let rows: Vec<Value> = events.iter().flat_map(|(_, content)| lines(&unpacked(content))).collect();
    assert_eq!(rows, vendor.rows("mixpanel_events"));
}
