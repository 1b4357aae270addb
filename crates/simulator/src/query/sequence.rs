//! A listing in the order of the rows' numbers or of their cursor, in which any place is found without passing over the
//! rows before it.

use std::cmp::Ordering;
use std::ops::Range;

use super::pages::{PageIndex, Pages};
use super::{Filter, Page, Position, Query, partition_point};
use crate::definition::{Direction, Operator, Show};
use crate::state::State;
use crate::table::{Scalar, World};

/// First rows of the start in the order of their numbers (a range without holes, with some returned), then others.
pub(crate) struct Sequence<'a> {
    world: &'a World,
    state: &'a State,
    query: &'a Query,
    range: Range<u64>,
    /// Numbers within the range that are not there, in order.
    holes: &'a [u64],
    /// Numbers that are there though the range or a hole excludes them, in order.
    returned: Vec<u64>,
    /// Conditions that each row of the range must be asked for.
    residual: Vec<&'a Filter>,
    /// Whether each number of the range must be asked whether it is a row.
    sparse: bool,
    tail: Vec<u64>,
}

impl<'a> Sequence<'a> {
    /// The sequence for a question, unless it wants an order that the rows do not have.
    pub(crate) fn of(world: &'a World, state: &'a State, query: &'a Query) -> Option<Self> {
        let overlay = state.overlay(query.table);
        let by_cursor = match &query.sort {
            None => false,
            Some(field) if field.is_cursor && field.rises => true,
            Some(field) if field.rises && !field.changeable => false,
            Some(_) => return None,
        };
        let narrows = |filter: &&Filter| filter.field.rises && is_bound(filter.operator);
        let (bounds, residual): (Vec<&Filter>, Vec<&Filter>) = query.filters.iter().partition(narrows);
        let moved_apart = by_cursor || query.show == Show::All || bounds.iter().any(|filter| filter.field.changeable);
        let mut sequence = Self {
            world,
            state,
            query,
            range: 0..world.slots(query.table),
            holes: if moved_apart { overlay.gone_or_moved() } else { overlay.gone() },
            returned: Vec::new(),
            residual,
            sparse: world.tables.get(query.table).parent.is_some(),
            tail: Vec::new(),
        };
        for filter in bounds {
            sequence.narrow(filter);
        }
        if by_cursor {
            sequence.tail = sequence.accepted_by_time(overlay.by_time(query.show));
        } else {
            sequence.tail = sequence.accepted(overlay.added(query.show));
            if moved_apart {
                let returned = if query.show == Show::All { overlay.gone_or_moved() } else { overlay.moved() };
                sequence.returned = sequence.accepted(returned);
            }
        }
        Some(sequence)
    }

    /// The page that the question wants.
    pub(crate) fn page(&self, index: &PageIndex) -> Page {
        let must_be_asked = self.sparse || !self.residual.is_empty() || !self.query.any_of.is_empty();
        let pages = must_be_asked.then(|| {
            index.pages(self.state.version, &self.query.text, || {
                let domain = self.domain();
                Pages::of(domain.clone(), |slot| self.includes(slot))
            })
        });
        let pages = pages.as_deref();
        let body = pages.map_or_else(|| self.rank(self.domain().end), Pages::total);
        let total = body + self.tail.len() as u64;
        let backwards = self.query.direction == Direction::Desc;
        let count = |position: &Option<Position>, including: bool| {
            let position = position.as_ref()?;
            let up_to = self.count_up_to(position, including != backwards, (pages, body));
            Some(if backwards { total - up_to } else { up_to })
        };
        let (after, before) = (count(&self.query.after, true), count(&self.query.before, false));
        let range = self.query.slice(after, before.map(|before| before + 1), total);
        let pick = |positions: Range<u64>| match pages {
            Some(pages) => pages.select(positions, self.domain(), |slot| self.includes(slot)),
            None => positions.map(|position| self.select(position)).collect(),
        };
        let ascending = match (range.is_empty(), backwards) {
            (true, _) => 0..0,
            (false, false) => range.clone(),
            (false, true) => total - range.end..total - range.start,
        };
        let mut rows = pick(ascending.start.min(body)..ascending.end.min(body));
        let tail = ascending.start.max(body) - body..ascending.end.max(body) - body;
        rows.extend_from_slice(&self.tail[tail.start as usize..tail.end as usize]);
        if backwards {
            rows.reverse();
        }
        Page { rows, total, first: range.start }
    }

