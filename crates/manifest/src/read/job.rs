//! Reports that are downloaded, and made before where the source wants to be asked for them.

use std::collections::BTreeMap;
use std::io::{Seek, SeekFrom};
use std::sync::Arc;
use std::time::Duration;

use async_stream::try_stream;
use futures::StreamExt;
use lakeflow_http::{Request, Response, StatusCode, Url};
use lakeflow_interface::records::{Page, Value};
use lakeflow_interface::{Error, ErrorKind, Result, Retry};
use tokio::sync::mpsc;

use super::body::{Encoding, unpack};
use super::pages::{TablePage, TablePages};
use super::{TableRead, request};
use crate::definition::Job;
use crate::path::FieldPath;
use crate::template::Scope;

/// The largest body that is downloaded.
const LARGEST_DOWNLOAD: usize = 16 << 30;

const EVERY: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(3600);

/// Pages that are unpacked ahead of the reader.
const UNPACKED_AHEAD: usize = 2;

impl TableRead {
    /// The pages of a body that is downloaded.
    pub(super) fn downloaded(&self, request: Request) -> TablePages {
        let table = self.clone();
        let pages = try_stream! {
            let response = match &table.plan.table.job {
                Some(job) => table.report(job, request).await?,
                None => table.send(&request.downloading().with_max_body_bytes(LARGEST_DOWNLOAD)).await?,
            };
            if !response.status().is_success() {
                let status = response.status();
                table.warn_of(status);
                return;
            }
            let (mut unpacked, unpacking) = unpacked(&table, response)?;
            let mut number = 0;
            while let Some(page) = unpacked.recv().await {
                number += 1;
                yield table.clone().unpacked_page(page, number).await?;
            }
            let ended = unpacking.await;
            ended.map_err(|error| Error::new(ErrorKind::Internal, "a body could not be unpacked").with_cause(error))??;
        };
        pages.boxed()
    }

    async fn send(&self, request: &Request) -> Result<Response> {
        self.ask.client.send(request, &self.ask.metrics).await
    }

    fn warn_of(&self, status: StatusCode) {
        let (table, status) = (&self.plan.name, status.as_u16());
        self.ask.metrics.warn(format!("table `{table}`: a list was skipped, its status is {status}"));
    }

    async fn unpacked_page(self, page: Page, number: u64) -> Result<TablePage> {
        let page = self.composed(Arc::new(page)).await?;
        let places = self.places(&page)?;
        Ok(TablePage { page, places, number, is_last: false, ahead: None })
    }

    /// Asks for a report, waits until it is ready, and begins its download.
    async fn report(&self, job: &Job, create: Request) -> Result<Response> {
        let answer = self.send(&create).await?.into_page().await?;
        let mut values = named(&job.r#as, answer.root())?;
        let scope = |values: &BTreeMap<String, minijinja::value::Value>| self.scope.clone().with("job", values.clone());
        let finished = self.wait(job, &scope(&values)).await?;
        values.extend(named(&job.result, finished.root())?);
        if let Some(path) = &job.download_url {
            let text = path.find(finished.root()).and_then(|value| value.scalar_text());
            let missing = || Error::new(ErrorKind::BadResponse, format!("the finished report has no `{path}`"));
            let url = self.ask.client.base_url().join(&text.ok_or_else(missing)?);
            let url: Url = url.map_err(|error| missing().with_cause(error))?;
            return self.ask.client.download_elsewhere(&url, LARGEST_DOWNLOAD, &self.ask.metrics).await;
        }
        let missing = || Error::new(ErrorKind::Internal, "a job has no download");
        let download = request(&job.download.as_ref().ok_or_else(missing)?.full(), &scope(&values))?;
        self.send(&download.downloading().with_max_body_bytes(LARGEST_DOWNLOAD)).await
    }

    /// Polls until the report is ready.
    async fn wait(&self, job: &Job, scope: &Scope) -> Result<Arc<Page>> {
        let every = job.every.map_or(EVERY, |every| every.0);
        let patience = job.patience.map_or(PATIENCE, |patience| patience.0);
        let until = tokio::time::Instant::now() + patience;
        let poll = request(&job.poll.full(), scope)?;
        loop {
            let page = self.send(&poll).await?.into_page().await?;
            if job.failed.as_ref().is_some_and(|failed| failed.holds(page.root())) {
                let text = self.ask.client.redact(&page.root().raw().chars().take(300).collect::<String>());
                return Err(Error::new(
                    ErrorKind::BadResponse,
                    format!("the source could not make the report: `{text}`"),
                ));
            }
            if job.done.holds(page.root()) {
                return Ok(page);
            }
            if tokio::time::Instant::now() + every > until {
                let message = format!("the report was not ready within {}", humantime::format_duration(patience));
                return Err(Error::new(ErrorKind::Unavailable, message).with_retry(Retry::Now));
            }
            tokio::time::sleep(every).await;
        }
    }
}

/// Unpacks a body on a thread that may block; it waits for its reader.
fn unpacked(
    table: &TableRead,
    response: Response,
) -> Result<(mpsc::Receiver<Page>, tokio::task::JoinHandle<Result<()>>)> {
    let missing = || Error::new(ErrorKind::Internal, "a download has no body");
    let mut body = response.into_download().ok_or_else(missing)?;
    let length = body.seek(SeekFrom::End(0)).and_then(|length| body.seek(SeekFrom::Start(0)).map(|_| length));
    let length = length.map_err(|error| Error::new(ErrorKind::Storage, "a download was lost").with_cause(error))?;
    let encoding = Encoding::from(table.plan.table.format.as_ref());
    let (sender, receiver) = mpsc::channel(UNPACKED_AHEAD);
    let unpacking = tokio::task::spawn_blocking(move || {
        unpack(body, length, &encoding, &mut |page| sender.blocking_send(page).is_ok())
    });
    Ok((receiver, unpacking))
}

/// Values of an answer, by name.
fn named(paths: &BTreeMap<String, FieldPath>, root: Value<'_>) -> Result<BTreeMap<String, minijinja::value::Value>> {
    let value = |(name, path): (&String, &FieldPath)| {
        let missing = || Error::new(ErrorKind::BadResponse, format!("the answer has no `{path}`"));
        let text = path.find(root).and_then(Value::scalar_text).ok_or_else(missing)?;
        Ok((name.clone(), minijinja::value::Value::from(text.as_ref())))
    };
    paths.iter().map(value).collect()
}
