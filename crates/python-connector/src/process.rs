//! `Worker`: a process that runs one connector, and the pipe to it.

use std::collections::{BTreeMap, VecDeque};
use std::io::ErrorKind as IoErrorKind;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lakeflow_interface::records::{JsonRecords, Page};
use lakeflow_interface::{Error, ErrorKind, Offset, Result, TableOptions};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::embedded::Unpacked;
use crate::mask::Mask;
use crate::protocol::{Abilities, Answer, Greeting, PROTOCOL, Request};
use crate::settings::PythonSettings;

/// The oldest Python that has what connectors use.
const OLDEST: (u32, u32) = (3, 10);

/// How long a Python may take to greet.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a worker may take to end when it is not wanted any more; it allows a connector a little less.
const GRACE: Duration = Duration::from_secs(10);

/// The longest line of an answer.
const LONGEST_LINE: u64 = 64 << 20;

/// The largest page; a page is larger than a megabyte only for a single record.
const LARGEST_PAGE: usize = 1 << 30;

/// The lines on stderr that are told when a worker has died.
const LAST_LINES: usize = 12;

/// A process that runs one connector; it ends with the value.
pub(crate) struct Worker {
    settings: Arc<PythonSettings>,
    mask: Arc<Mask>,
    child: Option<Child>,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    stderr: Stderr,
    /// What the connector was made with.
    options: BTreeMap<String, String>,
    /// What the connector can do.
    abilities: Abilities,
    /// Whether the pipe is between an answer and the next request.
    is_usable: bool,
    _files: Unpacked,
}

/// One item of the answer to a read.
pub(crate) enum Part {
    /// Records.
    Records(JsonRecords),
    /// The end, and the offset there.
    End(Option<Offset>),
}

impl Worker {
    /// Starts a process, and makes the connector in it; its constructor gets the table's options too.
    pub(crate) async fn start(settings: &Arc<PythonSettings>, table: Option<(&str, &TableOptions)>) -> Result<Self> {
        let files = Unpacked::new()?;
        let mut child = spawn(settings, &files)?;
        let (Some(requests), Some(answers), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(Error::new(ErrorKind::Internal, "the Python worker has no pipe"));
        };
        let mask = Arc::new(Mask::default());
        let mut worker = Self {
            settings: Arc::clone(settings),
            stderr: Stderr::listen(stderr, settings.connector.to_string(), Arc::clone(&mask)),
            mask,
            child: Some(child),
            requests: Some(requests),
            answers: BufReader::with_capacity(1 << 16, answers),
            options: BTreeMap::new(),
            abilities: Abilities::default(),
            is_usable: true,
            _files: files,
        };
        worker.greet().await?;
        worker.connect(table).await?;
        Ok(worker)
    }

    /// What the connector can do.
    pub(crate) fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// Whether another question can be asked.
    pub(crate) fn is_usable(&self) -> bool {
        self.is_usable
    }

    /// Makes the connector with these options, if it was not; a fresh one in any case where that is wanted.
    pub(crate) async fn reconnect(&mut self, table: Option<(&str, &TableOptions)>, fresh: bool) -> Result<()> {
        if fresh || self.settings.options_with(table) != self.options { self.connect(table).await } else { Ok(()) }
    }

    /// Asks a question that has one answer.
    pub(crate) async fn ask<T: DeserializeOwned>(&mut self, request: Request<'_>) -> Result<T> {
        let method = request.method();
        self.send(&request).await?;
        let value: Value = match self.answer(method).await? {
            Answer::Result(value) => value,
            other => return Err(self.garbage(&format!("{other:?}")).await),
        };
        self.is_usable = true;
        serde_json::from_value(value).map_err(|error| {
            Error::new(ErrorKind::BadResponse, format!("the answer of `{method}` is not understood")).with_cause(error)
        })
    }

