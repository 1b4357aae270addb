//! `demo`

use regex::Regex;

use crate::support::{Sandbox, entries};

#[test]
fn demo_shows_two_runs_and_what_to_try_next() {
    let sandbox = Sandbox::new();
    let shown = sandbox.run(&["demo", "--parallel", "1"]);
    let address = Regex::new(r"http://127\.0\.0\.1:\d+").unwrap();
    insta::assert_snapshot!(address.replace_all(&shown, "[SIMULATOR]"), @r"
    exit code: 0
    ----- stdout -----
    A simulated GitHub is at [SIMULATOR]/.

    The first run brings all rows of its 12 tables to ./lakehouse:

    table               flow      read  inserted  updated  deleted  rescued  requests    time  result
    ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    demo.issues         upsert     250       250        0        0        0         3  N.NN s  complete: read to its end
    demo.pull_requests  upsert     125       125        0        0        0         2  N.NN s  complete: read to its end
    demo.comments       upsert     300       300        0        0        0         4  N.NN s  complete: read to its end
    demo.commits        append     200       200        0        0        0        11  N.NN s  complete: read to its end
    demo.reviews        append     129       129        0        0        0       128  N.NN s  complete: read to its end
    demo.assignees      snapshot     6         6        0        0        0         1  N.NN s  complete: whole snapshot read
    demo.branches       snapshot    12        12        0        0        0         1  N.NN s  complete: whole snapshot read
    demo.collaborators  snapshot     8         8        0        0        0         1  N.NN s  complete: whole snapshot read
    demo.repositories   snapshot    30        30        0        0        0         1  N.NN s  complete: whole snapshot read
    demo.teams          snapshot     4         4        0        0        0         1  N.NN s  complete: whole snapshot read
    demo.users          snapshot    20        20        0        0        0         1  N.NN s  complete: whole snapshot read
    demo.organizations  snapshot     2         2        0        0        0         1  N.NN s  complete: whole snapshot read

    Now GitHub moves on: 16 rows are added, 7 rows changed, 1 row deleted.
    The second run brings only that:

    table               flow      read  inserted  updated  deleted  rescued  requests    time  result
    ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
    demo.issues         upsert       7         3        4        0        0         1  N.NN s  complete: read to its end
    demo.pull_requests  upsert       3         1        2        0        0         1  N.NN s  complete: read to its end
    demo.comments       upsert       6         5        1        0        0         1  N.NN s  complete: read to its end
    demo.commits        append       6         6        0        0        0         1  N.NN s  complete: read to its end
    demo.reviews        append       0         0        0        0        0         5  N.NN s  unchanged: read to its end
    demo.assignees      snapshot     6         0        0        0        0         1  N.NN s  unchanged: whole snapshot read
    demo.branches       snapshot    12         1        0        1        0         1  N.NN s  complete: whole snapshot read
    demo.collaborators  snapshot     8         0        0        0        0         1  N.NN s  unchanged: whole snapshot read
    demo.repositories   snapshot    30         0        0        0        0         1  N.NN s  unchanged: whole snapshot read
    demo.teams          snapshot     4         0        0        0        0         1  N.NN s  unchanged: whole snapshot read
    demo.users          snapshot    20         0        0        0        0         1  N.NN s  unchanged: whole snapshot read
    demo.organizations  snapshot     2         0        0        0        0         1  N.NN s  unchanged: whole snapshot read

    The first run read 1,086 rows with 155 requests, the second 104 with 16.

    Try next:
      community-connector show demo.issues
      community-connector describe github issues
      community-connector sources github
      community-connector connection create github NAME -o token=env:GITHUB_TOKEN
    ----- stderr -----
    demo.issues: 250 rows read, 250 inserted, 0 updated, 0 deleted in N.NN s
    demo.pull_requests: 125 rows read, 125 inserted, 0 updated, 0 deleted in N.NN s
    demo.comments: 300 rows read, 300 inserted, 0 updated, 0 deleted in N.NN s
    demo.commits: 200 rows read, 200 inserted, 0 updated, 0 deleted in N.NN s
    demo.reviews: 129 rows read, 129 inserted, 0 updated, 0 deleted in N.NN s
    demo.assignees: 6 rows read, 6 inserted, 0 updated, 0 deleted in N.NN s
    demo.branches: 12 rows read, 12 inserted, 0 updated, 0 deleted in N.NN s
    demo.collaborators: 8 rows read, 8 inserted, 0 updated, 0 deleted in N.NN s
    demo.repositories: 30 rows read, 30 inserted, 0 updated, 0 deleted in N.NN s
    demo.teams: 4 rows read, 4 inserted, 0 updated, 0 deleted in N.NN s
    demo.users: 20 rows read, 20 inserted, 0 updated, 0 deleted in N.NN s
    demo.organizations: 2 rows read, 2 inserted, 0 updated, 0 deleted in N.NN s
    demo.issues: 7 rows read, 3 inserted, 4 updated, 0 deleted in N.NN s
    demo.pull_requests: 3 rows read, 1 inserted, 2 updated, 0 deleted in N.NN s
    demo.comments: 6 rows read, 5 inserted, 1 updated, 0 deleted in N.NN s
    demo.commits: 6 rows read, 6 inserted, 0 updated, 0 deleted in N.NN s
    demo.reviews: 0 rows read, 0 inserted, 0 updated, 0 deleted in N.NN s
    demo.assignees: 6 rows read, 0 inserted, 0 updated, 0 deleted in N.NN s
    demo.branches: 12 rows read, 1 inserted, 0 updated, 1 deleted in N.NN s
    demo.collaborators: 8 rows read, 0 inserted, 0 updated, 0 deleted in N.NN s
    demo.repositories: 30 rows read, 0 inserted, 0 updated, 0 deleted in N.NN s
    demo.teams: 4 rows read, 0 inserted, 0 updated, 0 deleted in N.NN s
    demo.users: 20 rows read, 0 inserted, 0 updated, 0 deleted in N.NN s
    demo.organizations: 2 rows read, 0 inserted, 0 updated, 0 deleted in N.NN s
    ");
    assert_eq!(entries(&sandbox.path("lakehouse/demo")).len(), 12);
    assert_eq!(entries(&sandbox.path("lakehouse")), ["demo", "lakeflow"]);
}

#[test]
fn demo_can_be_shown_again() {
    let sandbox = Sandbox::new();
    for _ in 0..2 {
        let output = sandbox.output(&["demo"]);
        assert!(output.status.success(), "{}", sandbox.shown(&output));
    }
}
