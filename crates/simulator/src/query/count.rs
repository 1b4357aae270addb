//! How many rows a table has.

use std::collections::BTreeSet;

use crate::definition::Show;
use crate::state::State;
use crate::table::World;

/// The rows at the start. For a child this looks at every parent once.
pub(crate) fn count_at_start(world: &World, table: usize) -> u64 {
    match world.tables.get(table).parent {
        None => world.slots(table),
        Some(parent) => (0..world.slots(parent.table))
            .filter(|slot| existed(world, parent.table, *slot))
            .map(|slot| {
                let children = world.children(table, slot);
                children.end - children.start
            })
            .sum(),
    }
}

/// The rows now, going by the rows at the start and by what has changed since.
pub(crate) fn count_now(world: &World, state: &State, table: usize, at_start: u64) -> u64 {
    let added =
        state.overlay(table).added(Show::Existing).iter().filter(|slot| world.exists(state, table, **slot)).count();
    at_start - vanished(world, state, table).len() as u64 + added as u64
}

/// The rows of the start that are no more: deleted, or below a row that is no more.
fn vanished(world: &World, state: &State, table: usize) -> BTreeSet<u64> {
    let mut rows: BTreeSet<u64> = state.overlay(table).gone().iter().copied().collect();
    if let Some(parent) = world.tables.get(table).parent {
        let parents = vanished(world, state, parent.table);
        rows.extend(parents.into_iter().flat_map(|slot| world.children(table, slot)));
    }
    rows
}

fn existed(world: &World, table: usize, slot: u64) -> bool {
    match world.tables.get(table).parent {
        None => true,
        Some(parent) => {
            let parent_slot = slot / parent.most.max(1);
            world.children(table, parent_slot).contains(&slot) && existed(world, parent.table, parent_slot)
        }
    }
}
