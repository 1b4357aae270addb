//! A lakehouse: the folder or object store that holds the destination tables.

use std::path::{self, Path};
use std::sync::Arc;

use delta_kernel_default_engine::executor::tokio::TokioMultiThreadExecutor;
use delta_kernel_default_engine::{DefaultEngine, DefaultEngineBuilder};
use lakeflow_interface::{Error, ErrorKind, Result};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use tokio::runtime::{Handle, RuntimeFlavor};
use url::Url;

use super::destination::Destination;
use super::scan::Footers;
use super::storage::{internal_error, storage_error};
use super::table::DeltaTable;

/// The kernel's engine, on our object store and our runtime.
pub(crate) type Engine = DefaultEngine<TokioMultiThreadExecutor>;

/// What all tables of a lakehouse share.
pub(crate) struct Shared {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) engine: Engine,
    pub(crate) runtime: Handle,
    pub(crate) footers: Footers,
}

/// The folder or object store that holds the destination tables.
#[derive(Clone)]
pub struct Lakehouse {
    url: Url,
    shared: Arc<Shared>,
}

impl Lakehouse {
    /// Opens a lakehouse: a local folder (made when the first table is), or a URL: `file`, `s3`, `s3a`, `az`, `abfs`,
    /// `abfss`, `gs`.
    ///
    /// Credentials of object stores come from their usual environment variables (`AWS_…`, `AZURE_…`, `GOOGLE_…`). Must be
    /// called on a multi-threaded Tokio runtime, whose threads do the work.
    pub fn open(location: &str) -> Result<Self> {
        let url = parse(location)?;
        let store = store(&url)?;
        Self::new(url, store)
    }

    /// A lakehouse in an object store that the caller has, such as one in memory. Needs the same runtime.
    pub fn in_store(store: Arc<dyn ObjectStore>) -> Result<Self> {
        let url = Url::parse("memory:///").map_err(|cause| internal_error("a URL is none", cause))?;
        Self::new(url, store)
    }

    fn new(url: Url, store: Arc<dyn ObjectStore>) -> Result<Self> {
        let runtime = Handle::try_current()
            .ok()
            .filter(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a lakehouse needs a multi-threaded runtime"))?;
        let executor = Arc::new(TokioMultiThreadExecutor::new(runtime.clone()));
        let engine = DefaultEngineBuilder::new(Arc::clone(&store)).with_task_executor(executor).build();
        Ok(Self { url, shared: Arc::new(Shared { store, engine, runtime, footers: Footers::default() }) })
    }

    /// Where it is; ends with a slash.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Where its files are.
    pub(crate) fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.shared.store
    }

    /// A handle to a destination table, whether it exists or not.
    pub fn table(&self, destination: &Destination) -> Result<DeltaTable> {
        DeltaTable::new(destination.clone(), &self.url, Arc::clone(&self.shared))
    }
}

/// The URL of a lakehouse, with a slash at its end.
fn parse(location: &str) -> Result<Url> {
    let mut url = match Url::parse(location) {
        // A single letter is a drive, not a scheme.
        Ok(url) if url.scheme().len() > 1 => url,
        _ => return folder_url(Path::new(location)),
    };
    if url.scheme() == "file" {
        let folder = url.to_file_path().map_err(|()| invalid(location))?;
        return folder_url(&folder);
    }
    if !matches!(url.scheme(), "s3" | "s3a" | "az" | "azure" | "abfs" | "abfss" | "gs") || url.query().is_some() {
        return Err(invalid(location));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

fn invalid(location: &str) -> Error {
    // A URL may carry credentials, in its user part or its query.
    let shown = location.split(['?', '@']).next_back().unwrap_or_default();
    Error::new(ErrorKind::Configuration, format!("`{shown}` is not a lakehouse"))
        .with_hint("give a folder, or a URL that begins with `file://`, `s3://`, `az://`, `abfss://` or `gs://`")
}

fn folder_url(folder: &Path) -> Result<Url> {
    let folder =
        path::absolute(folder).map_err(|cause| storage_error("the lakehouse's folder cannot be found", cause))?;
    let shown = folder.display().to_string();
    if shown.contains('%') {
        let message = "the lakehouse's path holds a `%`, which the Delta kernel takes for an escape";
        return Err(Error::new(ErrorKind::Configuration, message).with_context("lakehouse", shown));
    }
    match std::fs::metadata(&folder) {
        Ok(found) if !found.is_dir() => {
            return Err(Error::new(ErrorKind::Configuration, "the lakehouse is a file, not a folder")
                .with_context("lakehouse", shown));
        }
        Err(cause) if cause.kind() == std::io::ErrorKind::NotADirectory => {
            return Err(storage_error("the lakehouse is below a file", cause).with_context("lakehouse", shown));
        }
        // A folder that does not exist is made with its first table; any other trouble shows when it is used.
        Ok(_) | Err(_) => {}
    }
    Url::from_directory_path(&folder).map_err(|()| invalid(&shown))
}

fn store(url: &Url) -> Result<Arc<dyn ObjectStore>> {
    if url.scheme() == "file" {
        // Rows must be on the disk before the commit that names them is.
        return Ok(Arc::new(LocalFileSystem::new().with_fsync(true)));
    }
    let environment = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?.to_ascii_lowercase();
        let is_known = ["aws_", "azure_", "google_"].iter().any(|prefix| name.starts_with(prefix));
        is_known.then_some((name, value.into_string().ok()?))
    });
    let (store, _) = object_store::parse_url_opts(url, environment).map_err(|cause| {
        Error::new(ErrorKind::Configuration, "the lakehouse's object store is not configured")
            .with_context("lakehouse", url.host_str().unwrap_or_default())
            .with_hint("set the usual environment variables of the object store, such as `AWS_REGION`")
            .with_cause(cause)
    })?;
    Ok(Arc::from(store))
}
