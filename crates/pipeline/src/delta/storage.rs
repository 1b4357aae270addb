//! Errors of the object store and of the Delta kernel, in our words.

use std::error::Error as StdError;
use std::io;

use delta_kernel::KernelError;
use delta_kernel::object_store;
use lakeflow_interface::{Error, ErrorKind};

/// An error of the object store, the file system or Parquet while doing something: `cannot write data file`.
pub(crate) fn storage_error(doing: &str, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    let cause = cause.into();
    let error = Error::new(ErrorKind::Storage, doing);
    let hint = hint(cause.as_ref());
    let error = error.with_cause(cause);
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// An error of the Delta kernel while doing something.
pub(crate) fn kernel_error(doing: &str, cause: KernelError) -> Error {
    let kind = match &cause {
        KernelError::Unsupported(_) => ErrorKind::Unsupported,
        KernelError::TableAlreadyExistsAtPath(_) | KernelError::FileAlreadyExists(_) => ErrorKind::Conflict,
        KernelError::InternalError(_) | KernelError::InvalidTransactionState(_) => ErrorKind::Internal,
        _ => return storage_error(doing, cause),
    };
    Error::new(kind, doing).with_cause(cause)
}

/// A fault of this program: something that cannot fail did.
pub(crate) fn internal_error(doing: &str, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Internal, doing).with_cause(cause)
}

/// What the user can do about the innermost I/O error of a chain.
fn hint(error: &(dyn StdError + 'static)) -> Option<&'static str> {
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(hint) = error.downcast_ref::<io::Error>().and_then(|error| io_hint(error.kind())) {
            return Some(hint);
        }
        let refused = matches!(
            error.downcast_ref::<object_store::Error>(),
            Some(object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. })
        );
        if refused {
            return Some("check the credentials of the lakehouse and their right to write there");
        }
        link = error.source();
    }
    None
}

fn io_hint(kind: io::ErrorKind) -> Option<&'static str> {
    match kind {
        io::ErrorKind::PermissionDenied => Some("check who owns the lakehouse's folder and its mode"),
        io::ErrorKind::ReadOnlyFilesystem => Some("the file system is mounted read-only; choose another lakehouse"),
        io::ErrorKind::StorageFull => Some("the disk is full; free some space and run again: nothing was lost"),
        io::ErrorKind::QuotaExceeded => Some("the disk quota is used up; free some space and run again"),
        io::ErrorKind::NotADirectory => Some("a file stands where a folder is needed"),
        _ => None,
    }
}
