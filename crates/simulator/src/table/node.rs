//! A compiled template: values in an arena, with the rendered bytes of all that is constant.

use super::expression::Expression;
use crate::instant::InstantFormat;
use crate::vocabulary::Vocabulary;

/// The place of a node in its program.
pub(crate) type NodeId = usize;

/// The place of a link in its program.
pub(crate) type LinkId = usize;

/// A compiled template of one table's records.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) entries: Vec<Entry>,
    pub(crate) links: Vec<Link>,
    pub(crate) root: NodeId,
    /// The node of the cursor field.
    pub(crate) cursor: Option<NodeId>,
}

/// A node with what its random values depend on.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) node: Node,
    /// From the path of the key, so that fields differ from one another.
    pub(crate) salt: u64,
    /// Whether every change of the row gives new random values.
    pub(crate) fresh: bool,
}

/// One value of a template.
#[derive(Debug)]
pub(crate) enum Node {
    Literal(Literal),
    Object {
        fields: Vec<Field>,
        segments: Vec<Segment>,
    },
    List(Vec<NodeId>),
    Text(Vec<Piece>),
    Number(Expression<Name>),
    Integer {
        low: i64,
        high: i64,
    },
    /// A random number with so many decimals: the bounds are multiplied by ten to that power.
    Decimal {
        low: i64,
        high: i64,
        decimals: u32,
    },
    Bool {
        threshold: u64,
    },
    Choice {
        /// The number of the option, from 1 and wrapped round, where it is not random.
        at: Option<Expression<Name>>,
        thresholds: Vec<u64>,
        options: Vec<NodeId>,
    },
    Words {
        low: i64,
        high: i64,
        vocabulary: Vocabulary,
    },
    Prose {
        low: i64,
        high: i64,
        vocabulary: Vocabulary,
    },
    Hexadecimal {
        digits: usize,
    },
    Uuid,
    Timestamp {
        from: i64,
        to: i64,
        rows_per_instant: u64,
        format: InstantFormat,
    },
    Shifted {
        base: LinkId,
        shift: Shift,
        format: InstantFormat,
    },
    Optional {
        threshold: u64,
        value: NodeId,
    },
    If {
        conditions: Vec<Condition>,
        then: NodeId,
        otherwise: NodeId,
    },
    Copy(LinkId),
    /// A value as JSON text.
    Encoded(NodeId),
    /// What a row of a feed tells of.
    Told(ToldPart),
    Row {
        table: usize,
        at: Option<Expression<Name>>,
        neighbours: bool,
        part: Part,
    },
    Repeat {
        low: i64,
        high: i64,
        element: NodeId,
    },
}

impl Node {
    /// Whether the value is an object or a list, which cannot stand in a string nor be compared.
    pub(crate) fn is_composite(&self) -> bool {
        matches!(
            self,
            Self::Object { .. }
                | Self::List(_)
                | Self::Repeat { .. }
                | Self::Row { part: Part::Whole | Part::Fields(_), .. }
        )
    }

    /// The format of a node that gives timestamps.
    pub(crate) fn instant_format(&self) -> Option<InstantFormat> {
        match self {
            Self::Timestamp { format, .. } | Self::Shifted { format, .. } => Some(*format),
            _ => None,
        }
    }
}

/// What a row of a feed says of the happening that it tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ToldPart {
    /// The name of what happened.
    Label,
    /// The corpus.
    Corpus,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    /// Plain, and as the inside of a JSON string.
    Text {
        plain: String,
        escaped: Vec<u8>,
    },
}

/// A field of an object.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) node: NodeId,
}

/// A stretch of a rendered object.
#[derive(Debug)]
pub(crate) enum Segment {
    /// Bytes that all rows share.
    Bytes(Vec<u8>),
    /// A value.
    Value(NodeId),
    /// A name inside a string of the node.
    Inner(NodeId, usize),
}

/// A piece of an interpolated string.
#[derive(Debug)]
pub(crate) enum Piece {
    /// The inside of a JSON string.
    Bytes(Vec<u8>),
    /// A name, inserted as text.
    Name(Name),
    /// Arithmetic, padded with zeros.
    Number { value: Expression<Name>, width: usize, hexadecimal: bool },
}

/// What a name in an expression or a string stands for.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    /// The running number of the row.
    N,
    /// The number of the row among its parent's.
    K,
    /// The number of the element in its list.
    I,
    /// A field.
    Field(LinkId),
}

/// Where a link begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The innermost list element.
    Element,
    /// The record.
    Record,
    /// The record of the parent, so many levels up.
    Parent(usize),
    /// The record of the pool that a `$row` draws from.
    Pool(usize),
    /// The record that a row of a feed tells of.
    Subject,
}

/// A field, resolved as far as it can be without a row.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) scope: Scope,
    pub(crate) node: NodeId,
    /// Keys below the node that depend on what it chooses.
    pub(crate) rest: Vec<String>,
}

/// How far a timestamp lies from another one, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    /// The sign: later or earlier.
    pub(crate) sign: i64,
    pub(crate) span: i64,
    /// Whether it is exactly the span, or random within it.
    pub(crate) exact: bool,
}

/// A field that must have one of some values.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) field: LinkId,
    pub(crate) values: Vec<Literal>,
}

/// What is taken of a row of a pool.
#[derive(Debug)]
pub(crate) enum Part {
    Whole,
    Field(LinkId),
    /// Keys as rendered (`"login":`) with their names and fields.
    Fields(Vec<(Vec<u8>, String, LinkId)>),
}
