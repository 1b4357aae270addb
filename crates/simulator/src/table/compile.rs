//! From the JSON of a template to a program of nodes.

use std::collections::BTreeMap;

use lakeflow_interface::Result;

use super::expression::Expression;
use super::interpolation::{self, Part};
use super::node::{Entry, Field, Literal, Name, Node, NodeId, Piece, Scope, Segment};
use crate::definition::{Json, mistake};
use crate::random::mix_text;
use crate::vocabulary::push_escaped_text;

/// What a template may refer to.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// The file that holds the template.
    pub(crate) file: &'a str,
    /// The names of all corpora, by their number.
    pub(crate) tables: &'a [String],
    /// The constants of `endpoints.yaml`.
    pub(crate) constants: &'a BTreeMap<String, String>,
    /// Whether the rows tell of rows of other corpora.
    pub(crate) is_feed: bool,
    /// Where fresh values are written: `changes` or `deleted`.
    pub(crate) key: &'static str,
}

/// A program whose links are still names.
pub(crate) struct Draft {
    pub(crate) entries: Vec<Entry>,
    pub(crate) pending: Vec<PendingLink>,
    pub(crate) root: NodeId,
}

/// A name of a field that is not looked up yet.
pub(crate) struct PendingLink {
    pub(crate) scope: Scope,
    /// The innermost list element around it.
    pub(crate) element: Option<NodeId>,
    pub(crate) path: Vec<String>,
    /// Where the name is written.
    pub(crate) key: String,
    /// Whether an object or a list may stand there.
    pub(crate) composite: bool,
}

/// Compiles a template; the keys named in `fresh` get new random values at every change.
pub(crate) fn compile(record: &Json, fresh: &[String], surroundings: &Surroundings<'_>) -> Result<Draft> {
    let mut compiler = Compiler {
        surroundings,
        fresh,
        keys: top_keys(record),
        entries: Vec::new(),
        pending: Vec::new(),
        element: None,
    };
    let root = compiler.value(record, &Place::root())?;
    let mut draft = Draft { entries: compiler.entries, pending: compiler.pending, root };
    for node in 0..draft.entries.len() {
        let mut segments = Vec::new();
        if matches!(draft.entries[node].node, Node::Object { .. }) {
            flatten(&draft.entries, node, &mut segments);
        }
        if let Node::Object { segments: target, .. } = &mut draft.entries[node].node {
            *target = segments;
        }
    }
    Ok(draft)
}

/// Where in a template the compiler is.
#[derive(Clone)]
pub(crate) struct Place {
    path: String,
}

impl Place {
    fn root() -> Self {
        Self { path: String::new() }
    }

    /// The place of a key of an object.
    pub(crate) fn key(&self, key: &str) -> Self {
        if self.path.is_empty() { Self { path: key.to_owned() } } else { Self { path: format!("{}.{key}", self.path) } }
    }

    /// The place of an item of a list.
    pub(crate) fn item(&self, position: usize) -> Self {
        Self { path: format!("{}[{position}]", self.path) }
    }
}

pub(crate) struct Compiler<'a> {
    pub(crate) surroundings: &'a Surroundings<'a>,
    fresh: &'a [String],
    keys: Vec<&'a str>,
    entries: Vec<Entry>,
    pending: Vec<PendingLink>,
    /// The innermost list element: its node and its keys.
    element: Option<(NodeId, Vec<&'a str>)>,
}

impl<'a> Compiler<'a> {
    /// Compiles one value.
    pub(crate) fn value(&mut self, json: &'a Json, place: &Place) -> Result<NodeId> {
        let id = self.reserve(place);
        self.value_into(id, json, place)?;
        Ok(id)
    }

    /// Compiles the element of a list, to which the names inside belong.
    pub(crate) fn element(&mut self, json: &'a Json, place: &Place) -> Result<NodeId> {
        let id = self.reserve(place);
        let outer = self.element.replace((id, top_keys(json)));
        let compiled = self.value_into(id, json, place);
        self.element = outer;
        compiled.map(|()| id)
    }

    fn value_into(&mut self, id: NodeId, json: &'a Json, place: &Place) -> Result<()> {
        let node = match json {
            Json::Text(text) => self.text(text, place)?,
            Json::List(items) => {
                let nodes = items.iter().enumerate().map(|(position, item)| self.value(item, &place.item(position)));
                Node::List(nodes.collect::<Result<_>>()?)
            }
            Json::Object(fields) => match fields.iter().find(|(key, _)| is_generator(key)) {
                Some((key, main)) => self.generator(key, main, fields, place)?,
                None => self.object(fields, place)?,
            },
            Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Float(_) => Node::Literal(self.literal(json, place)?),
        };
        self.entries[id].node = node;
        Ok(())
    }

    /// Makes the elements of a list that are rows of a pool differ: they are neighbours there.
    pub(crate) fn draw_neighbours(&mut self, element: NodeId) {
        if let Node::Row { neighbours, .. } = &mut self.entries[element].node {
            *neighbours = true;
        }
    }

