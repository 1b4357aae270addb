//! `read CONNECTION TABLE`: rows of a source table, typed as a run would type them.

use arrow::array::RecordBatch;
use futures::TryStreamExt;
use lakeflow_interface::records::{BadValues, Typer};
use lakeflow_interface::{Horizon, Offset, ReadContext, ReadItem, Records, Result, TableOptions};

use crate::args::ReadArguments;
use crate::exit::ExitStatus;
use crate::rows::RowPrinter;
use crate::session::Session;

/// Prints the rows as they come.
pub(crate) async fn run(arguments: &ReadArguments, session: &Session) -> Result<ExitStatus> {
    let connector = session.connect(&arguments.connection).await?;
    let table = arguments.table.as_str();
    let options: TableOptions = arguments.options.options.iter().map(|option| (&option.key, &option.value)).collect();
    let schema = connector.get_table_schema(table, &options).await?;
    let mut typer = Typer::new(table, schema, BadValues::Rescue)?;
    let mut rows = RowPrinter::new(&session.printer, &typer.schema(), &arguments.rows)?;
    let context = ReadContext::new(Horizon::now());
    let mut items = connector.read_table(table, &Offset::beginning(), &options, &context).await?;
    while let Some(item) = items.try_next().await? {
        let batch = match item {
            ReadItem::Records(records) => typed(records, &mut typer)?,
            ReadItem::Deletes(_) | ReadItem::Checkpoint(_) => continue,
        };
        if !rows.write(&batch)? {
            break;
        }
    }
    drop(items);
    rows.finish()?;
    for (warning, count) in context.metrics.snapshot().warnings {
        session.printer.warning(format_args!("{warning} ({count} times)"), None);
    }
    Ok(ExitStatus::Success)
}

/// Records as a batch in the typer's schema; what is typed already has nothing to rescue.
fn typed(records: Records, typer: &mut Typer) -> Result<RecordBatch> {
    match records {
        Records::Json(records) => {
            typer.push(&records)?;
            Ok(typer.finish()?.batch)
        }
        Records::Arrow(batch) => typer.conform(&batch),
    }
}