    /// Begins a read, whose parts [`next`](Self::next) gives.
    pub(crate) async fn send(&mut self, request: &Request<'_>) -> Result<()> {
        self.is_usable = false;
        let mut line = serde_json::to_vec(request).map_err(|error| {
            Error::new(ErrorKind::Internal, "a request to the Python worker cannot be written").with_cause(error)
        })?;
        line.push(b'\n');
        let written = match &mut self.requests {
            Some(pipe) => pipe.write_all(&line).await,
            None => Err(IoErrorKind::BrokenPipe.into()),
        };
        // Why it does not listen is told by what it answers, or by how it ended.
        if written.is_err() && self.answers.fill_buf().await.is_ok_and(<[u8]>::is_empty) {
            return Err(self.died().await);
        }
        Ok(())
    }

    /// The next part of a read.
    pub(crate) async fn next(&mut self, method: &'static str) -> Result<Part> {
        match self.answer(method).await? {
            Answer::Page { records, bytes } if bytes <= LARGEST_PAGE => {
                let mut text = vec![0; bytes];
                if self.answers.read_exact(&mut text).await.is_err() {
                    return Err(self.died().await);
                }
                let page = Arc::new(Page::parse(text)?);
                let places: Vec<_> = page.root().items().map(|record| record.index()).collect();
                if places.len() != records {
                    return Err(self
                        .garbage(&format!("a page of {} records that announced {records}", places.len()))
                        .await);
                }
                Ok(Part::Records(JsonRecords::new(page, places)))
            }
            Answer::End { offset } => {
                self.is_usable = true;
                Ok(Part::End(offset.map(Offset::from)))
            }
            other => Err(self.garbage(&format!("{other:?}")).await),
        }
    }

    async fn greet(&mut self) -> Result<()> {
        let line = match timeout(PATIENCE, self.line()).await {
            Ok(line) => line?,
            Err(_) => return Err(self.no_worker(&format!("nothing within {} seconds", PATIENCE.as_secs()))),
        };
        let Some(line) = line else { return Err(self.died().await) };
        let greeting: Greeting = match serde_json::from_slice(&line) {
            Ok(greeting) => greeting,
            Err(_) => return Err(self.no_worker(&format!("`{}`", self.shown(&line)))),
        };
        let Greeting { worker, python, executable } = greeting;
        let mut parts = python.split('.').map_while(|part| part.parse::<u32>().ok());
        if (parts.next().unwrap_or_default(), parts.next().unwrap_or_default()) < OLDEST {
            let (major, minor) = OLDEST;
            let message = format!("expected Python {major}.{minor} or later, found {python} (`{executable}`)");
            return Err(Error::new(ErrorKind::Configuration, message).with_hint(CHOOSE_PYTHON));
        }
        if worker != PROTOCOL {
            return Err(self.no_worker(&format!("a worker with version {worker} of the protocol")));
        }
        Ok(())
    }

    async fn connect(&mut self, table: Option<(&str, &TableOptions)>) -> Result<()> {
        self.settings.hide(table, &self.mask);
        let options = self.settings.options_with(table);
        self.abilities = self.ask(Request::Connect { options: &options }).await?;
        self.options = options;
        Ok(())
    }

    /// The next answer; what the connector did wrong is an error.
    async fn answer(&mut self, method: &'static str) -> Result<Answer> {
        let Some(line) = self.line().await? else { return Err(self.died().await) };
        match serde_json::from_slice(&line) {
            Ok(Answer::Error(told)) => {
                self.is_usable = true;
                Err(told.into_error(method, &self.settings, &self.mask))
            }
            Ok(answer) => Ok(answer),
            Err(_) => Err(self.garbage(&self.shown(&line)).await),
        }
    }

