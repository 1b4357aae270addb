//! A table for people: shortened cells, and no more columns than the terminal is wide.

use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::SchemaRef;
use console::Term;
use lakeflow_interface::Result;

use super::{RowForm, cells, stdout_is_terminal};
use crate::grid::{GAP, Grid};
use crate::printer::Printer;

const CELL_WIDTH: usize = 40;

/// Rows as a table.
pub(super) struct TableForm {
    schema: SchemaRef,
    batches: Vec<Vec<Arc<StringArray>>>,
    may_leave_out: bool,
}

impl TableForm {
    /// A table of rows of this schema; columns may be left out where the user did not choose them.
    pub(super) fn new(schema: SchemaRef, may_leave_out: bool) -> Self {
        Self { schema, batches: Vec::new(), may_leave_out }
    }

    fn column(&self, index: usize) -> Column {
        let field = self.schema.field(index);
        let cells = self.batches.iter().flat_map(|batch| batch[index].iter()).map(shorten).collect();
        Column { name: field.name().clone(), cells, is_number: field.data_type().is_numeric() }
    }

    fn columns_that_fit(&self) -> Vec<Column> {
        let all = (0..self.schema.fields().len()).map(|index| self.column(index));
        if !self.may_leave_out || !stdout_is_terminal() {
            return all.collect();
        }
        let mut room = usize::from(Term::stdout().size().1);
        let fits = move |column: &Column| {
            let needed = column.width() + usize::from(GAP);
            let fits = needed <= room;
            room = room.saturating_sub(needed);
            fits
        };
        all.take_while(fits).collect()
    }
}

impl RowForm for TableForm {
    fn write(&mut self, batch: &RecordBatch, _printer: &Printer) -> Result<()> {
        self.batches.push(cells::texts(batch)?);
        Ok(())
    }

    fn finish(self: Box<Self>, printer: &Printer) -> Result<()> {
        let columns = self.columns_that_fit();
        let numbers = columns.iter().enumerate().filter(|(_, column)| column.is_number).map(|(index, _)| index);
        let rows = columns.first().map_or(0, |column| column.cells.len());
        let mut grid = Grid::new(columns.iter().map(|column| column.name.as_str())).with_numbers(numbers);
        for row in 0..rows {
            grid.add(columns.iter().map(|column| column.cells[row].as_str()));
        }
        printer.data(|stdout| writeln!(stdout, "{grid}"))?;
        let left_out = self.schema.fields().len() - columns.len();
        if left_out > 0 {
            printer.status(format_args!(
                "… {left_out} more columns: `--columns a,b` chooses, `--format jsonl` prints all"
            ));
        }
        Ok(())
    }
}

/// One column, ready to print.
struct Column {
    name: String,
    cells: Vec<String>,
    is_number: bool,
}

impl Column {
    fn width(&self) -> usize {
        let texts = std::iter::once(&self.name).chain(&self.cells);
        texts.map(|text| console::measure_text_width(text)).max().unwrap_or(0)
    }
}

/// One line of at most [`CELL_WIDTH`] columns; control characters cannot reach the terminal.
fn shorten(cell: Option<&str>) -> String {
    let Some(text) = cell else { return "null".to_owned() };
    let start: String = text.chars().take(CELL_WIDTH + 1).map(|c| if c.is_control() { ' ' } else { c }).collect();
    console::truncate_str(&start, CELL_WIDTH, "…").into_owned()
}
