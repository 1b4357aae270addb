//! One row at one moment, and the way from a node of its template to the node that has the value.

use super::World;
use super::expression::Expression;
use super::feed::{Feed, HappeningKind};
use super::node::{LinkId, Literal, Name, Node, NodeId, Part, Program, Scope};
use super::scalar::Scalar;
use crate::random::{below, mix};
use crate::state::{Addition, Change, State, Written};

/// One row: which table, which number, and what has become of it.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) world: &'a World,
    pub(crate) state: Option<&'a State>,
    pub(crate) table: usize,
    pub(crate) slot: u64,
    pub(crate) program: &'a Program,
    /// The number of that program among its table's.
    pub(crate) variant: usize,
    /// What all random values of the row begin with.
    pub(crate) seed: u64,
    /// How it was added, if it was.
    pub(crate) addition: Option<&'a Addition>,
    /// Its last change, if there was one; a deletion is the last of all.
    pub(crate) change: Option<&'a Change>,
    /// What clients wrote into it.
    pub(crate) written: Option<&'a Written>,
}

impl<'a> Row<'a> {
    /// The running number, from 1.
    pub(crate) fn n(&self) -> u64 {
        self.slot + 1
    }

    /// The number among its parent's rows, from 1.
    pub(crate) fn k(&self) -> u64 {
        match (self.addition, self.world.tables.get(self.table).parent) {
            (Some(addition), _) => addition.k,
            (None, Some(parent)) => self.slot % parent.most.max(1) + 1,
            (None, None) => self.n(),
        }
    }

    /// The instant at which it was added, if it was.
    pub(crate) fn birth(&self) -> Option<i64> {
        self.addition.map(|addition| addition.birth)
    }

    /// The instant of its last change, if there was one.
    fn touched(&self) -> Option<i64> {
        self.change.map(|change| change.at)
    }

    /// How often its fields were set anew.
    pub(crate) fn revision(&self) -> u64 {
        self.change.map_or(0, |change| change.revision)
    }

    /// The feed that the row belongs to.
    pub(crate) fn feed(&self) -> Option<&'a Feed> {
        self.world.tables.get(self.table).feed.as_ref()
    }

    /// What a row of a feed tells of: the position of the corpus in the feed, what happened, and to which row.
    pub(crate) fn happening(&self) -> Option<Told> {
        let feed = self.feed()?;
        match self.addition {
            Some(addition) => {
                let happening = addition.happening.as_deref()?;
                let source = feed.sources.iter().position(|source| source.table == happening.table)?;
                Some(Told { source, kind: happening.kind, slot: happening.slot })
            }
            None => self.world.told_at_start(feed, self.seed, self.slot),
        }
    }

    /// The row that a row of a feed tells of, as it was then.
    pub(crate) fn subject(&self) -> Option<Self> {
        let told = self.happening()?;
        let table = self.feed()?.sources.get(told.source)?.table;
        let mut row = self.world.original(self.state, table, told.slot);
        if let Some(happening) = self.addition.and_then(|addition| addition.happening.as_deref()) {
            row.change = happening.change.as_ref();
            row.written = happening.written.as_deref();
        }
        row.choose_program(told.kind == HappeningKind::Deleted);
        Some(row)
    }

    /// Takes the template that fits what has become of the row.
    pub(crate) fn choose_program(&mut self, deleted: bool) {
        let table = self.world.tables.get(self.table);
        self.variant = table.variant(self.revision() > 0, deleted);
        self.program = &table.programs[self.variant];
    }

    /// The row that it belongs to, without its changes.
    pub(crate) fn parent(&self) -> Option<Self> {
        let (table, slot) = self.world.parent_of(self.state, self.table, self.slot)?;
        Some(self.world.original(self.state, table, slot))
    }

    /// The latest instant that a timestamp of this row may have.
    pub(crate) fn latest(&self) -> i64 {
        [self.birth(), self.touched()].into_iter().flatten().fold(self.world.now, i64::max)
    }
}

/// What a row of a feed tells of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    /// The position of the corpus in the feed.
    pub(crate) source: usize,
    pub(crate) kind: HappeningKind,
    pub(crate) slot: u64,
}

/// A node of a row's template, with what its random values depend on.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) row: Row<'a>,
    pub(crate) node: NodeId,
    /// Of the row, or of the list element.
    seed: u64,
    /// The seed around the list element.
    outer: u64,
    /// The number of the list element, from 1.
    pub(crate) element: u64,
    /// Whether the cursor is seen where the last change moved it. What is derived from it keeps its first value.
    sees_change: bool,
}

impl<'a> Place<'a> {
    /// A node of the record itself.
    pub(crate) fn of(row: Row<'a>, node: NodeId) -> Self {
        Self { row, node, seed: row.seed, outer: row.seed, element: 0, sees_change: true }
    }

    /// Another node in the same surroundings.
    pub(crate) fn with_node(self, node: NodeId) -> Self {
        Self { node, ..self }
    }

