//! Parquet's view of a file in the object store.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::{FutureExt, TryFutureExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use crate::delta::table::DeltaTable;

/// What is fetched of a file's end at once, in the hope that the whole footer is in it.
const FOOTER_BYTES: usize = 64 << 10;

/// A file in the object store, of a size that is known.
pub(super) struct StoreReader {
    table: DeltaTable,
    path: Path,
    size: u64,
}

impl StoreReader {
    pub(super) fn new(table: DeltaTable, path: Path, size: u64) -> Self {
        Self { table, path, size }
    }

    fn store(&self) -> &Arc<dyn ObjectStore> {
        self.table.store()
    }
}

impl AsyncFileReader for StoreReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        self.store().get_range(&self.path, range).map_err(external).boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move { self.store().get_ranges(&self.path, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            if let Some(footer) = self.table.footers().get(&self.path) {
                return Ok(footer);
            }
            let size = self.size;
            let reader = ParquetMetaDataReader::new().with_prefetch_hint(Some(FOOTER_BYTES));
            let footer = Arc::new(reader.with_arrow_reader_options(options).load_and_finish(&mut *self, size).await?);
            self.table.footers().put(&self.path, &footer);
            Ok(footer)
        }
        .boxed()
    }
}

fn external(cause: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(cause))
}
