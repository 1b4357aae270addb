//! `Grid`: the one look of all tables on the terminal.

use std::fmt;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table};

/// The space between two columns.
pub(crate) const GAP: u16 = 2;

/// The part of it that the table draws itself.
const SEPARATOR: u16 = 1;

/// Columns under headings, with nothing drawn but a rule under the headings.
pub(crate) struct Grid(Table);

impl Grid {
    /// A grid with these headings.
    pub(crate) fn new<H: Into<String>>(headings: impl IntoIterator<Item = H>) -> Self {
        let mut table = Table::new();
        table.load_style(NOTHING.header_separator(LineStyle::none().fill('─').junction('─')));
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(headings.into_iter().map(Into::into).collect::<Vec<String>>());
        for column in table.column_iter_mut() {
            column.set_padding((0, GAP - SEPARATOR));
        }
        Self(table)
    }

    /// Puts the numbers of these columns under each other.
    #[must_use]
    pub(crate) fn with_numbers(mut self, columns: impl IntoIterator<Item = usize>) -> Self {
        for column in columns {
            if let Some(column) = self.0.column_mut(column) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self
    }

    /// Breaks lines in cells so that the whole is not wider than the terminal.
    #[must_use]
    pub(crate) fn wrapped(mut self) -> Self {
        if console::Term::stdout().is_term() {
            self.0.set_content_arrangement(ContentArrangement::Dynamic);
        }
        self
    }

    /// Adds a row.
    pub(crate) fn add<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.0.add_row(cells.into_iter().map(Into::into).collect::<Vec<String>>());
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.trim_fmt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_under_each_other() {
        let mut grid = Grid::new(["table", "rows"]).with_numbers([1]);
        grid.add(["issues", "1,234"]);
        grid.add(["users", "5"]);
        insta::assert_snapshot!(grid, @r"
        table    rows
        ──────────────
        issues  1,234
        users       5
        ");
    }
}
