//! Just enough of the protocol-buffer wire format to write messages.
//!
//! Source: the encoding chapter of the protocol-buffers documentation. Repeated numbers are
//! packed, which every reader takes.

/// Wire types.
const VARINT: u32 = 0;
const LENGTH_DELIMITED: u32 = 2;

/// A message under way.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// The encoded message.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A number; negative ones as their two's complement in 64 bits.
    #[must_use]
    pub(super) fn number(mut self, field: u32, value: i64) -> Self {
        self.tag(field, VARINT);
        varint(&mut self.0, value as u64);
        self
    }

    /// Text or bytes.
    #[must_use]
    pub(super) fn bytes(mut self, field: u32, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.tag(field, LENGTH_DELIMITED);
        varint(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// A message inside this one.
    #[must_use]
    pub(super) fn message(self, field: u32, inner: Self) -> Self {
        self.bytes(field, inner.0)
    }

    /// Several messages of one field.
    #[must_use]
    pub(super) fn messages(self, field: u32, inner: impl IntoIterator<Item = Self>) -> Self {
        inner
            .into_iter()
            .fold(self, |message, inner| message.message(field, inner))
    }

    /// Repeated numbers.
    #[must_use]
    pub(super) fn numbers(self, field: u32, values: impl IntoIterator<Item = i64>) -> Self {
        let mut packed = Vec::new();
        for value in values {
            varint(&mut packed, value as u64);
        }
        self.bytes(field, packed)
    }

    fn tag(&mut self, field: u32, wire_type: u32) {
        varint(&mut self.0, u64::from(field << 3 | wire_type));
    }
}

/// Seven bits a byte, the low ones first; the high bit says that more follow.
fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_encoded_as_documented() {
        // The documentation's examples: 150, "testing", a message inside, packed numbers.
        let number = Message::default().number(1, 150);
        assert_eq!(number.clone().into_bytes(), [0x08, 0x96, 0x01]);
        let text = Message::default().bytes(2, "testing").into_bytes();
        assert_eq!(text, [0x12, 0x07, b't', b'e', b's', b't', b'i', b'n', b'g']);
        let outer = Message::default().message(3, number).into_bytes();
        assert_eq!(outer, [0x1a, 0x03, 0x08, 0x96, 0x01]);
        let packed = Message::default().numbers(6, [3, 270, 86_942]).into_bytes();
        assert_eq!(packed, [0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]);
        let negative = Message::default().number(1, -2).into_bytes();
        assert_eq!(
            negative,
            [8, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]
        );
    }
}