    /// A constant, which may not be composite.
    pub(crate) fn literal(&self, json: &Json, place: &Place) -> Result<Literal> {
        Ok(match json {
            Json::Null => Literal::Null,
            Json::Bool(value) => Literal::Bool(*value),
            Json::Integer(value) => Literal::Integer(*value),
            Json::Float(value) => Literal::Float(*value),
            Json::Text(text) => text_literal(text),
            other => return Err(self.mistake(place, format!("expected a plain value, found {}", other.kind()))),
        })
    }

    /// A mistake at a place of this template.
    pub(crate) fn mistake(&self, place: &Place, message: impl Into<String>) -> lakeflow_interface::Error {
        mistake(self.surroundings.file, &self.written_key(place), message)
    }

    /// Registers a field to be looked up when all templates are compiled.
    pub(crate) fn link(&mut self, scope: Scope, path: &str, place: &Place, composite: bool) -> usize {
        self.pending.push(PendingLink {
            scope,
            element: self.element.as_ref().map(|(node, _)| *node),
            path: path.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect(),
            key: self.written_key(place),
            composite,
        });
        self.pending.len() - 1
    }

    /// Registers a field of this record, of the list element around it, or of a parent.
    pub(crate) fn field_link(&mut self, path: &str, place: &Place, composite: bool) -> usize {
        if let Some(path) = path.strip_prefix("subject").filter(|_| self.surroundings.is_feed)
            && (path.is_empty() || path.starts_with('.'))
        {
            return self.link(Scope::Subject, path.strip_prefix('.').unwrap_or_default(), place, composite);
        }
        let mut levels = 0;
        let mut rest = path;
        while let Some(above) = rest.strip_prefix("parent.") {
            levels += 1;
            rest = above;
        }
        let scope = match (levels, self.element.is_some()) {
            (0, true) => Scope::Element,
            (0, false) => Scope::Record,
            _ => Scope::Parent(levels),
        };
        self.link(scope, rest, place, composite)
    }

    /// Looks up the names of an expression.
    pub(crate) fn resolve(&mut self, expression: Expression<String>, place: &Place) -> Result<Expression<Name>> {
        expression.try_map(&mut |name| match self.constant(&name) {
            Some(_) => Err(self.mistake(place, format!("constant `{name}` is text: it cannot be calculated with"))),
            None => Ok(self.name(&name, place)),
        })
    }

    fn name(&mut self, name: &str, place: &Place) -> Name {
        match name {
            "n" => Name::N,
            "k" => Name::K,
            "i" => Name::I,
            path => Name::Field(self.field_link(path, place, false)),
        }
    }

    /// A constant of that name, unless a field hides it.
    fn constant(&self, name: &str) -> Option<&'a str> {
        let is_key = |keys: &[&str]| keys.contains(&name);
        if is_key(&self.keys) || self.element.as_ref().is_some_and(|(_, keys)| is_key(keys)) {
            return None;
        }
        self.surroundings.constants.get(name).map(String::as_str)
    }

    fn text(&mut self, text: &str, place: &Place) -> Result<Node> {
        let parts = interpolation::parse(text).map_err(|message| self.mistake(place, message))?;
        let mut pieces = Vec::new();
        for part in parts {
            let piece = match part {
                Part::Text(text) => Piece::Bytes(escaped(&text)),
                Part::Value { value: Expression::Name(name), padding: None } => match self.constant(&name) {
                    Some(constant) => Piece::Bytes(escaped(constant)),
                    None => Piece::Name(self.name(&name, place)),
                },
                Part::Value { value, padding } => Piece::Number {
                    value: self.resolve(value, place)?,
                    width: padding.map_or(0, |padding| padding.width),
                    hexadecimal: padding.is_some_and(|padding| padding.hexadecimal),
                },
            };
            match (pieces.last_mut(), piece) {
                (Some(Piece::Bytes(last)), Piece::Bytes(more)) => last.extend(more),
                (_, piece) => pieces.push(piece),
            }
        }
        Ok(match pieces.as_slice() {
            [] => Node::Literal(text_literal("")),
            [Piece::Bytes(_)] => Node::Literal(self.constant_text(text, place)?),
            _ => Node::Text(pieces),
        })
    }

    /// The literal of a string whose braces are all constants or doubled.
    fn constant_text(&self, text: &str, place: &Place) -> Result<Literal> {
        let parts = interpolation::parse(text).map_err(|message| self.mistake(place, message))?;
        let plain: String = parts
            .iter()
            .map(|part| match part {
                Part::Value { value: Expression::Name(name), .. } => self.constant(name).unwrap_or_default(),
                Part::Value { .. } => "",
                Part::Text(text) => text,
            })
            .collect();
        Ok(text_literal(&plain))
    }

    fn object(&mut self, fields: &'a [(String, Json)], place: &Place) -> Result<Node> {
        let mut compiled = Vec::with_capacity(fields.len());
        for (key, value) in fields {
            let name = key.strip_prefix('$').unwrap_or(key);
            compiled.push(Field { name: name.to_owned(), node: self.value(value, &place.key(name))? });
        }
        Ok(Node::Object { fields: compiled, segments: Vec::new() })
    }

    fn reserve(&mut self, place: &Place) -> NodeId {
        self.entries.push(Entry {
            node: Node::Literal(Literal::Null),
            salt: mix_text(1, &place.path),
            fresh: self.is_fresh(place),
        });
        self.entries.len() - 1
    }

    fn is_fresh(&self, place: &Place) -> bool {
        self.fresh.iter().any(|root| {
            place.path.strip_prefix(root.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
        })
    }

    fn written_key(&self, place: &Place) -> String {
        let root = if self.is_fresh(place) { self.surroundings.key } else { "record" };
        if place.path.is_empty() { root.to_owned() } else { format!("{root}.{}", place.path) }
    }
}

