//! What authors are told when a definition is wrong.

use lakeflow_manifest::Definition;

const EXAMPLE: &str = include_str!("example.yaml");

/// What is said about the example after one change.
fn told(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "the example has no `{from}`");
    told_of(&EXAMPLE.replacen(from, to, 1))
}

#[cfg(test)]
fn told_of(text: &str) -> String {
    match Definition::parse(text, "connector.yaml") {
        Ok(_) => "nothing".to_owned(),
        Err(error) => format!("{error}\n{}", std::error::Error::source(&error).unwrap()),
    }
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let mistakes = [
        ("unknown key", "cursor_field:", "cursor_fields:"),
        ("unknown key of the file", "options:\n  project", "option:\n  project"),
        ("missing key", "display_name: Example\n", ""),
        ("wrong type", "primary_keys: [id]", "primary_keys: id"),
        ("number for text", "display_name: Example", "display_name: 1.10"),
        ("unknown word", "ingestion_type: cdc", "ingestion_type: cdd"),
        ("unknown style of paging", "pagination: link_header", "pagination: link_headers"),
        ("unknown way of authentication", "auth: {bearer:", "auth: {bearers:"),
        ("bad length of time", "lookback: 5m", "lookback: 5 parsecs"),
        ("bad path", "records: $.tickets", "records: tickets[0]"),
        ("bad status", "errors: {404: skip}", "errors: {200: skip}"),
        ("unknown action", "errors: {404: skip}", "errors: {404: skipp}"),
        ("number out of range", "  pagination: link_header", "  concurrency: 0\n  pagination: link_header"),
        ("not YAML", "tables:", "tables: ["),
        ("key twice", "  check: /v1/me", "  check: /v1/me\n  check: /v1/you"),
        ("schema", "title STRING", "title STRNG"),
        ("named type", "author user", "author usr"),
        ("loop of types", "ARRAY<user>", "ARRAY<team>"),
        ("type of Spark", "  user: \"", "  string: \""),
        ("primary key", "primary_keys: [id]", "primary_keys: [idd]"),
        ("nested cursor", "cursor_field: updated_at", "cursor_field: author.logn"),
        ("cursor without order", "cursor_field: updated_at", "cursor_field: team"),
        ("added column", "add_columns: {project:", "add_columns: {projct:"),
        ("unknown option in a template", "{{ options.state }}", "{{ options.stat }}"),
        ("unknown parent field", "{{ parent.ticket }}/comments", "{{ parent.tickt }}/comments"),
        ("window of a table without one", "/v1/tickets/{{ parent", "/v1/{{ window.start }}/{{ parent"),
        ("unknown filter", "{{ options.state }}", "{{ options.state | upperr }}"),
        ("unclosed template", "{{ options.state }}", "{{ options.state"),
        ("secret in a path", "/v1/projects/{{ options.project }}", "/v1/{{ connection.token }}/{{ options.project }}"),
        ("credential that is not secret", "secret: true, ", ""),
        ("path without slash", "check: /v1/me", "check: v1/me"),
        ("group of options", "options: [project, {", "options: [projct, {"),
        ("derived option", "{state: {default", "{start_date: {default"),
        ("default outside its enum", "default: all, enum", "default: al, enum"),
        ("default of a bad type", "default: \"https://api.example.com\"", "default: api.example.com"),
        ("page size", "default: 100, max: 100", "default: 200, max: 100"),
        ("parameter set twice", "sort: updated_at", "since: x"),
        ("parent", "table: tickets", "table: tickts"),
        ("loop of parents", "table: tickets", "table: comments"),
        ("parent field", "as: {ticket: id}", "as: {ticket: number}"),
        ("option of the parent", "    options: [project]\n    parent", "    parent"),
        ("snapshot with incremental", "ingestion_type: cdc", "ingestion_type: snapshot"),
        ("no incremental", "    incremental: {from: since, order: ascending, lookback: 5m}\n", ""),
        ("ascending without from", "{from: since, order: ascending, lookback: 5m}", "{order: ascending}"),
        ("to without window", "{from: since, order: ascending, lookback: 5m}", "{from: since, to: until}"),
        ("window without to", "{from: since, order: ascending, lookback: 5m}", "{from: since, window: 7d}"),
        ("bound that nothing uses", "{from: since, order: ascending, lookback: 5m}", "{from: {inclusive: false}}"),
        ("two ways of authentication", "  check: /v1/me", "  auth_methods: {a: {auth: none}}"),
    ];
    let told: Vec<String> = mistakes.iter().map(|(name, from, to)| format!("# {name}\n{}", told(from, to))).collect();
    insta::assert_snapshot!(told.join("\n\n"));
}

#[test]
fn all_mistakes_are_told_at_once() {
    let structure = EXAMPLE.replace("cursor_field", "cursor_fields").replace("link_header", "links");
    let meaning = EXAMPLE.replace("[id]", "[idd]").replace("options.project", "options.projct");
    insta::assert_snapshot!(format!("{}\n\n{}", told_of(&structure), told_of(&meaning)));
}

#[test]
fn example_is_right() {
    assert_eq!(told_of(EXAMPLE), "nothing");
}

#[test]
fn wide_file_is_refused() {
    let many: String = (0..200_000).map(|number| format!("k{number}: x\n")).collect();
    assert!(told_of(&many).contains("one problem"));
}
