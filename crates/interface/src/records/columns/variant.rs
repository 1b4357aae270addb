//! Columns of VARIANT: values of any shape, in the binary form of Spark and Parquet.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryArray, BinaryBuilder, NullBufferBuilder, StructArray};
use arrow::datatypes::{DataType, Fields};
use parquet_variant::{
    ObjectFieldBuilder, Variant, VariantBuilder, VariantBuilderExt, VariantDecimal4, VariantDecimal8, VariantDecimal16,
};

use super::{Column, Kind, Notes, Outcome, Value, reserve};
use crate::records::exact_number::{ExactNumber, short_integer};
use crate::{Error, ErrorKind, Result};

pub(super) struct VariantColumn {
    fields: Fields,
    values: BinaryBuilder,
    metadata: BinaryBuilder,
    valid: NullBufferBuilder,
}

impl VariantColumn {
    pub(super) fn new(data_type: &DataType) -> Self {
        let fields = match data_type {
            DataType::Struct(fields) => fields.clone(),
            _ => Fields::empty(),
        };
        Self { fields, values: BinaryBuilder::new(), metadata: BinaryBuilder::new(), valid: NullBufferBuilder::new(0) }
    }

    fn append_encoded(&mut self, value: Value<'_>) -> Option<()> {
        let mut builder = VariantBuilder::new();
        encode(value, &mut builder)?;
        let (metadata, value) = builder.finish();
        if !has_room(&self.values, &value) || !has_room(&self.metadata, &metadata) {
            return None;
        }
        self.values.append_value(value);
        self.metadata.append_value(metadata);
        self.valid.append_non_null();
        Some(())
    }
}

impl Column for VariantColumn {
    fn append(&mut self, value: Value<'_>, _notes: &mut Notes) -> Outcome {
        if value.is_null() {
            self.append_nulls(1);
            return Outcome::Null;
        }
        if self.append_encoded(value).is_none() {
            self.append_nulls(1);
            return Outcome::Bad;
        }
        Outcome::Typed
    }

    fn append_nulls(&mut self, count: usize) {
        for _ in 0..count {
            self.values.append_value([]);
            self.metadata.append_value([]);
        }
        self.valid.append_n_nulls(count);
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let (values, metadata): (BinaryArray, BinaryArray) = (self.values.finish(), self.metadata.finish());
        self.values = BinaryBuilder::with_capacity(reserve(values.len()), reserve(values.values().len()));
        self.metadata = BinaryBuilder::with_capacity(reserve(metadata.len()), reserve(metadata.values().len()));
        let array =
            StructArray::try_new(self.fields.clone(), vec![Arc::new(values), Arc::new(metadata)], self.valid.finish());
        array
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|error| Error::new(ErrorKind::Internal, "the bytes do not make a variant").with_cause(error))
    }
}

fn has_room(builder: &BinaryBuilder, bytes: &[u8]) -> bool {
    i32::try_from(builder.values_slice().len() + bytes.len()).is_ok()
}

fn encode(value: Value<'_>, builder: &mut impl VariantBuilderExt) -> Option<()> {
    match value.kind() {
        Kind::Null => builder.append_value(Variant::Null),
        Kind::Bool(value) => builder.append_value(value),
        Kind::Number(text) => builder.append_value(number(text)?),
        Kind::String => builder.append_value(value.as_str()?.as_ref()),
        Kind::Array => {
            let mut list = builder.try_new_list().ok()?;
            for element in value.items() {
                encode(element, &mut list)?;
            }
            list.finish();
        }
        Kind::Object => {
            let mut object = builder.try_new_object().ok()?;
            for (key, value) in value.entries() {
                encode(value, &mut ObjectFieldBuilder::new(&key, &mut object))?;
            }
            object.finish();
        }
    }
    Some(())
}

/// Whole numbers and decimals keep all their digits, up to 38; what has more, or an exponent, is a DOUBLE.
fn number(text: &str) -> Option<Variant<'static, 'static>> {
    if let Some(integer) = short_integer(text.as_bytes()) {
        return Some(of_integer(integer));
    }
    if !text.contains(['e', 'E'])
        && let Some(exact) = decimal(text)
    {
        return Some(exact);
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Variant::from)
}

fn decimal(text: &str) -> Option<Variant<'static, 'static>> {
    let scale = text.find('.').map_or(0, |point| text.len() - point - 1);
    let scale = u8::try_from(scale).ok().filter(|scale| *scale <= 38)?;
    let unscaled = ExactNumber::parse(text.as_bytes())?.scaled(i64::from(scale))?;
    if scale == 0
        && let Ok(integer) = i64::try_from(unscaled)
    {
        return Some(of_integer(integer));
    }
    let narrow = i32::try_from(unscaled).ok().and_then(|unscaled| VariantDecimal4::try_new(unscaled, scale).ok());
    let middle = || i64::try_from(unscaled).ok().and_then(|unscaled| VariantDecimal8::try_new(unscaled, scale).ok());
    let wide = || VariantDecimal16::try_new(unscaled, scale).ok();
    narrow.map(Variant::from).or_else(|| middle().map(Variant::from)).or_else(|| wide().map(Variant::from))
}

fn of_integer(integer: i64) -> Variant<'static, 'static> {
    if let Ok(integer) = i8::try_from(integer) {
        Variant::Int8(integer)
    } else if let Ok(integer) = i16::try_from(integer) {
        Variant::Int16(integer)
    } else if let Ok(integer) = i32::try_from(integer) {
        Variant::Int32(integer)
    } else {
        Variant::Int64(integer)
    }
}