    /// The next line; nothing at the end.
    async fn line(&mut self) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        match (&mut self.answers).take(LONGEST_LINE).read_until(b'\n', &mut line).await {
            Ok(_) if line.last() == Some(&b'\n') => Ok(Some(line)),
            Ok(_) if line.len() as u64 == LONGEST_LINE => Err(self.garbage("a line without an end").await),
            // Half a line is the last breath of a process.
            Ok(_) => Ok(None),
            Err(error) => {
                Err(Error::new(ErrorKind::Unavailable, "the pipe to the Python worker broke").with_cause(error))
            }
        }
    }

    fn shown(&self, line: &[u8]) -> String {
        let text = String::from_utf8_lossy(line);
        self.mask.text(&text.trim_end().chars().take(200).collect::<String>())
    }

    fn no_worker(&self, found: &str) -> Error {
        let python = self.settings.python.display();
        Error::new(ErrorKind::Configuration, format!("`{python}` did not greet as a Python worker does: found {found}"))
            .with_hint(CHOOSE_PYTHON)
    }

    async fn garbage(&mut self, found: &str) -> Error {
        self.is_usable = false;
        Error::new(ErrorKind::BadResponse, format!("expected an answer of the Python worker, found `{found}`"))
            .with_context("connector", self.settings.connector.as_str())
            .with_hint("something writes into the worker's pipe: does the connector use a file descriptor that is not its own?")
    }

    /// Why the process has ended.
    async fn died(&mut self) -> Error {
        self.is_usable = false;
        drop(self.requests.take());
        let status = match &mut self.child {
            Some(child) => timeout(GRACE, child.wait()).await.ok().and_then(Result::ok),
            None => None,
        };
        let how = status.map_or_else(|| "without a word".to_owned(), ended);
        let error = Error::new(ErrorKind::Unavailable, format!("the Python process of the connector ended {how}"))
            .with_context("connector", self.settings.connector.as_str());
        let words = self.stderr.last_words().await;
        let error = if words.is_empty() { error } else { error.with_cause(words) };
        error.with_hint("where it was killed, it may have been out of memory; `-v` shows what the connector prints")
    }
}

const CHOOSE_PYTHON: &str = "name a Python of version 3.10 or later: `--python PATH`, or `COMMUNITY_CONNECTOR_PYTHON`";

/// The end of the pipe tells the worker to stop; one that does not is killed.
impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let (Some(mut child), Ok(runtime)) = (self.child.take(), Handle::try_current()) {
            runtime.spawn(async move {
                if timeout(GRACE, child.wait()).await.is_err()
                    && let Err(error) = child.kill().await
                {
                    tracing::warn!(%error, "a Python worker that does not end cannot be killed");
                }
            });
        }
    }
}

fn spawn(settings: &PythonSettings, files: &Unpacked) -> Result<Child> {
    let mut command = Command::new(&settings.python);
    command.arg(files.start()).arg(settings.connector.as_str());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|error| {
        let message = format!("the Python `{}` cannot be started", settings.python.display());
        Error::new(ErrorKind::Configuration, message).with_hint(CHOOSE_PYTHON).with_cause(error)
    })
}

fn ended(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("with exit code {code}"),
        None => format!("by a signal ({status})"),
    }
}

/// What a worker and its connector print: into the log, and the last of it kept.
struct Stderr {
    last: Arc<Mutex<VecDeque<String>>>,
    listener: JoinHandle<()>,
}

impl Stderr {
    fn listen(pipe: ChildStderr, connector: String, mask: Arc<Mask>) -> Self {
        let last = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&last);
        let listener = tokio::spawn(async move {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while (&mut pipe).take(LONGEST_LINE).read_until(b'\n', &mut line).await.is_ok_and(|length| length > 0) {
                let text = mask.text(String::from_utf8_lossy(&line).trim_end());
                line.clear();
                tracing::info!(%connector, "{text}");
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push_back(text);
                if kept.len() > LAST_LINES {
                    kept.pop_front();
                }
            }
        });
        Self { last, listener }
    }

    /// The last lines, once there are no more.
    async fn last_words(&mut self) -> String {
        let complete = timeout(GRACE, &mut self.listener).await;
        if complete.is_err() {
            tracing::debug!("a process that the connector started still has its stderr");
        }
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}
