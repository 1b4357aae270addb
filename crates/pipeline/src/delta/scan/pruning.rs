//! Which row groups of a data file are worth reading.

use std::sync::Arc;

use lakeflow_interface::Result;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use parquet::errors::ParquetError;
use parquet::schema::types::SchemaDescriptor;

use super::Scan;
use super::range::PlacedRange;
use super::store_reader::StoreReader;
use super::values::PlacedValues;
use crate::delta::files::{FileList, LiveFile};
use crate::delta::state::Layout;

/// What rows must have to be wanted; what cannot have it is left out, the rest is read whole.
pub(super) struct Pruning {
    ranges: Vec<PlacedRange>,
    values: Vec<PlacedValues>,
}

impl Pruning {
    pub(super) fn new(scan: &Scan, layout: &Layout) -> Result<Arc<Self>> {
        let ranges = scan.ranges.iter().map(|range| range.placed(layout)).collect::<Result<_>>()?;
        let values = scan.values.iter().map(|values| values.placed(layout)).collect::<Result<_>>()?;
        Ok(Arc::new(Self { ranges, values }))
    }

    /// Whether a file may have wanted rows, by what the log says of it.
    pub(super) fn wants(&self, files: &FileList, file: &LiveFile) -> bool {
        self.ranges.is_empty() || {
            let stats = files.stats(file);
            self.ranges.iter().all(|range| range.may_hold(stats))
        }
    }

    /// The row groups of a file that may have wanted rows.
    pub(super) async fn groups(
        &self,
        file: &mut ParquetRecordBatchStreamBuilder<StoreReader>,
    ) -> std::result::Result<Vec<usize>, ParquetError> {
        let mut wanted = Vec::new();
        for group in 0..file.metadata().num_row_groups() {
            if self.is_within_ranges(file, group) && self.passes_filters(file, group).await? {
                wanted.push(group);
            }
        }
        Ok(wanted)
    }

    fn is_within_ranges(&self, file: &ParquetRecordBatchStreamBuilder<StoreReader>, group: usize) -> bool {
        let schema = file.parquet_schema();
        self.ranges.iter().all(|range| {
            let statistics =
                leaf(schema, range.path()).and_then(|leaf| file.metadata().row_group(group).column(leaf).statistics());
            statistics.is_none_or(|statistics| range.may_hold_group(statistics))
        })
    }

    async fn passes_filters(
        &self,
        file: &mut ParquetRecordBatchStreamBuilder<StoreReader>,
        group: usize,
    ) -> std::result::Result<bool, ParquetError> {
        for values in &self.values {
            let Some(leaf) = leaf(file.parquet_schema(), &values.path) else { continue };
            if file.parquet_schema().column(leaf).physical_type() != values.physical {
                continue;
            }
            let filter = file.get_row_group_column_bloom_filter(group, leaf).await?;
            if filter.is_some_and(|filter| !values.may_be_in(&filter)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// The Parquet column of a path.
fn leaf(schema: &SchemaDescriptor, path: &[String]) -> Option<usize> {
    schema.columns().iter().position(|column| column.path().parts() == path)
}
