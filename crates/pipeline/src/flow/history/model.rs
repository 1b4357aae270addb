//! Histories made batch by batch agree with the one that is made of all events at once.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::tombstones::Tombstone;
use super::timeline::{Change, Content, Sequence, Timeline, Version};

/// A change of the one key there is: when, and to what; to nothing where it is a delete.
type Event = (u8, Option<u8>);

/// A version as the model has it: start, end, values.
type Span = (u8, Option<u8>, u8);

/// The table as far as the key is concerned.
#[derive(Clone, Debug, Default)]
struct Table {
    versions: Vec<(Version, u8)>,
    tombstones: Vec<Tombstone>,
}

fn sequence(at: u8) -> Sequence {
    Box::from([at])
}

impl Table {
    /// Applies a batch, and gives the number of rows that it wrote or took away.
    fn apply(&mut self, batch: &[Event]) -> usize {
        let changes = batch.iter().map(|(at, values)| Change { at: sequence(*at), is_delete: values.is_none() });
        let timeline = Timeline {
            versions: self.versions.iter().map(|(version, _)| version.clone()).collect(),
            tombstones: self.tombstones.clone(),
            changes: changes.collect(),
        };
        let needed = timeline.needed();
        // What was not read must not be looked at.
        let values = |content: Content| match content {
            Content::Change(number) => batch[number].1.ok_or(content),
            Content::Version(number) if needed.contains(&number) => Ok(self.versions[number].1),
            Content::Version(_) => Err(content),
        };
        let revision = timeline.revise(|one, other| one == other || values(one) == values(other));
        let touched = revision.written.len() + revision.superseded.len();
        let written: Vec<_> = revision
            .written
            .iter()
            .map(|new| (Version { start: new.start.clone(), end: new.end.clone() }, values(new.content).unwrap()))
            .collect();
        let kept = self.versions.iter().enumerate().filter(|(number, _)| !revision.superseded.contains(number));
        self.versions = kept.map(|(_, version)| version.clone()).chain(written).collect();
        self.tombstones.extend(revision.remembered);
        touched
    }

    fn spans(&self) -> Vec<Span> {
        let span =
            |(version, values): &(Version, u8)| (version.start[0], version.end.as_ref().map(|end| end[0]), *values);
        let mut spans: Vec<Span> = self.versions.iter().map(span).collect();
        spans.sort_unstable();
        spans
    }
}

/// The history of events, from all of them at once.
fn model(events: &[Event]) -> Vec<Span> {
    let mut happened: BTreeMap<u8, Option<u8>> = BTreeMap::new();
    for (at, values) in events {
        let now = happened.entry(*at).or_insert(*values);
        if now.is_some() {
            *now = *values;
        }
    }
    let mut spans: Vec<Span> = Vec::new();
    for (at, values) in happened {
        let open = spans.last_mut().filter(|span| span.1.is_none());
        match (open, values) {
            (Some(open), Some(values)) if open.2 == values => {}
            (open, values) => {
                if let Some(open) = open {
                    open.1 = Some(at);
                }
                spans.extend(values.map(|values| (at, None, values)));
            }
        }
    }
    spans
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let values = prop_oneof![3 => (0..3_u8).prop_map(Some), 1 => Just(None)];
    vec((0..12_u8, values), 0..16)
}

/// Where batches end, and how far back a crash there makes the read begin again.
fn cuts() -> impl Strategy<Value = Vec<(usize, Option<usize>)>> {
    vec((0..16_usize, proptest::option::weighted(0.3, 0..16_usize)), 0..8)
}

/// The number of cases; the whole of them takes a second.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(10_000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn batches_and_replays_leave_no_trace(events in events(), cuts in cuts()) {
        let mut table = Table::default();
        let mut from = 0;
        for (length, back) in cuts {
            let to = (from + length).min(events.len());
            table.apply(&events[from..to]);
            from = back.map_or(to, |back| to.saturating_sub(back));
        }
        table.apply(&events[from..]);
        prop_assert_eq!(table.spans(), model(&events));
        prop_assert_eq!(table.apply(&events), 0, "a replay wrote something");
    }

    #[test]
    fn order_of_events_with_different_sequences_does_not_matter(
        events in events().prop_map(|events| events.into_iter().collect::<BTreeMap<_, _>>()),
        order in Just(()).prop_perturb(|(), mut random| random.next_u64()),
    ) {
        let mut shuffled: Vec<Event> = events.iter().map(|(at, values)| (*at, *values)).collect();
        shuffled.sort_by_key(|(at, _)| u64::from(*at + 1).wrapping_mul(order | 1).rotate_left(17));
        let mut table = Table::default();
        for event in &shuffled {
            table.apply(std::slice::from_ref(event));
        }
        prop_assert_eq!(table.spans(), model(&shuffled));
    }
}
