//! Attributes, tensors and types, by the field numbers of `onnx.proto`.

use super::protobuf::Message;

/// Element types of `TensorProto`.
pub(super) const FLOAT: i64 = 1;
pub(super) const INT64: i64 = 7;
pub(super) const DOUBLE: i64 = 11;

/// An attribute of one of `AttributeProto`'s types.
pub(super) fn attribute(name: &str, kind: i64) -> Message {
    Message::default().bytes(1, name).number(20, kind)
}

pub(super) fn number(name: &str, value: i64) -> Message {
    attribute(name, 2).number(3, value)
}

pub(super) fn numbers(name: &str, values: impl IntoIterator<Item = i64>) -> Message {
    attribute(name, 7).numbers(8, values)
}

pub(super) fn tensor(name: &str, value: Message) -> Message {
    attribute(name, 4).message(5, value.bytes(8, name))
}

pub(super) fn strings(name: &str, values: &[&str]) -> Message {
    let attribute = attribute(name, 8);
    values
        .iter()
        .fold(attribute, |attribute, value| attribute.bytes(9, value))
}

/// A vector.
pub(super) fn doubles(values: impl IntoIterator<Item = f64>) -> Message {
    let bytes: Vec<u8> = values.into_iter().flat_map(f64::to_le_bytes).collect();
    Message::default()
        .numbers(1, [(bytes.len() / size_of::<f64>()) as i64])
        .number(2, DOUBLE)
        .bytes(9, bytes)
}

/// A tensor; without a shape, a single value.
pub(super) fn floats(shape: &[i64], values: impl IntoIterator<Item = f32>) -> Message {
    let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
    Message::default()
        .numbers(1, shape.iter().copied())
        .number(2, FLOAT)
        .bytes(9, bytes)
}

/// A single value.
pub(super) fn integer(value: usize) -> Message {
    Message::default()
        .number(2, INT64)
        .bytes(9, (value as i64).to_le_bytes())
}

/// An input or output of so many columns, or a vector.
pub(super) fn value(name: &str, element: i64, columns: Option<i64>) -> Message {
    let rows = Message::default().bytes(2, "rows");
    let columns = columns.map(|columns| Message::default().number(1, columns));
    let shape = Message::default().message(1, rows).messages(1, columns);
    let tensor = Message::default().number(1, element).message(2, shape);
    Message::default()
        .bytes(1, name)
        .message(2, Message::default().message(1, tensor))
}
