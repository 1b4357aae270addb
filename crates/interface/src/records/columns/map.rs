//! Columns of maps.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, MapArray, NullBufferBuilder, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, FieldRef, Fields};

use super::{At, Column, KeyColumn, Kind, Notes, Outcome, Place, Value, is_blank, key_column, unsupported};
use crate::records::rescue::{Fault, Step};
use crate::records::{BadValues, NodeIndex};
use crate::{Error, ErrorKind, Result};

pub(super) struct MapColumn {
    key_field: FieldRef,
    keys: Box<dyn KeyColumn>,
    values: Place,
    entries: FieldRef,
    sorted: bool,
    ends: Vec<i32>,
    length: i32,
    valid: NullBufferBuilder,
}

impl MapColumn {
    pub(super) fn new(entries: &FieldRef, sorted: bool, path: &str, bad_values: BadValues) -> Result<Self> {
        let DataType::Struct(fields) = entries.data_type() else {
            return Err(unsupported(path, entries.data_type()));
        };
        let [key, value] = &fields[..] else { return Err(unsupported(path, entries.data_type())) };
        let keys = key_column(key).ok_or_else(|| unsupported(path, key.data_type()))?;
        let values = Place::new(value, &format!("{path}.*"), bad_values)?;
        let key = Arc::new(key.as_ref().clone().with_nullable(false));
        let data_type = DataType::Struct(Fields::from(vec![Arc::clone(&key), Arc::clone(&values.field)]));
        let entries = Arc::new(entries.as_ref().clone().with_data_type(data_type));
        let valid = NullBufferBuilder::new(0);
        Ok(Self { key_field: key, keys, values, entries, sorted, ends: vec![0], length: 0, valid })
    }

    fn append_entries(&mut self, object: Value<'_>, notes: &mut Notes) {
        // Of a key that occurs twice, the last counts.
        let last: HashMap<Cow<'_, str>, NodeIndex> =
            object.entries().map(|(key, value)| (key, value.index())).collect();
        for (key, value) in object.raw_entries() {
            let name = key.as_str().unwrap_or_default();
            if last.get(&name) != Some(&value.index()) {
                continue;
            }
            if self.keys.fits(key) {
                self.keys.append(key, notes);
                self.values.append(value, At::Entry(&name), notes);
                self.length += 1;
            } else {
                notes.faults.push(Fault::new(Step::Key(name.into_owned()), &self.key_field, value));
            }
        }
    }
}

impl Column for MapColumn {
    fn append(&mut self, value: Value<'_>, notes: &mut Notes) -> Outcome {
        if value.kind() != Kind::Object {
            self.append_nulls(1);
            return if is_blank(value) { Outcome::Null } else { Outcome::Bad };
        }
        self.append_entries(value, notes);
        self.ends.push(self.length);
        self.valid.append_non_null();
        Outcome::Typed
    }

    fn append_nulls(&mut self, count: usize) {
        self.ends.resize(self.ends.len() + count, self.length);
        self.valid.append_n_nulls(count);
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let offsets = OffsetBuffer::new(std::mem::replace(&mut self.ends, vec![0]).into());
        self.length = 0;
        let columns = vec![self.keys.finish()?, self.values.column.finish()?];
        let fields = Fields::from(vec![Arc::clone(&self.key_field), Arc::clone(&self.values.field)]);
        let nulls = self.valid.finish();
        let array = StructArray::try_new(fields, columns, None)
            .and_then(|entries| MapArray::try_new(Arc::clone(&self.entries), offsets, entries, nulls, self.sorted));
        array
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|error| Error::new(ErrorKind::Internal, "the keys and values do not make a map").with_cause(error))
    }
}