/// Whether a key of an object makes it a generator.
pub(crate) fn is_generator(key: &str) -> bool {
    key.starts_with('$') && !key.starts_with("$$")
}

/// A string constant.
pub(crate) fn text_literal(text: &str) -> Literal {
    Literal::Text { plain: text.to_owned(), escaped: escaped(text) }
}

/// Merges `changes` into a record, and tells which keys come from it.
pub(crate) fn merge(record: &Json, changes: &Json, path: &str, fresh: &mut Vec<String>) -> Json {
    match (record, changes) {
        (Json::Object(old), Json::Object(new)) if !new.iter().chain(old).any(|(key, _)| is_generator(key)) => {
            let mut merged = old.clone();
            for (key, value) in new {
                let name = key.strip_prefix('$').unwrap_or(key);
                let below = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                match merged.iter_mut().find(|(known, _)| known == key) {
                    Some((_, target)) => *target = merge(target, value, &below, fresh),
                    None => {
                        fresh.push(below);
                        merged.push((key.clone(), value.clone()));
                    }
                }
            }
            Json::Object(merged)
        }
        _ => {
            fresh.push(path.to_owned());
            changes.clone()
        }
    }
}

fn top_keys(json: &Json) -> Vec<&str> {
    match json {
        Json::Object(fields) => fields.iter().map(|(key, _)| key.as_str()).collect(),
        _ => Vec::new(),
    }
}

fn escaped(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    push_escaped_text(text, &mut out);
    out
}

/// Renders what is constant of a node, and leaves gaps for the rest.
fn flatten(entries: &[Entry], node: NodeId, out: &mut Vec<Segment>) {
    match &entries[node].node {
        Node::Literal(literal) => push_bytes(out, &rendered(literal)),
        Node::Object { fields, .. } => {
            for (position, field) in fields.iter().enumerate() {
                push_bytes(out, if position == 0 { b"{" } else { b"," });
                push_bytes(out, &rendered_key(&field.name));
                flatten(entries, field.node, out);
            }
            push_bytes(out, if fields.is_empty() { b"{}" } else { b"}" });
        }
        Node::List(items) => {
            push_bytes(out, b"[");
            for (position, item) in items.iter().enumerate() {
                push_bytes(out, if position == 0 { b"" } else { b"," });
                flatten(entries, *item, out);
            }
            push_bytes(out, b"]");
        }
        Node::Text(pieces) => {
            push_bytes(out, b"\"");
            for (position, piece) in pieces.iter().enumerate() {
                match piece {
                    Piece::Bytes(bytes) => push_bytes(out, bytes),
                    Piece::Name(_) | Piece::Number { .. } => out.push(Segment::Inner(node, position)),
                }
            }
            push_bytes(out, b"\"");
        }
        _ => out.push(Segment::Value(node)),
    }
}

/// A key with its quotes and colon.
pub(crate) fn rendered_key(name: &str) -> Vec<u8> {
    let mut out = vec![b'"'];
    push_escaped_text(name, &mut out);
    out.extend_from_slice(b"\":");
    out
}

/// A constant as JSON.
pub(crate) fn rendered(literal: &Literal) -> Vec<u8> {
    match literal {
        Literal::Null => b"null".to_vec(),
        Literal::Bool(value) => value.to_string().into_bytes(),
        Literal::Integer(value) => value.to_string().into_bytes(),
        Literal::Float(value) => serde_json::Value::from(*value).to_string().into_bytes(),
        Literal::Text { escaped, .. } => [b"\"", escaped.as_slice(), b"\""].concat(),
    }
}

fn push_bytes(out: &mut Vec<Segment>, bytes: &[u8]) {
    match out.last_mut() {
        Some(Segment::Bytes(last)) => last.extend_from_slice(bytes),
        _ if bytes.is_empty() => {}
        _ => out.push(Segment::Bytes(bytes.to_vec())),
    }
}
