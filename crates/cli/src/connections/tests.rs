use super::*;

fn connection(options: &[(&str, &str)]) -> Connection {
    let options = options.iter().map(|(name, value)| ((*name).to_owned(), StoredValue::from((*value).to_owned())));
    Connection { source: "github".to_owned(), options: options.collect() }
}

#[test]
fn missing_file_holds_no_connections() {
    let folder = tempfile::tempdir().unwrap();
    let connections = Connections::load(&folder.path().join("connections.yaml")).unwrap();
    assert_eq!(connections.iter().count(), 0);
    let error = connections.get("hub").unwrap_err();
    assert_eq!(error.message(), "unknown connection `hub`; there are none yet");
}

#[test]
fn saved_connections_are_loaded_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/connections.yaml");
    let mut connections = Connections::load(&path).unwrap();
    let hub =
        connection(&[("token", "env:TOKEN"), ("base_url", "https://x: #y"), ("number", "0123"), ("odd", "a\n'b\"")]);
    connections.insert("hub", hub.clone()).unwrap();
    connections.save().unwrap();
    let loaded = Connections::load(&path).unwrap();
    assert_eq!(loaded.get("hub").unwrap(), &hub);
    assert_eq!(loaded.too_wide_mode(), None);
}

#[test]
fn unquoted_numbers_and_truths_are_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("connections.yaml");
    std::fs::write(&path, "hub: {source: github, options: {number: 0123, truth: yes}}").unwrap();
    let loaded = Connections::load(&path).unwrap();
    assert_eq!(loaded.get("hub").unwrap(), &connection(&[("number", "0123"), ("truth", "yes")]));
}

#[test]
fn broken_file_is_reported_without_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("connections.yaml");
    for text in
        ["hub: tops3cret", "hub: {source: x, options: {token: [tops3cret]}}", "a: *tops3cret", "hub: {tops3cret: 1}"]
    {
        std::fs::write(&path, text).unwrap();
        let error = Connections::load(&path).unwrap_err();
        assert!(error.message().contains("is not understood at line 1"), "{error}");
        assert!(!format!("{error:?}").contains("tops3cret"), "{error:?}");
    }
}

#[test]
fn debug_of_a_connection_hides_plain_values() {
    let shown = format!("{:?}", connection(&[("token", "tops3cret"), ("other", "env:TOKEN")]));
    assert!(!shown.contains("tops3cret") && shown.contains("env:TOKEN"), "{shown}");
}

#[cfg(unix)]
#[test]
fn file_that_others_can_read_is_noticed_and_replaced_by_a_narrow_one() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("connections.yaml");
    std::fs::write(&path, "hub: {source: github}").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let loaded = Connections::load(&path).unwrap();
    assert_eq!(loaded.too_wide_mode(), Some(0o644));
    loaded.save().unwrap();
    assert_eq!(loaded.too_wide_mode(), None);
}

#[test]
fn name_with_a_slash_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut connections = Connections::load(&folder.path().join("connections.yaml")).unwrap();
    assert!(connections.insert("a/b", connection(&[])).is_err());
    assert!(connections.insert("", connection(&[])).is_err());
}

async fn resolve(text: &str, folder: &Path) -> Result<String> {
    StoredValue::from(text.to_owned()).resolve(folder).await.map(|value| value.expose().to_owned())
}

#[tokio::test]
async fn references_resolve_to_what_they_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "from a file\n").unwrap();
    assert_eq!(resolve("plain:text", folder.path()).await.unwrap(), "plain:text");
    assert_eq!(resolve("file:token", folder.path()).await.unwrap(), "from a file");
    assert_eq!(resolve("command:echo from a command", folder.path()).await.unwrap(), "from a command");
    assert_eq!(resolve("env:CARGO_PKG_NAME", folder.path()).await.unwrap(), "community-connector");
}

#[tokio::test]
async fn references_that_lead_nowhere_say_so() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty"), "\n").unwrap();
    let message = async |text: &str| resolve(text, folder.path()).await.unwrap_err().message().to_owned();
    assert_eq!(message("env:NO_SUCH_VARIABLE").await, "environment variable `NO_SUCH_VARIABLE` is not set");
    assert!(message("file:missing").await.ends_with("missing` cannot be read"));
    assert_eq!(message("file:empty").await, format!("`file:empty` gives an empty value"));
}

#[cfg(unix)]
#[tokio::test]
async fn failing_command_shows_nothing_that_it_printed() {
    let error = resolve("command:cat secret; printf tops%s 3cret >&2; exit 3", Path::new(".")).await.unwrap_err();
    assert!(!format!("{error:?}").contains("tops3cret"), "{error:?}");
    assert!(error.message().ends_with("failed: exit status: 3"), "{error}");
}
