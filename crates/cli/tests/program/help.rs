//! `--help`, `completions`, `man`, and how fast they are.

use std::time::{Duration, Instant};

use crate::support::Sandbox;

#[test]
fn help_lists_commands_and_exit_codes() {
    insta::assert_snapshot!(Sandbox::new().run(&["-h"]), @r"
    exit code: 0
    ----- stdout -----
    Moves tables out of the systems that people use into Delta tables, exactly once

    Usage: community-connector [OPTIONS] <COMMAND>

    Commands:
      demo         Show the whole thing at work: twelve GitHub tables from a simulator into local Delta
                   tables, twice
      run          Run a pipeline: bring what changed in the source into the destination tables
      sources      List the sources, or show what one of them needs and offers
      tables       List the tables of a source or of a connection
      describe     Show the columns, keys and options of a table
      read         Print rows of a source table
      show         Print rows of a destination table in the lakehouse
      optimize     Rewrite a table's files where it pays: small ones joined, deleted rows purged,
                   clustered tables sorted
      vacuum       Delete files that no version of a table needs any more
      history      List the versions of a table
      restore      Make a table what it was, with the place where the next run goes on
      runs         List former runs, or show what one of them did
      connection   Create, list, show, test and delete connections
      simulate     Serve a stand-in for a source's API on this machine
      new          Make a folder with a new source that passes `check` and `test`
      check        Check the folder of a source: every mistake with its file, line and column
      test         Try a source, table by table, against everything that a connector must keep to
      source       Add, list, update and remove folders and Git repositories with sources of your own
      record       Read tables through a proxy that keeps what the source answers, without secrets and
                   personal data
      replay       Serve a recording in the place of its source
      drift        Compare a recording with the simulator and the schemas of its source
      corpus       Make the corpus of a source's simulator from a recording of the live source
      completions  Print the completions for a shell
      man          Print the man page
      help         Print this message or the help of the given subcommand(s)

    Options:
      -h, --help     Print help (see more with '--help')
      -V, --version  Print version

    Common options:
          --lakehouse <URL>     Folder or object-store URL that holds the destination tables [env:
                                COMMUNITY_CONNECTOR_LAKEHOUSE] [default: ./lakehouse]
          --connections <FILE>  File that holds the connections [default: connections.yaml in your
                                configuration folder] [env: COMMUNITY_CONNECTOR_CONNECTIONS]
          --upstream <URL>      Send every request to this address instead of the source's own, for
                                example to a simulator
          --source <SOURCE>     Use the source in this folder, instead of a built-in one of its name;
                                may be given several times. As `module:Class`: read with this connector
                                written in Python
          --python <PATH>       The Python that runs connectors written in Python [env:
                                COMMUNITY_CONNECTOR_PYTHON] [default: python3]
          --output <FORMAT>     What is written to stdout: text for people, or one JSON event a line for
                                programs [default: text] [possible values: text, json]
          --parallel <N>        How many tables are read at the same time [default: 4]
      -v, --verbose...          Say more on stderr; twice for every request

    Exit codes:
        0  everything asked for was done
        1  it failed: the source, the network or the lakehouse
        2  nothing was started: a mistake in the command line, the spec, an option or a connection
        3  some tables of a run failed, the others arrived
      130  stopped by Ctrl-C; the next run goes on from there
      143  the same, stopped by SIGTERM
    ");
}

#[test]
fn help_of_run_lists_its_options() {
    insta::assert_snapshot!(Sandbox::new().run(&["run", "-h"]), @r"
    exit code: 0
    ----- stdout -----
    Run a pipeline: bring what changed in the source into the destination tables

    Usage: community-connector run [OPTIONS] <SPEC>

    Arguments:
      <SPEC>  The pipeline spec, a YAML or JSON file; `-` reads it from stdin

    Options:
          --tables <TABLES>             Run only these tables, by the names of their destinations
          --full-refresh[=<TABLES>...]  Read everything anew and replace what is there: all tables of
                                        the run, or only those named
          --record <FILE>               Keep what the source answers in this file, without secrets and
                                        personal data: for a bug report
          --dry-run                     Check spec, connection and destination, say what would be done,
                                        and do nothing
      -h, --help                        Print help (see more with '--help')

    Common options:
          --lakehouse <URL>     Folder or object-store URL that holds the destination tables [env:
                                COMMUNITY_CONNECTOR_LAKEHOUSE] [default: ./lakehouse]
          --connections <FILE>  File that holds the connections [default: connections.yaml in your
                                configuration folder] [env: COMMUNITY_CONNECTOR_CONNECTIONS]
          --upstream <URL>      Send every request to this address instead of the source's own, for
                                example to a simulator
          --source <SOURCE>     Use the source in this folder, instead of a built-in one of its name;
                                may be given several times. As `module:Class`: read with this connector
                                written in Python
          --python <PATH>       The Python that runs connectors written in Python [env:
                                COMMUNITY_CONNECTOR_PYTHON] [default: python3]
          --output <FORMAT>     What is written to stdout: text for people, or one JSON event a line for
                                programs [default: text] [possible values: text, json]
          --parallel <N>        How many tables are read at the same time [default: 4]
      -v, --verbose...          Say more on stderr; twice for every request
    ");
}

#[test]
fn misspelt_command_and_flag_name_the_nearest() {
    insta::assert_snapshot!(Sandbox::new().run(&["rnu", "spec.yaml"]), @r"
    exit code: 2
    ----- stderr -----
    error: unrecognized subcommand 'rnu'

      tip: a similar subcommand exists: 'runs'

    Usage: community-connector [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(Sandbox::new().run(&["run", "spec.yaml", "--full-refesh"]), @r"
    exit code: 2
    ----- stderr -----
    error: unexpected argument '--full-refesh' found

      tip: a similar argument exists: '--full-refresh'

    Usage: community-connector run --full-refresh[=<TABLES>...] <SPEC>

    For more information, try '--help'.
    ");
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = Sandbox::new().output(&["completions", shell]);
        assert!(output.status.success());
        assert!(String::from_utf8(output.stdout).unwrap().contains("full-refresh"), "{shell}");
    }
}

#[test]
fn man_pages_cover_every_command() {
    let sandbox = Sandbox::new();
    let page = String::from_utf8(sandbox.output(&["man"]).stdout).unwrap();
    assert!(page.starts_with(".ie") && page.contains("Exit codes"), "{page}");
    assert!(sandbox.output(&["man", "--folder", "man"]).status.success());
    let pages = crate::support::entries(&sandbox.path("man"));
    assert!(pages.contains(&"community-connector-connection-create.1".to_owned()), "{pages:?}");
}

#[test]
fn program_starts_within_its_budget() {
    let sandbox = Sandbox::new();
    sandbox.write("spec.yaml", "connection_name: github\nobject: []\n");
    for arguments in [&["--help"][..], &["run", "spec.yaml"]] {
        // On a busy machine most starts wait for a processor; one that does not shows what a start takes.
        let is_quick = |_| elapsed(|| drop(sandbox.output(arguments))) < Duration::from_millis(50);
        assert!((0..200).any(is_quick), "{arguments:?}: no start of 200 took less than 50 ms");
    }
}

fn elapsed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
