//! Composes records that do not stand in their page as they are handed on.

use std::fmt::Write;

use lakeflow_interface::records::{Kind, Page, Value};
use lakeflow_interface::{Error, ErrorKind, Result};

use crate::path::{FieldPath, FieldRoot, Found};
use crate::plan::TablePlan;

/// A page that is a list of the table's records, with the fields that they get from around them.
pub(super) fn compose(plan: &TablePlan, page: &Page) -> Result<Page> {
    let mut list = List::new(page.len());
    let root = page.root();
    if !plan.records.columns.is_empty() {
        side_by_side(plan, root, &mut list)?;
    } else if let Some(column) = &plan.records.keyed_by {
        let holder = plan.records.path.array_in(root)?;
        for (key, value) in holder.entries() {
            let found = Found { value, parent: holder };
            list.record(
                value,
                added(plan, root, found),
                &[(column, &serde_json::Value::from(key.as_ref()).to_string())],
            )?;
        }
    } else {
        for found in plan.records.path.select_in(root)? {
            list.record(found.value, added(plan, root, found), &[])?;
        }
    }
    list.page()
}

/// The fields that a record gets from around it, as JSON.
fn added<'p>(plan: &'p TablePlan, root: Value<'p>, found: Found<'p>) -> impl Iterator<Item = (&'p str, &'p str)> {
    plan.table.add_fields.iter().map(move |(name, path)| (name.as_str(), field(path, root, found)))
}

/// A field around a record, as JSON.
pub(super) fn field<'p>(path: &FieldPath, root: Value<'p>, found: Found<'p>) -> &'p str {
    let from = match path.root() {
        FieldRoot::Record => found.value,
        FieldRoot::Parent => found.parent,
        FieldRoot::Page => root,
    };
    path.find(from).map_or("null", Value::raw)
}

/// Arrays side by side: the elements of the same position are a record.
fn side_by_side(plan: &TablePlan, root: Value<'_>, list: &mut List) -> Result<()> {
    let mut columns = Vec::new();
    for (name, path) in &plan.records.columns {
        let array = path.array_in(root)?;
        if !matches!(array.kind(), Kind::Array | Kind::Null) {
            let message = format!("expected an array at `{path}` of the page, found something else");
            return Err(Error::new(ErrorKind::BadResponse, message));
        }
        columns.push((name.as_str(), array.items().collect::<Vec<_>>()));
    }
    let longest = columns.iter().map(|(_, items)| items.len()).max().unwrap_or(0);
    if let Some((name, items)) = columns.iter().find(|(_, items)| items.len() != longest) {
        let message = format!("expected {longest} elements for the column `{name}`, found {}", items.len());
        return Err(Error::new(ErrorKind::BadResponse, message));
    }
    let found = Found { value: root, parent: root };
    for position in 0..longest {
        let own = columns.iter().map(|(name, items)| (*name, items[position].raw()));
        list.fields(own.chain(added(plan, root, found)));
    }
    Ok(())
}

/// A list of records under way, as JSON.
pub(super) struct List(String);

impl List {
    pub(super) fn new(capacity: usize) -> Self {
        let mut text = String::with_capacity(capacity + capacity / 8);
        text.push('[');
        Self(text)
    }

    /// Whether it has no record yet.
    pub(super) fn is_empty(&self) -> bool {
        self.0.len() == 1
    }

    fn separate(&mut self) {
        if !self.is_empty() {
            self.0.push(',');
        }
    }

    /// Adds a record and further fields, which win over its own.
    pub(super) fn record<'f>(
        &mut self,
        record: Value<'_>,
        fields: impl Iterator<Item = (&'f str, &'f str)>,
        more: &[(&'f str, &'f str)],
    ) -> Result<()> {
        let inner = record.raw().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
        let Some(inner) = inner.filter(|_| record.kind() == Kind::Object) else {
            return Err(Error::new(ErrorKind::BadResponse, "expected an object as a record, found another value"));
        };
        self.separate();
        self.0.push('{');
        self.0.push_str(inner);
        let mut is_first = inner.trim_ascii().is_empty();
        for (name, value) in fields.chain(more.iter().copied()) {
            self.field(name, value, is_first);
            is_first = false;
        }
        self.0.push('}');
        Ok(())
    }

    /// Adds a record that is made of fields only.
    pub(super) fn fields<'f>(&mut self, fields: impl Iterator<Item = (&'f str, &'f str)>) {
        self.separate();
        self.0.push('{');
        for (position, (name, value)) in fields.enumerate() {
            self.field(name, value, position == 0);
        }
        self.0.push('}');
    }

    fn field(&mut self, name: &str, value: &str, is_first: bool) {
        let separator = if is_first { "" } else { "," };
        // Writing to a `String` cannot fail.
        let _ = write!(self.0, "{separator}{}:{value}", serde_json::Value::from(name));
    }

    pub(super) fn page(mut self) -> Result<Page> {
        self.0.push(']');
        Page::parse(self.0)
    }
}
