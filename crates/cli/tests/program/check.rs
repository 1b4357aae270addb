//! `check DIR`

use crate::support::Sandbox;

/// A new source in which some text is another.
fn changed(file: &str, from: &str, to: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.output(&["new", "shop"]);
    let text = sandbox.read(&format!("shop/{file}"));
    assert!(text.contains(from), "{from}");
    sandbox.write(&format!("shop/{file}"), &text.replace(from, to));
    sandbox
}

#[test]
fn mistakes_of_all_kinds_are_told_with_their_places() {
    let mistakes = [
        ("connector.yaml", "cursor_field: updated_at", "cursor_fields: updated_at"),
        ("connector.yaml", "    token: {", "    region: {description: Where}\n    token: {"),
        ("connector.yaml", "params: {state: \"{{ options.state }}\", ", "params: {"),
        ("connector.yaml", "  person: ", "  place: \"STRUCT<city: STRING>\"\n  person: "),
        ("connector.yaml", "records: $.agents", "records: $.people"),
        ("connector.yaml", "name STRING NOT NULL, email STRING", "name STRING NOT NULL, email STRING, phone STRING"),
        ("connector.yaml", "request: /v1/agents", "request: /v1/people"),
        ("connector.yaml", "path: /v1/tickets\n", "path: /v1/tikets\n"),
        ("connector.yaml", "check: /v1/me", "check: /v1/mee"),
        (
            "connector.yaml",
            "bearer: \"{{ connection.token }}\"",
            "basic: {username: x, password: \"{{ connection.token }}\"}",
        ),
        ("simulator/endpoints.yaml", "pagination: link_header", "pagination: link_headers"),
        ("simulator/corpus/agents.json", "\"identity\": \"id\"", "\"identity\": \"key\""),
        ("simulator/corpus/agents.json", "\"active\": {\"$bool\": 0.9}", "\"active\": true, \"shoe_size\": 43"),
    ];
    let mut told = String::new();
    for (file, from, to) in mistakes {
        let sandbox = changed(file, from, to);
        told += &format!("# {to}\n{}\n", sandbox.run(&["check", "shop"]));
    }
    insta::assert_snapshot!(told);
}

#[test]
fn instructions_for_the_suite_are_checked() {
    let sandbox = Sandbox::new();
    sandbox.output(&["new", "shop"]);
    for text in [
        "tables: {ticket: {}}",
        "tables: {tickets: {skip: {reads_ends: slow}}}",
        "tables: {tickets: {skip: {reads_end: ''}}}",
        "table: {}",
        "connection: {tokn: abc}",
    ] {
        sandbox.write("shop/conformance.yaml", text);
        let output = sandbox.output(&["check", "shop"]);
        assert_eq!(output.status.code(), Some(1), "{text}: {}", sandbox.shown(&output));
        assert!(String::from_utf8(output.stdout).unwrap().contains("shop/conformance.yaml"), "{text}");
    }
}

#[test]
fn link_out_of_the_folder_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.output(&["new", "shop"]);
    sandbox.write("secret", "not for sources");
    std::fs::remove_file(sandbox.path("shop/README.md")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(sandbox.path("secret"), sandbox.path("shop/README.md")).unwrap();
    let output = sandbox.output(&["check", "shop"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("leads out of the folder"));
}

#[test]
fn every_built_in_source_has_nothing_to_mend() {
    let sandbox = Sandbox::new();
    for source in lakeflow_sources::all() {
        let output = sandbox.output(&["check", source.name()]);
        assert!(output.status.success(), "{}", sandbox.shown(&output));
    }
}