    /// The node itself.
    pub(crate) fn content(&self) -> &'a Node {
        &self.row.program.entries[self.node].node
    }

    /// A random number for this node.
    pub(crate) fn draw(&self) -> u64 {
        let entry = &self.row.program.entries[self.node];
        let revision = if entry.fresh { self.row.revision() } else { 0 };
        mix(self.seed ^ entry.salt, revision)
    }

    /// The instant that an addition or a change gave to the cursor, if this is the cursor.
    pub(crate) fn moved_cursor(&self) -> Option<i64> {
        if self.row.program.cursor != Some(self.node) {
            return None;
        }
        self.row.touched().filter(|_| self.sees_change).or(self.row.birth())
    }

    /// One element of a list.
    pub(crate) fn element(&self, node: NodeId, position: u64) -> Self {
        Self { node, seed: mix(self.draw(), position + 1), outer: self.draw(), element: position + 1, ..*self }
    }

    /// The place that a link of this node's program leads to.
    pub(crate) fn follow(&self, link: LinkId) -> Option<Self> {
        let sees_change = self.row.program.entries[self.node].fresh;
        let link = &self.row.program.links[link];
        let start = match link.scope {
            Scope::Element => Self { node: link.node, sees_change, ..*self },
            Scope::Record => Self { sees_change, ..Self::of(self.row, link.node) },
            Scope::Parent(levels) => {
                let mut row = self.row;
                for _ in 0..levels {
                    row = row.parent()?;
                }
                Self::of(row, link.node)
            }
            Scope::Subject => return self.subject_field(&link.rest),
            Scope::Pool(_) => return None,
        };
        start.descend(&link.rest)
    }

    /// The field below this node that some keys lead to.
    pub(crate) fn descend(self, keys: &[String]) -> Option<Self> {
        keys.iter().try_fold(self, |place, key| {
            let settled = place.settle()?;
            match settled.content() {
                Node::Object { fields, .. } => {
                    let field = fields.iter().find(|field| field.name == *key)?;
                    Some(settled.with_node(field.node))
                }
                Node::Row { part: Part::Fields(fields), .. } => {
                    let (_, _, link) = fields.iter().find(|(_, name, _)| name == key)?;
                    settled.pool_field(*link)
                }
                _ => None,
            }
        })
    }

    /// The place that has the value, behind choices, conditions and copies; nothing where the value is null.
    #[inline]
    pub(crate) fn settle(self) -> Option<Self> {
        match self.content() {
            Node::Literal(Literal::Null) => None,
            Node::Choice { .. } | Node::Optional { .. } | Node::If { .. } | Node::Copy(_) | Node::Row { .. } => {
                self.settle_behind()
            }
            _ => Some(self),
        }
    }

    fn settle_behind(self) -> Option<Self> {
        let mut place = self;
        loop {
            place = match place.content() {
                Node::Choice { at, thresholds, options } => {
                    let chosen = match at {
                        Some(at) => place.wrapped(at, options.len() as u64)?,
                        None => {
                            let random = place.draw();
                            thresholds.partition_point(|threshold| *threshold <= random) as u64
                        }
                    };
                    let chosen = usize::try_from(chosen).ok()?;
                    place.with_node(*options.get(chosen).or(options.last())?)
                }
                Node::Optional { threshold, value } => {
                    if place.draw() >= *threshold {
                        return None;
                    }
                    place.with_node(*value)
                }
                Node::If { conditions, then, otherwise } => {
                    let holds = conditions.iter().all(|condition| {
                        let value = place.follow(condition.field).map_or(Scalar::Null, |field| field.value());
                        condition.values.iter().any(|wanted| value.order(&Scalar::from(wanted)).is_eq())
                    });
                    place.with_node(if holds { *then } else { *otherwise })
                }
                Node::Copy(link) => place.follow(*link)?,
                Node::Row { part: Part::Whole, .. } => {
                    let row = place.pool_row()?;
                    Self::of(row, row.program.root)
                }
                Node::Row { part: Part::Field(link), .. } => place.pool_field(*link)?,
                Node::Literal(Literal::Null) => return None,
                _ => return Some(place),
            };
        }
    }

    /// A field of the row of the pool that this node draws.
    pub(crate) fn pool_field(&self, link: LinkId) -> Option<Self> {
        let link = &self.row.program.links[link];
        Self::of(self.pool_row()?, link.node).descend(&link.rest)
    }

    fn pool_row(&self) -> Option<Row<'a>> {
        let Node::Row { table, at, neighbours, .. } = self.content() else { return None };
        let count = self.row.world.slots(*table);
        if count == 0 {
            return None;
        }
        let slot = match at {
            Some(at) => self.wrapped(at, count)?,
            None if *neighbours => {
                (below(mix(self.outer, self.row.program.entries[self.node].salt), count) + self.element) % count
            }
            None => below(self.draw(), count),
        };
        Some(self.row.world.original(None, *table, slot))
    }

    /// The position that a number from 1 stands for among so many, wrapped round.
    fn wrapped(&self, at: &Expression<Name>, count: u64) -> Option<u64> {
        let position = at.evaluate(&|name| self.number(name)) - 1;
        position.checked_rem_euclid(i64::try_from(count).ok()?).map(i64::unsigned_abs)
    }

    fn subject_field(&self, keys: &[String]) -> Option<Self> {
        let row = self.row.subject()?;
        Self::of(row, row.program.root).descend(keys)
    }

    /// The number that a name stands for; 0 where it is no number.
    pub(crate) fn number(&self, name: &Name) -> i64 {
        match name {
            Name::N => self.row.n() as i64,
            Name::K => self.row.k() as i64,
            Name::I => self.element as i64,
            Name::Field(link) => match self.follow(*link).map(|place| place.value()) {
                Some(Scalar::Integer(value) | Scalar::Instant(value)) => value,
                Some(Scalar::Float(value)) => value as i64,
                _ => 0,
            },
        }
    }
}
