//! How far streams have come, as the offset of their table.

use std::collections::BTreeMap;

use lakeflow_interface::{Error, ErrorKind, Offset, Result};
use serde::{Deserialize, Serialize};

use super::BatchId;
use crate::flow::Place;

/// The entry of an offset that belongs to streams; connectors have none of this name.
const ENTRY: &str = "lakeflow.streams";

/// The name under which batch writes are remembered.
const WRITES: &str = "";

/// What a table is called whose offset the embedded engine has written.
const EMBEDDED: &str = "embedded";

/// The context that marks an error as one of this file.
const FOREIGN: &str = "committed_by";

/// The last batch of each stream into a table, by the stream's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Streams(BTreeMap<String, BatchId>);

/// What is to be done with a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The table has it.
    PassOver,
    /// The table does not have it; with it, the offset is this one.
    Apply(Offset),
}

/// Holds a batch of a stream against the offset of its table.
///
/// `take_over` is the user's word that the stream may go on where another query (or the embedded engine) was: that one's
/// name.
pub(super) fn decide(reached: &Offset, stream: &str, batch: &BatchId, take_over: Option<&str>) -> Result<Decision> {
    let mut streams = match Streams::of(reached)? {
        Some(streams) => streams,
        None if reached.is_beginning() || take_over == Some(EMBEDDED) => Streams::default(),
        None => return Err(filled_by_engine()),
    };
    let name = if batch.number.is_some() { stream } else { WRITES };
    let last = streams.0.get(name);
    if let Some(last) = last {
        if last.query == batch.query && last.number == batch.number {
            return Ok(Decision::PassOver);
        }
        // Spark replays the last batch at most: an earlier one may hold rows that no committed batch had.
        if last.query == batch.query && last.number > batch.number {
            return Err(set_back(stream, last, batch));
        }
        let is_taken_over = take_over.is_some_and(|query| query == last.query.to_string());
        if batch.number.is_some() && last.query != batch.query && !is_taken_over {
            return Err(other_query(stream, last, batch));
        }
    }
    if !follows(last, batch) && !is_let_through(take_over, batch) {
        return Err(rows_missing(stream, last, batch));
    }
    streams.0.insert(name.to_owned(), batch.clone());
    let entry = serde_json::to_value(&streams)
        .map_err(|cause| Error::new(ErrorKind::Internal, "the place of a stream has no JSON form").with_cause(cause))?;
    Ok(Decision::Apply(Offset::beginning().with(ENTRY, entry)))
}

/// Whether no batch of the query is between the last one and this. Spark numbers batches without a gap, and hands over those
/// without rows too.
fn follows(last: Option<&BatchId>, batch: &BatchId) -> bool {
    let expected = match last {
        Some(last) if last.query != batch.query => return true,
        Some(last) => last.number.map_or(0, |number| number + 1),
        None => 0,
    };
    batch.number.is_none_or(|number| number <= expected)
}

/// Whether the user has said that the query goes on although the table lacks batches of it.
fn is_let_through(take_over: Option<&str>, batch: &BatchId) -> bool {
    take_over.is_some_and(|query| query == EMBEDDED || query == batch.query.to_string())
}

/// Refuses a table that streams fill: their offset means nothing to a connector.
pub(crate) fn refuse_streams(place: &Place) -> Result<()> {
    if Streams::of(&place.offset)?.is_none() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Configuration, "the destination is filled by streams of another engine")
        .with_hint("go on there, or read the table again from the beginning with a full refresh"))
}

/// Whether an error says that a table's place belongs to somebody else, so that trying again is of no use.
pub(super) fn is_foreign(error: &Error) -> bool {
    error.context(FOREIGN).is_some()
}

fn filled_by_engine() -> Error {
    Error::new(ErrorKind::Conflict, "the table's place was committed by the embedded engine, not by a stream")
        .with_context(FOREIGN, EMBEDDED)
        .with_hint(format!(
            "choose another table; or set the option `take_over` to `{EMBEDDED}`: the stream is then applied from where \
             its own checkpoint is, which in an append table may give rows a second time"
        ))
}

fn set_back(stream: &str, last: &BatchId, batch: &BatchId) -> Error {
    let message = format!(
        "expected the batch after {}query `{}` in stream `{stream}`, or that one again, found {}it: its checkpoint was set \
         back",
        number_of(last),
        last.query,
        number_of(batch),
    );
    Error::new(ErrorKind::Conflict, message).with_context(FOREIGN, last.query.to_string()).with_hint(format!(
        "bring back the checkpoint that the query had last; or begin with a new one, and set the option `take_over` to `{}`",
        last.query
    ))
}

fn rows_missing(stream: &str, last: Option<&BatchId>, batch: &BatchId) -> Error {
    let found = last.map_or_else(|| "none".to_owned(), |last| format!("{}it as the last", number_of(last)));
    let message = format!(
        "expected the table to have all batches before {}query `{}` in stream `{stream}`, found {found}: the table was \
         restored, recreated or overwritten, or the query wrote somewhere else before",
        number_of(batch),
        batch.query,
    );
    Error::new(ErrorKind::Conflict, message).with_context(FOREIGN, batch.query.to_string()).with_hint(format!(
        "bring back the table as the query left it, or the query's checkpoint of that time; or overwrite the table and begin \
         with a new checkpoint; or set the option `take_over` to `{}` to go on without the rows in between",
        batch.query
    ))
}

/// Which batch it is, to be followed by the query's name.
fn number_of(batch: &BatchId) -> String {
    batch.number.map_or_else(String::new, |number| format!("batch {number} of "))
}

