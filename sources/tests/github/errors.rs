//! What a user is told.

use lakeflow_interface::{Error, ErrorKind, Offset, TableOptions};

use crate::account::{Account, options};

/// An error as a user sees it, with what it names.
fn told(error: &Error) -> String {
    format!("{error:?}")
}

#[tokio::test]
async fn connection_is_checked_with_the_token() {
    let account = Account::new().await;
    account.connector.check_connection().await.unwrap();
}

#[tokio::test]
async fn wrong_token_names_the_parameter() {
    let account = Account::new().await;
    let connector = account.connector_with_token("ghp_wrong");
    let error = connector.check_connection().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(told(&error).contains("token"), "{error:?}");
    assert!(!told(&error).contains("ghp_wrong"), "{error:?}");
}

#[tokio::test]
async fn unknown_repository_names_owner_and_repo() {
    let account = Account::new().await;
    let options = [("owner", "acme"), ("repo", "rokcet")].into_iter().collect();
    for table in ["issues", "pull_requests", "comments", "commits", "reviews", "branches"] {
        let error = account.try_read(table, &Offset::beginning(), &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{table}");
        assert!(told(&error).contains("acme") && told(&error).contains("rokcet"), "{table}: {error:?}");
    }
}

#[tokio::test]
async fn missing_option_is_named() {
    let account = Account::new().await;
    let only_owner = [("owner", "acme")].into_iter().collect();
    let error = account.try_read("issues", &Offset::beginning(), &only_owner).await.unwrap_err();
    assert!(told(&error).contains("repo"), "{error:?}");
}

#[tokio::test]
async fn misspelt_option_is_refused_with_the_nearest() {
    let account = Account::new().await;
    let misspelt = options("issues", &[("stat", "open")]);
    let error = account.try_read("issues", &Offset::beginning(), &misspelt).await.unwrap_err();
    assert!(told(&error).contains("`state`"), "{error:?}");
}

#[tokio::test]
async fn repositories_need_an_organization_or_a_user() {
    let account = Account::new().await;
    let error = account.try_read("repositories", &Offset::beginning(), &TableOptions::default()).await.unwrap_err();
    assert!(told(&error).contains("owner"), "{error:?}");
}
