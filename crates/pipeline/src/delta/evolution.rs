//! Schema evolution: new columns and relaxed NOT NULL; anything else needs a full refresh.

use arrow::datatypes::{DataType, Field, Fields, Schema};
use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::expressions::ColumnName;
use delta_kernel::schema::StructField;
use delta_kernel::transaction::{CommitResult, SchemaOperation, UpdateTableOperation};
use lakeflow_interface::{Error, ErrorKind, Result};

use super::schema::{needs_column_mapping, to_delta};
use super::state::TableState;
use super::storage::kernel_error;
use super::table::{DeltaTable, ENGINE_INFO};

impl DeltaTable {
    /// The table with the columns of a schema added, in a commit of its own; the same state where it has them already.
    ///
    /// New columns, also within structs, become nullable; NOT NULL is relaxed where the schema is nullable. A column that the
    /// schema lacks stays. A column of another type is an [`ErrorKind::Unsupported`] error, before anything is changed.
    pub async fn evolve(&self, state: &TableState, schema: &Schema) -> Result<TableState> {
        let mut changes = Vec::new();
        compare(state.schema().fields(), schema.fields(), &[], &mut changes).map_err(|error| self.located(error))?;
        if changes.is_empty() {
            return Ok(state.clone());
        }
        let (handle, state) = (self.clone(), state.clone());
        self.blocking(move || alter(handle, &state, changes)).await
    }
}

fn alter(table: DeltaTable, state: &TableState, changes: Vec<SchemaOperation>) -> Result<TableState> {
    let failed = |cause| kernel_error("the table's columns cannot be changed", cause);
    let result = std::sync::Arc::clone(&state.snapshot)
        .update_table(UpdateTableOperation::AlterTable, ENGINE_INFO, false)
        .with_schema_changes(changes)
        .and_then(|builder| builder.build(table.engine(), Box::new(FileSystemCommitter::new())))
        .and_then(|transaction| transaction.commit(table.engine()))
        .map_err(failed)?;
    match result {
        CommitResult::Committed(_) => {
            let snapshot = table.snapshot()?;
            TableState::new(table, snapshot, state.checkpoints.clone())
        }
        CommitResult::Conflicted(conflict) => Err(Error::new(
            ErrorKind::Conflict,
            format!("somebody else committed version {} while columns were added", conflict.conflict_version()),
        )),
        CommitResult::Retryable(retryable) => Err(failed(retryable.error)),
    }
}

/// Collects the changes that lead from the present fields to the wanted ones.
fn compare(present: &Fields, wanted: &Fields, parent: &[String], changes: &mut Vec<SchemaOperation>) -> Result<()> {
    for field in wanted {
        match present.iter().find(|present| present.name().eq_ignore_ascii_case(field.name())) {
            Some(present) => compare_field(present, field, parent, changes)?,
            None => changes.push(addition(field, parent)?),
        }
    }
    Ok(())
}

fn compare_field(present: &Field, wanted: &Field, parent: &[String], changes: &mut Vec<SchemaOperation>) -> Result<()> {
    let path = [parent, &[present.name().clone()]].concat();
    match (present.data_type(), wanted.data_type()) {
        (DataType::Struct(present), DataType::Struct(wanted)) => compare(present, wanted, &path, changes)?,
        (DataType::List(present), DataType::List(wanted)) => compare_inner(present, wanted, &path, "element", changes)?,
        (present, wanted) if delta_type(present)? == delta_type(wanted)? => {}
        (present, wanted) => return Err(incompatible(&path, present, wanted)),
    }
    if !present.is_nullable() && wanted.is_nullable() {
        changes.push(SchemaOperation::SetNullable { column: ColumnName::new(path) });
    }
    Ok(())
}

fn compare_inner(
    present: &Field,
    wanted: &Field,
    parent: &[String],
    name: &str,
    changes: &mut Vec<SchemaOperation>,
) -> Result<()> {
    let path = [parent, &[name.to_owned()]].concat();
    match (present.data_type(), wanted.data_type()) {
        (DataType::Struct(present), DataType::Struct(wanted)) => compare(present, wanted, &path, changes),
        (DataType::List(present), DataType::List(wanted)) => compare_inner(present, wanted, &path, name, changes),
        (present, wanted) if delta_type(present)? == delta_type(wanted)? => Ok(()),
        (present, wanted) => Err(incompatible(parent, present, wanted)),
    }
}

fn addition(field: &Field, parent: &[String]) -> Result<SchemaOperation> {
    let field = field.clone().with_nullable(true);
    let parent = (!parent.is_empty()).then(|| ColumnName::new(parent));
    Ok(SchemaOperation::add_column(parent, delta_field(field)?))
}

fn delta_field(field: Field) -> Result<StructField> {
    let name = field.name().clone();
    if needs_column_mapping(&Fields::from(vec![field.clone()])) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "the new column's name needs column mapping, which is set at creation",
        )
        .with_context("column", name)
        .with_hint("run a full refresh of this table"));
    }
    let schema = to_delta(&Schema::new(vec![field]))?;
    let field = schema.fields().next().cloned();
    field.ok_or_else(|| Error::new(ErrorKind::Internal, "a new column was lost").with_context("column", name))
}

/// The Delta type of an Arrow type, alike for all Arrow types that Delta does not tell apart.
fn delta_type(data_type: &DataType) -> Result<delta_kernel::schema::DataType> {
    Ok(delta_field(Field::new("column", data_type.clone(), true))?.data_type().clone())
}

fn incompatible(path: &[String], present: &DataType, wanted: &DataType) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the table's column is `{present}`, the source's is `{wanted}`"))
        .with_context("column", path.join("."))
        .with_hint("run a full refresh of this table, or give it another destination")
}
