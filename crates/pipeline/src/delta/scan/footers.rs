//! The footers of data files that were read lately, so that the next look at the table need not fetch them again.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use lakeflow_interface::Result;
use object_store::path::Path;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::file::metadata::ParquetMetaData;

use super::store_reader::StoreReader;
use crate::delta::files::LiveFile;
use crate::delta::storage::storage_error;
use crate::delta::table::DeltaTable;

/// The memory that kept footers may take.
const MOST_BYTES: usize = 8 << 20;

/// Footers by file, the latest ones; data files never change.
#[derive(Debug, Default)]
pub(crate) struct Footers(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_path: HashMap<Path, Arc<ParquetMetaData>>,
    order: VecDeque<Path>,
    bytes: usize,
}

impl Footers {
    pub(super) fn get(&self, path: &Path) -> Option<Arc<ParquetMetaData>> {
        self.kept(|kept| kept.by_path.get(path).cloned())
    }

    pub(super) fn put(&self, path: &Path, footer: &Arc<ParquetMetaData>) {
        self.kept(|kept| {
            if kept.by_path.insert(path.clone(), Arc::clone(footer)).is_some() {
                return;
            }
            kept.order.push_back(path.clone());
            kept.bytes += footer.memory_size();
            while kept.bytes > MOST_BYTES {
                let Some(oldest) = kept.order.pop_front() else { break };
                kept.bytes -= kept.by_path.remove(&oldest).map_or(0, |footer| footer.memory_size());
            }
        });
    }

    fn kept<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The columns of a file, as it names them, that have Bloom filters.
pub(crate) async fn filtered_columns(table: &DeltaTable, file: &LiveFile) -> Result<Vec<Vec<String>>> {
    let mut reader = StoreReader::new(table.clone(), table.file(&file.path)?, file.size);
    let footer = reader.get_metadata(None).await;
    let footer = footer.map_err(|cause| storage_error("a data file cannot be read", cause))?;
    let columns = footer.row_groups().first().map(|group| group.columns()).unwrap_or_default();
    let filtered = columns.iter().filter(|column| column.bloom_filter_offset().is_some());
    Ok(filtered.map(|column| column.column_path().parts().to_vec()).collect())
}
