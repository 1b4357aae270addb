//! The bytes of one data file on their way to the object store: in parts where there are many, else in one request.

use std::io::{self, Write};
use std::mem;
use std::sync::Arc;

use bytes::Bytes;
use lakeflow_interface::{Error, ErrorKind, Result};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};

use crate::delta::storage::{internal_error, storage_error};
use crate::delta::table::DeltaTable;

/// The size of a part; object stores want at least 5 MiB, and some want all but the last alike.
const PART_BYTES: usize = 5 << 20;
/// The number of parts of one file that are sent at a time.
const PARTS_IN_FLIGHT: usize = 1;

/// What the sender says to the task that uploads.
enum Message {
    Part(Bytes),
    /// There is no more, and the file is wanted.
    End,
}

/// A file that is written while it is uploaded; dropped before [`Upload::finish`], it never exists.
pub(super) struct Upload {
    part: Vec<u8>,
    size: u64,
    parts: mpsc::Sender<Message>,
    task: JoinHandle<object_store::Result<()>>,
}

impl Upload {
    pub(super) fn begin(table: &DeltaTable, path: &str) -> Result<Self> {
        let (parts, received) = mpsc::channel(1);
        let task = table.runtime().spawn(upload(Arc::clone(table.store()), table.file(path)?, received));
        Ok(Self { part: Vec::new(), size: 0, parts, task })
    }

    /// Waits until the file is there, and gives its size.
    pub(super) fn finish(mut self, table: &DeltaTable) -> Result<u64> {
        let broken = || Error::new(ErrorKind::Storage, "a data file cannot be uploaded");
        let sent = self.send_part().is_ok() && self.parts.blocking_send(Message::End).is_ok();
        let uploaded =
            table.runtime().block_on(self.task).map_err(|cause| internal_error("an upload was cut off", cause))?;
        uploaded.map_err(|cause| storage_error("a data file cannot be uploaded", cause))?;
        if sent { Ok(self.size) } else { Err(broken()) }
    }

    fn send_part(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = Bytes::from(mem::take(&mut self.part));
        let failed = |_| io::Error::other("the upload of a data file failed");
        self.parts.blocking_send(Message::Part(part)).map_err(failed)
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.part.capacity() == 0 {
            self.part.reserve_exact(bytes.len().clamp(1 << 16, PART_BYTES));
        }
        let taken = bytes.len().min(PART_BYTES - self.part.len());
        self.part.extend_from_slice(&bytes[..taken]);
        self.size += taken as u64;
        if self.part.len() == PART_BYTES {
            self.send_part()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

async fn upload(
    store: Arc<dyn ObjectStore>,
    path: Path,
    mut messages: mpsc::Receiver<Message>,
) -> object_store::Result<()> {
    let Some(Message::Part(first)) = messages.recv().await else { return Ok(()) };
    let second = match messages.recv().await {
        Some(Message::Part(second)) => second,
        Some(Message::End) => return store.put(&path, first.into()).await.map(|_| ()),
        None => return Ok(()),
    };
    let mut multipart = store.put_multipart(&path).await?;
    let ended = match send_parts(&mut *multipart, [first, second], &mut messages).await {
        Ok(true) => multipart.complete().await.map(|_| ()),
        Ok(false) => return multipart.abort().await,
        Err(error) => Err(error),
    };
    if ended.is_err() {
        // The first error is the one to tell.
        multipart.abort().await.ok();
    }
    ended
}

/// Sends parts as they come, and says whether the end came too.
async fn send_parts(
    multipart: &mut dyn MultipartUpload,
    first: [Bytes; 2],
    messages: &mut mpsc::Receiver<Message>,
) -> object_store::Result<bool> {
    let mut in_flight = JoinSet::new();
    for part in first {
        in_flight.spawn(multipart.put_part(PutPayload::from(part)));
    }
    let mut ended = false;
    while let Some(message) = messages.recv().await {
        match message {
            Message::Part(part) => {
                while in_flight.len() >= PARTS_IN_FLIGHT {
                    settle(&mut in_flight).await?;
                }
                in_flight.spawn(multipart.put_part(PutPayload::from(part)));
            }
            Message::End => {
                ended = true;
                break;
            }
        }
    }
    while !in_flight.is_empty() {
        settle(&mut in_flight).await?;
    }
    Ok(ended)
}

/// Waits for one part.
async fn settle(in_flight: &mut JoinSet<object_store::Result<()>>) -> object_store::Result<()> {
    match in_flight.join_next().await {
        Some(Ok(sent)) => sent,
        Some(Err(source)) => Err(object_store::Error::JoinError { source }),
        None => Ok(()),
    }
}
