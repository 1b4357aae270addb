//! What the tests share: a folder of their own, the program, the simulated GitHub.

use std::fmt::Write as _;
use std::io::Write as _;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use lakeflow_interface::Secret;
use lakeflow_simulator::{Simulator, SimulatorDefinition, SimulatorSettings};
use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A time span in text, as `0.12 s`.
static TIME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\d+\.\d+ s").unwrap());

/// The name of a run.
static RUN_NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap());

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_community-connector");
pub(crate) const TOKEN: &str = "simulated";

/// A folder with a connections file and a lakehouse of its own; every command runs in it.
pub(crate) struct Sandbox {
    folder: TempDir,
    upstream: Option<String>,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), upstream: None }
    }

    /// Sends every request of a command to this address.
    pub(crate) fn with_upstream(mut self, upstream: &str) -> Self {
        self.upstream = Some(upstream.to_owned());
        self
    }

    /// With a simulated GitHub, a connection to it, and a spec of these tables, each with its options.
    pub(crate) fn with_pipeline(github: &GitHub, tables: &[&str]) -> Self {
        let sandbox = Self::new().with_upstream(github.url().as_str()).with_connection();
        sandbox.write("spec.yaml", &spec(tables));
        sandbox
    }

    /// With the connection `github`, whose token is the simulator's.
    pub(crate) fn with_connection(self) -> Self {
        self.write("connections.yaml", &format!("github: {{source: github, options: {{token: {TOKEN}}}}}\n"));
        #[cfg(unix)]
        self.set_mode("connections.yaml", 0o600);
        self
    }

    #[cfg(unix)]
    pub(crate) fn set_mode(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(self.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The program with its common options, not yet started. Nothing of the user's environment reaches it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.current_dir(self.folder.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.folder.path());
        command.env("COMMUNITY_CONNECTOR_CONNECTIONS", "connections.yaml");
        command.args(arguments);
        if let Some(upstream) = &self.upstream {
            command.args(["--upstream", upstream]);
        }
        command
    }

    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn output_with_stdin(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Exit code, stdout and stderr of a command, as snapshots hold them.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        self.shown(&self.output(arguments))
    }

    /// What an output has on stderr, as snapshots hold it.
    pub(crate) fn shown_stderr(&self, output: &Output) -> String {
        let stderr = Output { stdout: Vec::new(), ..output.clone() };
        self.shown(&stderr)
    }

    /// An output as snapshots hold it: what differs from run to run is replaced.
    pub(crate) fn shown(&self, output: &Output) -> String {
        let mut text = format!("exit code: {}\n", output.status.code().unwrap());
        for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
            let stream = String::from_utf8_lossy(bytes);
            if !stream.is_empty() {
                write!(text, "----- {name} -----\n{stream}").unwrap();
            }
        }
        let folder = self.folder.path().canonicalize().unwrap();
        for path in [folder.as_path(), self.folder.path()] {
            text = text.replace(path.to_str().unwrap(), "[FOLDER]");
        }
        if let Some(upstream) = &self.upstream {
            text = text.replace(upstream.trim_end_matches('/'), "[SIMULATOR]");
        }
        let text = TIME.replace_all(&text, "N.NN s");
        RUN_NAME.replace_all(&text, "[RUN]").into_owned()
    }

    /// Runs a command that must succeed and gives the objects that it wrote to stdout.
    pub(crate) fn objects(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", self.shown(&output));
        parse_lines(&output.stdout)
    }

    pub(crate) fn lakehouse(&self) -> PathBuf {
        self.path("lakehouse")
    }

    /// The rows of a destination table.
    pub(crate) fn rows(&self, table: &str) -> Vec<Value> {
        self.objects(&["show", table, "--format", "jsonl"])
    }
}

/// The names of the entries of a folder, sorted; none where there is no folder.
pub(crate) fn entries(folder: &Path) -> Vec<String> {
    let Ok(listing) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = listing.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// One JSON value a line.
pub(crate) fn parse_lines(bytes: &[u8]) -> Vec<Value> {
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).unwrap()).collect()
}

/// A pipeline spec of tables of the simulated GitHub.
pub(crate) fn spec(tables: &[&str]) -> String {
    let mut text = "connection_name: github\nobjects:\n".to_owned();
    for table in tables {
        let options = match *table {
            "repositories" | "teams" | "users" => "{org: acme}",
            "organizations" => "{}",
            _ => "{owner: acme, repo: rocket}",
        };
        writeln!(text, "  - table: {{source_table: {table}, table_configuration: {options}}}").unwrap();
    }
    text
}

/// A simulated GitHub on a runtime of its own.
pub(crate) struct GitHub {
    simulator: Option<Simulator>,
    runtime: Runtime,
}

impl GitHub {
    pub(crate) const TABLES: [&str; 12] = [
        "issues",
        "pull_requests",
        "comments",
        "commits",
        "reviews",
        "assignees",
        "branches",
        "collaborators",
        "organizations",
        "repositories",
        "teams",
        "users",
    ];

    pub(crate) fn start() -> Self {
        Self::start_with(SimulatorSettings::default())
    }

    /// With the token that tests use, and a clock that stood still an hour ago, so that what changes is not in the future.
    pub(crate) fn start_with(settings: SimulatorSettings) -> Self {
        let runtime = Runtime::new().unwrap();
        let now = Some(chrono::Utc::now() - chrono::TimeDelta::hours(1));
        let settings = SimulatorSettings { token: Some(Secret::new(TOKEN)), now, ..settings };
        let files = lakeflow_sources::find("github").unwrap().files_under("simulator/");
        let definition = SimulatorDefinition::parse(files.map(|(path, text)| (path, str::from_utf8(text).unwrap())));
        let simulator = runtime.block_on(Simulator::start(&definition.unwrap(), settings)).unwrap();
        Self { simulator: Some(simulator), runtime }
    }

    /// The rows that a table must have.
    pub(crate) fn expected(&self, table: &str) -> Vec<Value> {
        let mut rows = self.rows(table).unwrap();
        std::iter::from_fn(|| rows.next_json()).map(|row| serde_json::from_str(&row).unwrap()).collect()
    }
}

impl Deref for GitHub {
    type Target = Simulator;

    fn deref(&self) -> &Simulator {
        self.simulator.as_ref().unwrap()
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        let _inside = self.runtime.enter();
        drop(self.simulator.take());
    }
}