fn other_query(stream: &str, last: &BatchId, batch: &BatchId) -> Error {
    let message = format!(
        "expected the next batch of query `{}` in stream `{stream}`, found {}query `{}`: the checkpoint of the first was \
         lost or replaced, or two streams have one name",
        last.query,
        number_of(batch),
        batch.query
    );
    Error::new(ErrorKind::Conflict, message).with_context(FOREIGN, last.query.to_string()).with_hint(format!(
        "bring the checkpoint back (the table has {}it); or give a stream of its own another `flow_name`; or set the option \
         `take_over` to `{}` to go on with this query: rows that it reads again are applied again, which changes nothing \
         in a table with keys and gives rows twice in one without",
        number_of(last),
        last.query
    ))
}

impl Streams {
    /// The streams of an offset; none where a connector has made it.
    fn of(offset: &Offset) -> Result<Option<Self>> {
        let Some(entry) = offset.get(ENTRY) else { return Ok(None) };
        serde_json::from_value(entry.clone()).map(Some).map_err(|cause| {
            Error::new(ErrorKind::Storage, "the place of the table's streams is not one that this program wrote")
                .with_hint("a newer version of this program may have written it; otherwise replace the table")
                .with_cause(cause)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "6b1e9f2c-7f0e-4c8e-9a55-0d4f5f0b9a01";
    const SECOND: &str = "6b1e9f2c-7f0e-4c8e-9a55-0d4f5f0b9a02";

    fn batch(query: &str, number: u64) -> BatchId {
        BatchId::of_stream(query, number).unwrap()
    }

    fn after(reached: &Offset, stream: &str, batch: &BatchId) -> Offset {
        match decide(reached, stream, batch, None).unwrap() {
            Decision::Apply(offset) => offset,
            Decision::PassOver => panic!("{batch:?} was passed over"),
        }
    }

    /// The offset of a table that has the batches of a query up to one.
    fn reached(query: &str, number: u64) -> Offset {
        (0..=number).fold(Offset::beginning(), |reached, number| after(&reached, "changes", &batch(query, number)))
    }

    #[test]
    fn batch_that_is_committed_is_passed_over_and_the_next_is_not() {
        let reached = reached(FIRST, 4);
        assert_eq!(decide(&reached, "changes", &batch(FIRST, 4), None).unwrap(), Decision::PassOver);
        assert_ne!(after(&reached, "changes", &batch(FIRST, 5)), reached);
    }

    #[test]
    fn checkpoint_that_was_set_back_is_noticed() {
        let reached = reached(FIRST, 4);
        for take_over in [None, Some(FIRST)] {
            let error = decide(&reached, "changes", &batch(FIRST, 3), take_over).unwrap_err();
            assert!(is_foreign(&error) && error.message().contains("batch 3 of it"), "{error}");
        }
    }

    #[test]
    fn batches_that_the_table_lacks_are_noticed_until_the_query_is_let_through_by_name() {
        for (reached, found) in [(Offset::beginning(), "found none"), (reached(FIRST, 4), "batch 4 of it as the last")]
        {
            for take_over in [None, Some(SECOND)] {
                let error = decide(&reached, "changes", &batch(FIRST, 6), take_over).unwrap_err();
                assert!(is_foreign(&error) && error.message().contains(found), "{error}");
                assert!(error.hint().unwrap().contains(FIRST), "{error}");
            }
            let decision = decide(&reached, "changes", &batch(FIRST, 6), Some(FIRST)).unwrap();
            assert!(matches!(decision, Decision::Apply(_)), "{decision:?}");
        }
    }

    #[test]
    fn streams_of_one_table_do_not_disturb_each_other() {
        let reached = reached(FIRST, 4);
        let reached = after(&reached, "deletes", &batch(SECOND, 0));
        assert_eq!(decide(&reached, "changes", &batch(FIRST, 4), None).unwrap(), Decision::PassOver);
        assert_eq!(decide(&reached, "deletes", &batch(SECOND, 0), None).unwrap(), Decision::PassOver);
    }

    #[test]
    fn place_of_another_query_is_refused_until_it_is_taken_over_by_name() {
        let reached = reached(FIRST, 4);
        for take_over in [None, Some(SECOND), Some(EMBEDDED)] {
            let error = decide(&reached, "changes", &batch(SECOND, 0), take_over).unwrap_err();
            assert!(is_foreign(&error) && error.hint().unwrap().contains(FIRST), "{error}");
        }
        let taken = decide(&reached, "changes", &batch(SECOND, 0), Some(FIRST)).unwrap();
        assert!(matches!(&taken, Decision::Apply(offset) if offset.to_string().contains(SECOND)), "{taken:?}");
    }

    #[test]
    fn place_of_a_connector_is_refused_until_it_is_taken_over() {
        let reached = Offset::beginning().with("cursor", 7);
        assert!(is_foreign(&decide(&reached, "changes", &batch(FIRST, 0), None).unwrap_err()));
        assert!(decide(&reached, "changes", &batch(FIRST, 0), Some(EMBEDDED)).is_ok());
    }

    #[test]
    fn batch_writes_are_each_a_query_and_none_is_applied_twice() {
        let [first, second] = [FIRST, SECOND].map(|query| BatchId::of_write(query).unwrap());
        let reached = after(&Offset::beginning(), "changes", &first);
        assert_eq!(decide(&reached, "changes", &first, None).unwrap(), Decision::PassOver);
        assert_ne!(after(&reached, "changes", &second), reached);
    }

    #[test]
    fn engine_refuses_a_table_of_streams() {
        let offset = after(&Offset::beginning(), "changes", &batch(FIRST, 0));
        let error = refuse_streams(&Place { offset, deletes_offset: None }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(refuse_streams(&Place::default()).is_ok());
    }
}
