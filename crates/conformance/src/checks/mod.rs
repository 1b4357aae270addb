//! The checks, one promise of the contract each.

mod batches;
mod changes;
mod faults;
mod moving;
mod offsets;
mod parents;
mod partitions;
mod secrets;
mod tables;
mod values;
mod write_back;

use crate::case::Trial;
use crate::check::Check;

pub(crate) use values::empty_columns;

/// All checks, in the order in which it is best to mend what fails.
pub const CHECKS: &[Check] = &[
    tables::TABLE_NAMES_ARE_UNIQUE,
    tables::UNKNOWN_TABLE_IS_AN_ERROR,
    tables::SCHEMA_IS_STABLE,
    tables::KEYS_ARE_COLUMNS,
    tables::UNKNOWN_OPTION_IS_AN_ERROR,
    tables::MISSING_OPTION_IS_AN_ERROR,
    values::ROWS_FIT_THE_SCHEMA,
    values::NOT_NULL_HOLDS,
    values::KEYS_ARE_NOT_NULL,
    values::EVERY_COLUMN_APPEARS,
    values::FIELDS_ARE_DECLARED,
    values::ROWS_ARE_THOSE_OF_THE_SOURCE,
    parents::CHILDREN_NAME_THEIR_PARENTS,
    offsets::LAST_ITEM_IS_A_CHECKPOINT,
    offsets::RECORDS_MOVE_THE_OFFSET,
    offsets::NOTHING_NEW_YIELDS_THE_START,
    offsets::OFFSETS_ARE_REPLAYABLE,
    offsets::OFFSET_IS_THE_GREATEST_CURSOR,
    offsets::START_DATE_GIVES_THE_LATER_ROWS,
    batches::EMPTY_TABLE_IS_READ,
    batches::PAGE_SIZE_CHANGES_NOTHING,
    batches::BATCH_CAP_LOSES_NOTHING,
    batches::RESUME_EQUALS_ONE_READ,
    batches::EQUAL_CURSORS_ARE_NOT_LOST,
    changes::CHANGES_ARRIVE_EXACTLY,
    changes::DELETES_ARRIVE,
    moving::READS_END,
    moving::ROWS_BEHIND_THE_HORIZON_WAIT,
    faults::PASSING_FAULTS_LOSE_NOTHING,
    faults::FAILED_PAGE_FAILS_THE_READ,
    secrets::CONNECTION_IS_CHECKED,
    secrets::AUTH_FAILURE_NAMES_THE_PARAMETER,
    secrets::NO_SECRET_IS_SHOWN,
    partitions::PARTITIONS_ARE_STABLE,
    partitions::PARTITIONS_COVER_THE_TABLE_ONCE,
    partitions::EQUAL_OFFSETS_HAVE_NO_PARTITIONS,
    partitions::PARTITIONS_GIVE_WHAT_IS_NEW,
    write_back::WRITTEN_ROWS_ARE_READ,
    write_back::WRITTEN_DELETES_ARRIVE,
];

/// Rows in tables that are read many times over.
const FEW: u64 = 12;

/// Options for pages and batches of a size, as far as the table has them.
fn sizes(trial: &Trial<'_>, page: u64, batch: Option<u64>) -> Vec<(&'static str, String)> {
    let page = (page.max(1), "per_page");
    let batch = batch.map(|batch| (batch, "max_records_per_batch"));
    let wanted = [Some(page), batch].into_iter().flatten();
    wanted.filter(|(_, name)| trial.table.input(name).is_some()).map(|(size, name)| (name, size.to_string())).collect()
}
