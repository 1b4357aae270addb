//! Columns of objects: records, and the structs within them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanBufferBuilder, StructArray, new_null_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, FieldRef, Fields};

use super::keys::{Found, Keys};
use super::{At, Column, Kind, Notes, Outcome, Place, Value, is_blank};
use crate::records::rescue::{Fault, Step, push_step};
use crate::records::{BadValues, NodeIndex, Page};
use crate::{Error, ErrorKind, Result};

/// The fields of objects of one type.
pub(in crate::records) struct Object {
    path: String,
    places: Vec<Place>,
    keys: Keys,
    /// For each field, the place of its value in the object at hand; one more for all that is undeclared.
    found: Vec<Option<NodeIndex>>,
    /// Values that all records have; only for records, not for structs.
    constants: Vec<Option<Page>>,
}

impl Object {
    /// The fields of the objects at `path`.
    pub(in crate::records) fn new(fields: &Fields, path: &str, bad_values: BadValues) -> Result<Self> {
        let place = |field: &FieldRef| Place::new(field, &within(path, field.name()), bad_values);
        let places = fields.iter().map(place).collect::<Result<Vec<_>>>()?;
        let keys = Keys::new(fields.iter().map(|field| field.name().as_str()));
        let found = vec![None; places.len() + 1];
        Ok(Self { path: path.to_owned(), places, keys, found, constants: Vec::new() })
    }

    pub(in crate::records) fn clear_constants(&mut self) {
        self.constants.clear();
    }

    /// Gives a field the same value in all records to come.
    pub(in crate::records) fn set_constant(&mut self, name: &str, value: Page, notes: &mut Notes) {
        match self.places.iter().position(|place| place.field.name() == name) {
            Some(position) => {
                self.constants.resize_with(self.places.len(), || None);
                self.constants[position] = Some(value);
            }
            None => notes.undeclared(within(&self.path, name)),
        }
    }

    /// Adds a record; one that is no object is nothing but a fault.
    pub(in crate::records) fn append_record(&mut self, value: Value<'_>, notes: &mut Notes) {
        if value.kind() != Kind::Object {
            self.append_nulls(1);
            notes.faults.push(Fault::record(value));
        } else if self.constants.is_empty() {
            self.append_object(value, notes);
        } else {
            self.append_with_constants(value, notes);
        }
    }

    fn append_object(&mut self, object: Value<'_>, notes: &mut Notes) {
        self.find_fields(object, notes);
        for (place, found) in self.places.iter_mut().zip(&mut self.found) {
            match found.take() {
                Some(index) => place.append(object.page().at(index), At::Field, notes),
                None => place.append_missing(notes),
            }
        }
    }

    fn append_with_constants(&mut self, object: Value<'_>, notes: &mut Notes) {
        self.find_fields(object, notes);
        for ((place, found), constant) in self.places.iter_mut().zip(&mut self.found).zip(&self.constants) {
            match (constant, found.take()) {
                (Some(constant), _) => place.append(constant.root(), At::Field, notes),
                (None, Some(index)) => place.append(object.page().at(index), At::Field, notes),
                (None, None) => place.append_missing(notes),
            }
        }
    }

    /// Finds the value of each field; of a key that occurs twice, the last.
    #[inline]
    fn find_fields(&mut self, object: Value<'_>, notes: &mut Notes) {
        let undeclared = self.places.len();
        let mut previous = self.keys.beginning();
        for (key, value) in object.raw_entries() {
            let expected = key.unescaped().and_then(|name| self.keys.expected(previous, name));
            let number = match expected {
                Some(number) => number,
                None => match self.find_unexpected(previous, key, notes) {
                    Some(number) => number,
                    None => continue,
                },
            };
            previous = number;
            self.found[number.min(undeclared)] = Some(value.index());
        }
    }

    #[cold]
    fn find_unexpected(&mut self, previous: usize, key: Value<'_>, notes: &mut Notes) -> Option<usize> {
        let name = key.as_str()?;
        match self.keys.find(previous, &name) {
            Found::Known(number) => Some(number),
            Found::New(number) => {
                notes.undeclared(within(&self.path, &name));
                Some(number)
            }
            Found::Forgotten => None,
        }
    }

    fn append_nulls(&mut self, count: usize) {
        for place in &mut self.places {
            place.column.append_nulls(count);
        }
    }

    /// The columns of the fields so far; the next ones begin empty.
    pub(in crate::records) fn finish_children(&mut self) -> Result<Vec<ArrayRef>> {
        self.places.iter_mut().map(|place| place.column.finish()).collect()
    }
}

/// A column of objects that may be null.
pub(super) struct StructColumn {
    object: Object,
    fields: Fields,
    valid: BooleanBufferBuilder,
    nulls: usize,
    /// Nulls at the end that the fields' columns do not have yet.
    pending: usize,
    /// Nothing but nulls: what many a struct of a batch is.
    absent: Option<ArrayRef>,
}

impl StructColumn {
    pub(super) fn new(fields: &Fields, path: &str, bad_values: BadValues) -> Result<Self> {
        let object = Object::new(fields, path, bad_values)?;
        let fields = object.places.iter().map(|place| Arc::clone(&place.field)).collect();
        Ok(Self { object, fields, valid: BooleanBufferBuilder::new(0), nulls: 0, pending: 0, absent: None })
    }

    /// A column of nulls, which costs the fields' columns nothing.
    fn finish_absent(&mut self, length: usize) -> ArrayRef {
        self.valid.truncate(0);
        (self.nulls, self.pending) = (0, 0);
        match &self.absent {
            Some(absent) if absent.len() >= length => absent.slice(0, length),
            _ => {
                let absent = new_null_array(&DataType::Struct(self.fields.clone()), length);
                Arc::clone(self.absent.insert(absent))
            }
        }
    }

    fn append_pending(&mut self) {
        if self.pending > 0 {
            self.object.append_nulls(self.pending);
            self.pending = 0;
        }
    }
}

impl Column for StructColumn {
    fn append(&mut self, value: Value<'_>, notes: &mut Notes) -> Outcome {
        if value.kind() == Kind::Object {
            self.append_pending();
            self.object.append_object(value, notes);
            self.valid.append(true);
            return Outcome::Typed;
        }
        self.append_nulls(1);
        if is_blank(value) { Outcome::Null } else { Outcome::Bad }
    }

    fn append_nulls(&mut self, count: usize) {
        self.valid.append_n(count, false);
        self.nulls += count;
        self.pending += count;
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let length = self.valid.len();
        if self.pending == length {
            return Ok(self.finish_absent(length));
        }
        self.append_pending();
        let valid = self.valid.finish();
        let nulls = (std::mem::take(&mut self.nulls) > 0).then(|| NullBuffer::new(valid));
        let children = self.object.finish_children()?;
        let array = StructArray::try_new_with_length(self.fields.clone(), children, nulls, length);
        array.map(|array| Arc::new(array) as ArrayRef).map_err(|error| {
            Error::new(ErrorKind::Internal, "the columns do not make a struct")
                .with_context("column", &self.object.path)
                .with_cause(error)
        })
    }
}

/// The path of a field.
fn within(path: &str, name: &str) -> String {
    let mut inner = path.to_owned();
    push_step(&mut inner, &Step::Key(name.to_owned()));
    inner
}
