//! `source add|list|update|remove`

use std::process::Command;

use crate::support::Sandbox;

#[test]
fn sources_of_a_folder_are_known_until_it_is_removed() {
    let sandbox = Sandbox::new();
    for name in ["shop", "bank"] {
        sandbox.output(&["new", name, "--in", "team"]);
    }
    insta::assert_snapshot!(sandbox.run(&["source", "add", "team"]), @r"
    exit code: 0
    ----- stderr -----
    added `[FOLDER]/team`: bank, shop
    ");
    insta::assert_snapshot!(sandbox.run(&["source", "add", "team"]), @r"
    exit code: 2
    ----- stderr -----
    error: `[FOLDER]/team` is among the places of sources already
    hint: `source update` brings a repository up to date, `source remove` takes a place away
    ");
    insta::assert_snapshot!(sandbox.run(&["source", "list"]), @r"
    exit code: 0
    ----- stdout -----
    place                 commit  sources
    ─────────────────────────────────────────
    [FOLDER]/team          bank, shop
    ");
    let create = ["connection", "create", "shop", "my_shop", "-o", "token=abc"];
    assert!(sandbox.output(&create).status.success());
    assert!(sandbox.output(&["tables", "my_shop"]).status.success());
    insta::assert_snapshot!(sandbox.run(&["source", "remove", "team"]), @r"
    exit code: 0
    ----- stderr -----
    removed `[FOLDER]/team`
    ");
    assert_eq!(sandbox.output(&["sources", "shop"]).status.code(), Some(2));
}

#[test]
fn sources_of_a_repository_follow_its_commits() {
    let sandbox = Sandbox::new();
    sandbox.output(&["new", "shop", "--in", "work/sources"]);
    git(&sandbox, &["init", "--quiet", "--initial-branch", "main"]);
    commit(&sandbox);
    let url = format!("file://{}", sandbox.path("work").display());
    let added = sandbox.output(&["source", "add", &url]);
    assert!(added.status.success(), "{}", sandbox.shown(&added));
    let name = |sandbox: &Sandbox| sandbox.objects(&["sources", "shop", "--output", "json"])[0]["display_name"].clone();
    assert_eq!(name(&sandbox), "Shop");
    let file = "work/sources/shop/connector.yaml";
    sandbox.write(file, &sandbox.read(file).replace("display_name: Shop", "display_name: Store"));
    commit(&sandbox);
    assert_eq!(name(&sandbox), "Shop");
    assert!(sandbox.output(&["source", "update"]).status.success());
    assert_eq!(name(&sandbox), "Store");
}

#[test]
fn what_cannot_be_a_place_of_sources_is_refused() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("empty")).unwrap();
    let mut told = String::new();
    for place in
        ["empty", "nowhere", "ext::sh -c touch% x", "https://user:word@example.com/x.git", "ftp://example.com/x"]
    {
        let output = sandbox.output(&["source", "add", place]);
        assert_eq!(output.status.code(), Some(2), "{place}");
        told += &format!("# {place}\n{}\n", sandbox.shown(&output));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn two_places_with_one_source_are_told() {
    let sandbox = Sandbox::new();
    sandbox.output(&["new", "shop", "--in", "one"]);
    sandbox.output(&["new", "shop", "--in", "two"]);
    assert!(sandbox.output(&["source", "add", "one"]).status.success());
    let output = sandbox.output(&["source", "add", "two"]);
    assert!(sandbox.shown(&output).contains("two configured places have a source `shop`"));
    assert!(sandbox.output(&["sources", "shop"]).status.success());
}

fn commit(sandbox: &Sandbox) {
    git(sandbox, &["add", "."]);
    git(sandbox, &["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "change"]);
}

fn git(sandbox: &Sandbox, arguments: &[&str]) {
    let status = Command::new("git").args(arguments).current_dir(sandbox.path("work")).status().unwrap();
    assert!(status.success());
}
