//! What authors are told when a definition is wrong.

use lakeflow_manifest::Definition;

const EXAMPLE: &str = include_str!("example.yaml");

const INCREMENTAL: &str = "    incremental: {from: since, order: ascending, lookback: 5m}\n";

const APPEND_WITH_DELAY: &str =
    "ingestion_type: append\n    incremental: {from: a, to: b, window: 1h, delay: 1h, lookback: 1h}";

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
    let mistakes: [(&str, &str, &str); 78] = [
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
        ("bad condition", "errors: {404: skip}", "errors: {404: [{when: $.code = 1, then: skip}]}"),
        ("success without a condition", "errors: {404: skip}", "errors: {200: skip}"),
        ("pattern of a timestamp", INCREMENTAL, "    incremental: {from: {param: since, format: yyyy}}\n"),
        (
            "two ways to read changes",
            INCREMENTAL,
            &format!("{INCREMENTAL}    offset: {{next: {{param: c, from: $.c}}}}\n"),
        ),
        ("token without a target", INCREMENTAL, "    offset: {next: {from: $.c}}\n"),
        ("token in the middle of a list", INCREMENTAL, "    offset: {next: {param: c, from: \"$.c[*].d\"}}\n"),
        ("unknown feed", INCREMENTAL, "    changes: {feed: events, upsert: [a]}\n"),
        ("deletes of a table without", INCREMENTAL, &format!("{INCREMENTAL}    deletes: {{where: $.gone}}\n")),
        ("no deletes", "ingestion_type: cdc", "ingestion_type: cdc_with_deletes"),
        ("ceiling without order", INCREMENTAL, "    incremental: {from: since, ceiling: 100}\n"),
        ("lookback of complete windows", "ingestion_type: append", APPEND_WITH_DELAY),
        ("field path", INCREMENTAL, &format!("{INCREMENTAL}    add_fields: {{project: parent.id}}\n")),
        ("added field", INCREMENTAL, &format!("{INCREMENTAL}    add_fields: {{projct: $parent.id}}\n")),
        ("page size nowhere", "page_size: {param: per_page, ", "page_size: {"),
        ("cursor nowhere", "pagination: link_header", "pagination: {cursor: {next: $.next}}"),
        ("cursor at two places", "pagination: link_header", "pagination: {cursor: {next: $.next, param: a, body: b}}"),
        ("value of a list", "pagination: link_header", "pagination: {cursor: {next: \"$.a[*]\", param: a}}"),
        ("job without a download", INCREMENTAL, &format!("{INCREMENTAL}    job: {{poll: /x, done: $.done}}\n")),
        (
            "name of a job",
            INCREMENTAL,
            &format!(
                "{INCREMENTAL}    job: {{as: {{id: $.id}}, poll: \"/{{{{ job.ix }}}}\", done: $.done, download: /x}}\n"
            ),
        ),
        ("members of a family", INCREMENTAL, &format!("{INCREMENTAL}    each: {{a: {{x: 1}}, b: {{y: 1}}}}\n")),
        ("word of a family", "{{ options.state }}", "{{ table.state }}"),
        (
            "discovered type",
            INCREMENTAL,
            &format!(
                "{INCREMENTAL}    discovery: {{columns: {{request: /x, name: $.n, type: $.t, types: {{a: STRNG}}}}}}\n"
            ),
        ),
        ("test row without an insert", INCREMENTAL, &format!("{INCREMENTAL}    write_back: {{values: {{a: x}}}}\n")),
        (
            "value of a test row",
            INCREMENTAL,
            &format!("{INCREMENTAL}    write_back: {{values: {{a: x}}, insert: \"/{{{{ values.b }}}}\"}}\n"),
        ),
        (
            "windows of children",
            "parent: {table: tickets",
            "incremental: {from: a, to: b, window: 1d}\n    parent: {table: tickets",
        ),
        ("token without a key", "{bearer: \"{{ connection.token }}\"}", "{jwt: {algorithm: RS256, claims: {}}}"),
        (
            "algorithm",
            "{bearer: \"{{ connection.token }}\"}",
            "{jwt: {algorithm: RS255, key: \"{{ connection.token }}\", claims: {}}}",
        ),
        (
            "grant without its token",
            "{bearer: \"{{ connection.token }}\"}",
            "{oauth2: {grant: jwt_bearer, token_url: \"https://x.example\"}}",
        ),
        (
            "secret in the address",
            "base_url: \"{{ connection.base_url }}\"",
            "base_url: \"https://{{ connection.token }}.example\"",
        ),
        ("flow without its page", "  check: /v1/me", "  oauth: {flows: [u2m], token_url: \"https://x.example\"}"),
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

#[test]
fn key_of_a_data_centre_may_be_in_the_address() {
    let address = "base_url: \"https://{{ connection.token | after_last('-') }}.api.example.com\"";
    assert_eq!(told("base_url: \"{{ connection.base_url }}\"", address), "nothing");
}

#[test]
fn hostile_definitions_are_refused_or_bounded() {
    let deep = format!("$.a[?{}@.b{}]", "(".repeat(500), ")".repeat(500));
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    let changes = [
        ("records: $.tickets", format!("records: \"{deep}\"")),
        ("sort: updated_at", format!("sort: \"{endless}\"")),
        ("display_name: Example", format!("display_name: {}", "x".repeat(5 << 20))),
    ];
    for (from, to) in changes {
        assert!(told(from, &to).contains("problem"), "{from}");
    }
}
