//! Captures in the making, and reading them.

use std::io::{Cursor, Write as _};

use tidegate::source::{
    capture::{Capture, CaptureError},
    link::LinkType,
};
use tidegate_common::testing::Frame;

pub(crate) const MICROSECONDS: u32 = 0xa1b2_c3d4;
pub(crate) const NANOSECONDS: u32 = 0xa1b2_3c4d;
pub(crate) const PATCHED: u32 = 0xa1b2_cd34;
pub(crate) const ETHERNET: u16 = 1;
pub(crate) const SECOND: u64 = 1_000_000_000;
/// First packets come at this time, ns since 1970.
pub(crate) const START: u64 = 1_600_000_000 * SECOND;

/// A file of the classic format.
#[derive(Clone)]
pub(crate) struct Pcap {
    big: bool,
    magic: u32,
    pub(crate) bytes: Vec<u8>,
    /// Where each record begins, and where the file ends.
    pub(crate) offsets: Vec<usize>,
}

impl Pcap {
    pub(crate) fn new(big: bool, magic: u32, link: u32) -> Self {
        let mut file = Self {
            big,
            magic,
            bytes: Vec::new(),
            offsets: Vec::new(),
        };
        file.u32(magic);
        file.u16(2);
        file.u16(4);
        for field in [0, 0, 262_144, link] {
            file.u32(field);
        }
        file.offsets.push(file.bytes.len());
        file
    }

    /// µs, little-endian, Ethernet.
    pub(crate) fn plain() -> Self {
        Self::new(false, MICROSECONDS, ETHERNET.into())
    }

    pub(crate) fn packet(&mut self, at_ns: u64, bytes: &[u8]) -> &mut Self {
        self.cut_packet(at_ns, bytes, bytes.len() as u32)
    }

    pub(crate) fn cut_packet(&mut self, at_ns: u64, bytes: &[u8], wire_len: u32) -> &mut Self {
        let unit = if self.magic == NANOSECONDS { 1 } else { 1000 };
        self.u32((at_ns / SECOND) as u32);
        self.u32((at_ns % SECOND / unit) as u32);
        self.u32(bytes.len() as u32);
        self.u32(wire_len);
        if self.magic == PATCHED {
            // Interface index, protocol, packet type, padding.
            self.u32(7);
            self.u32(0);
        }
        self.bytes.extend(bytes);
        self.offsets.push(self.bytes.len());
        self
    }

    pub(crate) fn u16(&mut self, value: u16) {
        let (little, big) = (value.to_le_bytes(), value.to_be_bytes());
        self.bytes.extend(if self.big { big } else { little });
    }

    pub(crate) fn u32(&mut self, value: u32) {
        let (little, big) = (value.to_le_bytes(), value.to_be_bytes());
        self.bytes.extend(if self.big { big } else { little });
    }
}

/// A file of the next-generation format.
#[derive(Clone)]
pub(crate) struct Pcapng {
    big: bool,
    pub(crate) bytes: Vec<u8>,
    /// Where each packet block begins, and where the file ends.
    pub(crate) offsets: Vec<usize>,
}

impl Pcapng {
    /// A section without interfaces.
    pub(crate) fn new(big: bool) -> Self {
        let mut file = Self {
            big,
            bytes: Vec::new(),
            offsets: Vec::new(),
        };
        file.section(big);
        file
    }

    pub(crate) fn section(&mut self, big: bool) -> &mut Self {
        self.big = big;
        let mut body = self.u32(0x1a2b_3c4d);
        body.extend([self.u16(1), self.u16(0)].concat());
        body.extend([0xff; 8]);
        self.block(0x0a0d_0d0a, &body)
    }

