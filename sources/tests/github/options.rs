//! The options that a user can give.

use lakeflow_interface::{Offset, TableOptions};
use serde_json::Value;

use crate::account::{Account, options};
use crate::tables::assert_rows;

/// The records of a table for which something holds.
fn records(account: &Account, table: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    account.records(table).into_iter().filter(wanted).collect()
}

#[tokio::test]
async fn state_chooses_rows() {
    let account = Account::new().await;
    for table in ["issues", "pull_requests"] {
        for state in ["open", "closed"] {
            let reading = account.read_with(table, &Offset::beginning(), &[("state", state)]).await;
            assert_rows(table, &reading.rows, &records(&account, table, |record| record["state"] == state));
        }
    }
}

#[tokio::test]
async fn first_read_begins_at_the_start_date() {
    let account = Account::new().await;
    let start = [("start_date", "2026-02-01T00:00:00Z")];
    for (table, cursor) in [
        ("issues", "/updated_at"),
        ("pull_requests", "/updated_at"),
        ("comments", "/updated_at"),
        ("commits", "/commit/committer/date"),
    ] {
        let reading = account.read_with(table, &Offset::beginning(), &start).await;
        let since = |record: &Value| record.pointer(cursor).unwrap().as_str().unwrap() >= "2026-02-01T00:00:00Z";
        let expected = records(&account, table, since);
        assert!(!expected.is_empty() && expected.len() < account.records(table).len(), "{table}");
        assert_rows(table, &reading.rows, &expected);
    }
}

#[tokio::test]
async fn pages_have_the_size_that_is_asked_for() {
    let account = Account::new().await;
    account.read("users", &Offset::beginning()).await;
    account.read_with("users", &Offset::beginning(), &[("per_page", "7")]).await;
    let requests = account.requests("/members");
    assert!(requests[0].contains("per_page=100") && requests[1].contains("per_page=7"), "{requests:?}");
    assert_eq!(requests.len(), 1 + 3);
    let too_large = options("users", &[("per_page", "101")]);
    let error = account.try_read("users", &Offset::beginning(), &too_large).await.unwrap_err();
    assert!(error.to_string().contains("per_page"), "{error:?}");
}

#[tokio::test]
async fn branch_is_asked_for_only_where_it_is_given() {
    let account = Account::new().await;
    account.read("commits", &Offset::beginning()).await;
    let of_default = account.requests("/commits");
    assert!(of_default.iter().all(|request| !request.contains("sha=")), "{of_default:?}");
    account.read_with("commits", &Offset::beginning(), &[("branch", "release/2.9")]).await;
    let of_branch = &account.requests("/commits")[of_default.len()..];
    assert!(of_branch.iter().all(|request| request.contains("sha=release%2F2.9")), "{of_branch:?}");
}

#[tokio::test]
async fn repositories_of_a_user_are_listed_too() {
    let account = Account::new().await;
    let of_user: TableOptions = [("owner", "acme")].into_iter().collect();
    let reading = account.try_read("repositories", &Offset::beginning(), &of_user).await.unwrap();
    assert_rows("repositories", &reading.rows, &account.records("repositories"));
    assert!(account.requests("/users/acme/repos").len() == 1, "{:?}", account.requests(""));
}