    /// How many rows, in ascending order, come before a place; with the one at it if `including`.
    fn count_up_to(&self, position: &Position, including: bool, (pages, body): (Option<&Pages>, u64)) -> u64 {
        let precedes = |slot: u64| {
            let order = Position::of(self.world, self.state, self.query, slot).order(position, Direction::Asc);
            order.is_lt() || (including && order.is_eq())
        };
        let in_tail = self.tail.partition_point(|slot| precedes(*slot)) as u64;
        if in_tail > 0 {
            return body + in_tail;
        }
        let end = self.domain().end;
        let original = |slot: u64| {
            let sort = self.query.sort.as_ref();
            let row = self.world.original(Some(self.state), self.query.table, slot);
            let key = sort.map_or(Scalar::Null, |field| row.field(field).into_owned());
            let order = Position { key, moment: None, slot }.order(position, Direction::Asc);
            order.is_lt() || (including && order.is_eq())
        };
        let behind = partition_point(self.domain().start..end, original);
        match pages {
            Some(pages) => pages.rank(behind, |slot| self.includes(slot)),
            None => self.rank(behind),
        }
    }

    /// Narrows the range by a condition on a field that rises with the number.
    fn narrow(&mut self, filter: &Filter) {
        let table = self.query.table;
        let (world, state) = (self.world, self.state);
        let compares = |slot: u64| {
            let value = world.original(Some(state), table, slot).field(&filter.field);
            filter.wanted.first().and_then(|wanted| wanted.against(&value))
        };
        let Range { start, end } = self.range.clone();
        if start < end && compares(start).is_none() {
            self.range = start..start;
            return;
        }
        let before =
            |below: fn(Ordering) -> bool| partition_point(start..end, |slot| compares(slot).is_some_and(below));
        let narrowed = match filter.operator {
            Operator::Gte => before(Ordering::is_lt)..end,
            Operator::Gt => before(Ordering::is_le)..end,
            Operator::Lt => start..before(Ordering::is_lt),
            Operator::Lte => start..before(Ordering::is_le),
            _ => before(Ordering::is_lt)..before(Ordering::is_le),
        };
        self.range = narrowed;
    }

    fn accepted(&self, rows: &[u64]) -> Vec<u64> {
        let table = self.query.table;
        let unconditional = self.query.filters.is_empty() && self.query.any_of.is_empty() && !self.sparse;
        let accepts = |slot: &u64| {
            unconditional
                || (self.world.is_shown(self.state, table, *slot, self.query.show)
                    && self.query.accepts(self.world, self.state, *slot))
        };
        rows.iter().copied().filter(accepts).collect()
    }

    /// The same for rows in the order of the cursor, so that a bound on the cursor is found by bisection.
    fn accepted_by_time(&self, rows: &[u64]) -> Vec<u64> {
        let table = self.query.table;
        let mut rows = rows;
        for filter in self.query.filters.iter().filter(|filter| filter.field.is_cursor) {
            let accepts = |slot: &u64| filter.accepts(self.world, self.state, table, *slot);
            rows = match filter.operator {
                Operator::Gt | Operator::Gte => &rows[rows.partition_point(|slot| !accepts(slot))..],
                Operator::Lt | Operator::Lte => &rows[..rows.partition_point(accepts)],
                _ => rows,
            };
        }
        self.accepted(rows)
    }

    /// The numbers between which all rows of the range and all returned ones lie.
    fn domain(&self) -> Range<u64> {
        let (first, last) = (self.returned.first(), self.returned.last());
        let start = first.map_or(self.range.start, |first| self.range.start.min(*first));
        let end = last.map_or(self.range.end, |last| self.range.end.max(last + 1));
        start..end
    }

    /// Whether a number is in the sequence.
    fn includes(&self, slot: u64) -> bool {
        if !self.returned.is_empty() && self.returned.binary_search(&slot).is_ok() {
            return true;
        }
        self.range.contains(&slot)
            && (self.holes.is_empty() || self.holes.binary_search(&slot).is_err())
            && (!self.sparse || self.world.is_shown(self.state, self.query.table, slot, self.query.show))
            && self.query.accepts_any(self.world, self.state, slot)
            && self.residual.iter().all(|filter| filter.accepts(self.world, self.state, self.query.table, slot))
    }

    /// How many numbers of the sequence are smaller, where none must be asked.
    fn rank(&self, slot: u64) -> u64 {
        let end = slot.clamp(self.range.start, self.range.end);
        let holes = count_below(self.holes, end) - count_below(self.holes, self.range.start);
        end - self.range.start - holes + count_below(&self.returned, slot)
    }

    /// The number at a place of the sequence, where none must be asked.
    fn select(&self, position: u64) -> u64 {
        partition_point(self.domain(), |slot| self.rank(slot + 1) <= position)
    }
}

fn is_bound(operator: Operator) -> bool {
    matches!(operator, Operator::Eq | Operator::Gt | Operator::Gte | Operator::Lt | Operator::Lte)
}

fn count_below(sorted: &[u64], slot: u64) -> u64 {
    sorted.partition_point(|one| *one < slot) as u64
}
