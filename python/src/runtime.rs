//! The runtime that all reads of this process share, and how Python waits for it.

use std::future::Future;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lakeflow_interface::{Error, ErrorKind, Result};
use pyo3::prelude::*;
use tokio::runtime::Runtime;

use crate::errors::exception;

/// How often a wait looks whether the user has interrupted it.
const ATTENTION: Duration = Duration::from_millis(200);

/// The runtime and the process that it was made in: after a fork its threads are gone.
static RUNTIME: Mutex<Option<(u32, &'static Runtime)>> = Mutex::new(None);

/// The runtime of this process.
pub(crate) fn runtime() -> Result<&'static Runtime> {
    let mut known = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    if let Some((owner, runtime)) = *known
        && owner == process
    {
        return Ok(runtime);
    }
    let runtime = Runtime::new()
        .map_err(|cause| Error::new(ErrorKind::Internal, "the runtime cannot be started").with_cause(cause))?;
    let runtime: &'static Runtime = Box::leak(Box::new(runtime));
    *known = Some((process, runtime));
    Ok(runtime)
}

/// Waits without holding Python's lock; an interrupt of the user drops the work.
pub(crate) fn wait<T: Send>(py: Python<'_>, work: impl Future<Output = Result<T>> + Send) -> PyResult<T> {
    let runtime = runtime().map_err(|error| exception(py, &error))?;
    let mut work = pin!(work);
    loop {
        let done = py.detach(|| runtime.block_on(async { tokio::time::timeout(ATTENTION, work.as_mut()).await }));
        match done {
            Ok(outcome) => return outcome.map_err(|error| exception(py, &error)),
            Err(_still_working) => py.check_signals()?,
        }
    }
}

/// The same for work that must stay on one thread, begun there; an interrupt of the user waits for its end.
pub(crate) fn wait_here<T: Send, W: Future<Output = Result<T>>>(
    py: Python<'_>,
    begin: impl FnOnce() -> W + Send,
) -> PyResult<T> {
    let done = py.detach(|| runtime()?.block_on(begin()));
    done.map_err(|error| exception(py, &error))
}
