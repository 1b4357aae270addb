//! The rows of a snapshot, kept in a temporary file until it is complete.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom};

use arrow::array::{BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use lakeflow_interface::{Error, ErrorKind, Result};

use super::digests::temporary;

/// Rows on their way to disk.
#[derive(Default)]
pub(super) struct Staging {
    writer: Option<StreamWriter<BufWriter<File>>>,
    rows: usize,
}

impl Staging {
    /// The number of rows so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            none => {
                let file = BufWriter::new(tempfile::tempfile().map_err(temporary)?);
                none.insert(StreamWriter::try_new(file, &batch.schema()).map_err(unusable)?)
            }
        };
        writer.write(batch).map_err(unusable)?;
        self.rows += batch.num_rows();
        Ok(())
    }

    /// The batches again, with only the rows whose bit is set.
    pub(super) fn into_selected(self, selected: BooleanBuffer) -> Result<Selected> {
        let Some(writer) = self.writer else { return Ok(Selected { reader: None, selected, position: 0 }) };
        let buffered = writer.into_inner().map_err(unusable)?;
        let mut file = buffered.into_inner().map_err(|error| temporary(error.into_error()))?;
        file.seek(SeekFrom::Start(0)).map_err(temporary)?;
        let reader = StreamReader::try_new(BufReader::new(file), None).map_err(unusable)?;
        Ok(Selected { reader: Some(reader), selected, position: 0 })
    }
}

/// Selected rows on their way back.
pub(super) struct Selected {
    reader: Option<StreamReader<BufReader<File>>>,
    selected: BooleanBuffer,
    position: usize,
}

impl Iterator for Selected {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let batch = match self.reader.as_mut()?.next()? {
                Ok(batch) => batch,
                Err(error) => return Some(Err(unusable(error))),
            };
            let wanted = self.selected.slice(self.position, batch.num_rows());
            self.position += batch.num_rows();
            match wanted.count_set_bits() {
                0 => {}
                count if count == batch.num_rows() => return Some(Ok(batch)),
                _ => return Some(filter_record_batch(&batch, &BooleanArray::new(wanted, None)).map_err(unusable)),
            }
        }
    }
}

fn unusable(error: ArrowError) -> Error {
    match error {
        ArrowError::IoError(_, cause) => temporary(cause),
        other => Error::new(ErrorKind::Internal, "cannot keep a row of the snapshot").with_cause(other),
    }
}