    /// An interface with options: code and value each.
    pub(crate) fn interface(&mut self, link: u16, options: &[(u16, &[u8])]) -> &mut Self {
        let mut body = [self.u16(link), self.u16(0)].concat();
        body.extend(self.u32(65_535));
        for (code, value) in options {
            body.extend(self.u16(*code));
            body.extend(self.u16(value.len() as u16));
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        if !options.is_empty() {
            body.extend([0; 4]);
        }
        self.block(1, &body)
    }

    /// An enhanced packet; the time in units of its interface.
    pub(crate) fn packet(&mut self, interface: u32, ticks: u64, bytes: &[u8]) -> &mut Self {
        let body = [
            self.u32(interface),
            self.u32((ticks >> 32) as u32),
            self.u32(ticks as u32),
            self.u32(bytes.len() as u32),
            self.u32(bytes.len() as u32),
        ];
        self.packet_block(6, body.concat(), bytes)
    }

    /// A packet of the kind that came before.
    pub(crate) fn old_packet(&mut self, interface: u16, ticks: u64, bytes: &[u8]) -> &mut Self {
        let body = [
            [self.u16(interface), self.u16(0)].concat(),
            self.u32((ticks >> 32) as u32),
            self.u32(ticks as u32),
            self.u32(bytes.len() as u32),
            self.u32(bytes.len() as u32),
        ];
        self.packet_block(2, body.concat(), bytes)
    }

    /// A packet without a time.
    pub(crate) fn simple_packet(&mut self, bytes: &[u8]) -> &mut Self {
        let body = self.u32(bytes.len() as u32);
        self.packet_block(3, body, bytes)
    }

    fn packet_block(&mut self, kind: u32, mut body: Vec<u8>, bytes: &[u8]) -> &mut Self {
        let begin = self.bytes.len();
        self.offsets.pop();
        self.offsets.push(begin);
        body.extend(bytes);
        self.block(kind, &body);
        self.offsets.push(self.bytes.len());
        self
    }

    /// Any block; its body is padded.
    pub(crate) fn block(&mut self, kind: u32, body: &[u8]) -> &mut Self {
        let len = (body.len().next_multiple_of(4) + 12) as u32;
        let head = [self.u32(kind), self.u32(len)].concat();
        self.bytes.extend(head);
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        let end = self.u32(len);
        self.bytes.extend(end);
        self
    }

    pub(crate) fn u16(&self, value: u16) -> Vec<u8> {
        let (little, big) = (value.to_le_bytes(), value.to_be_bytes());
        if self.big { big } else { little }.to_vec()
    }

    pub(crate) fn u32(&self, value: u32) -> Vec<u8> {
        let (little, big) = (value.to_le_bytes(), value.to_be_bytes());
        if self.big { big } else { little }.to_vec()
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstandard(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

/// What the reader says about one packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Read {
    pub(crate) at_ns: u64,
    pub(crate) link: LinkType,
    pub(crate) interface: u32,
    pub(crate) wire_len: u32,
    pub(crate) bytes: Vec<u8>,
}

/// All packets of a file, and what ended it.
pub(crate) fn read(file: &[u8]) -> (Vec<Read>, Option<CaptureError>) {
    read_from(Cursor::new(file.to_vec()))
}

pub(crate) fn read_from(
    source: impl std::io::Read + Send + 'static,
) -> (Vec<Read>, Option<CaptureError>) {
    let mut packets = Vec::new();
    let mut capture = match Capture::read(source, None) {
        Ok(capture) => capture,
        Err(error) => return (packets, Some(error)),
    };
    loop {
        match capture.next() {
            Ok(Some(packet)) => packets.push(Read {
                at_ns: packet.at_ns,
                link: packet.link,
                interface: packet.interface,
                wire_len: packet.wire_len,
                bytes: packet.bytes.to_vec(),
            }),
            Ok(None) => return (packets, None),
            Err(error) => {
                assert!(matches!(capture.next(), Ok(None)), "nothing after damage");
                return (packets, Some(error));
            }
        }
    }
}

/// All packets of a file that has nothing wrong with it.
pub(crate) fn whole(file: &[u8]) -> Vec<Read> {
    let (packets, error) = read(file);
    assert!(error.is_none(), "{error:?}");
    packets
}

/// A datagram of `payload` bytes from one host of a network to another, as an Ethernet frame.
pub(crate) fn datagram(from: u8, to: u8, payload: usize) -> Vec<u8> {
    Frame::v4([10, 0, 0, from], [10, 0, 0, to])
        .udp(5000, 53)
        .payload(payload)
        .build()
}
