//! From a description to bytes.

use std::{vec, vec::Vec};

use super::{Extension, Frame, Network, Shim, Transport};

/// Payload bytes: no field of a header that was read at the wrong offset can be mistaken for this.
const FILLER: u8 = 0xa5;

impl Frame {
    /// The bytes.
    ///
    /// # Panics
    ///
    /// When a length does not fit its field.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let mut frame = vec![0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1];
        for &(ethertype, vlan) in &self.tags {
            frame.extend(ethertype.to_be_bytes());
            frame.extend(vlan.to_be_bytes());
        }
        let packet = self.packet();
        let six = matches!(self.network, Network::V6 { .. });
        match &self.shim {
            None => frame.extend(if six { [0x86, 0xdd] } else { [0x08, 0x00] }),
            Some(Shim::Pppoe(session)) => {
                frame.extend([0x88, 0x64, 0x11, 0]);
                frame.extend(session.to_be_bytes());
                frame.extend(length(packet.len() + 2));
                frame.extend([0, if six { 0x57 } else { 0x21 }]);
            }
            Some(Shim::Mpls(labels)) => {
                frame.extend([0x88, 0x47]);
                for (n, label) in labels.iter().enumerate() {
                    let bottom = u32::from(n + 1 == labels.len());
                    frame.extend((label << 12 | bottom << 8 | 64).to_be_bytes());
                }
            }
        }
        frame.extend(packet);
        frame.resize(frame.len() + self.padding, 0);
        frame
    }

    /// The IP packet.
    fn packet(&self) -> Vec<u8> {
        let mut frame = Vec::new();
        match &self.network {
            Network::V4 {
                source,
                destination,
                options,
                fragment: (offset, more),
            } => {
                let datagram = self.datagram(*offset != 0);
                let header_len = 20 + options.len();
                assert!(header_len <= 60, "40 bytes of options at most");
                frame.extend([0x40 | (header_len / 4) as u8, 0]);
                frame.extend(length(header_len + datagram.len()));
                frame.extend([0x12, 0x34]);
                frame.extend(((offset / 8) | (u16::from(*more) << 13)).to_be_bytes());
                frame.extend([64, self.protocol_number(), 0, 0]);
                frame.extend(source);
                frame.extend(destination);
                frame.extend(options);
                frame.extend(datagram);
            }
            Network::V6 {
                source,
                destination,
                extensions,
            } => {
                let later = extensions
                    .iter()
                    .any(|extension| matches!(extension, Extension::Fragment(1.., _)));
                let (first, mut rest) = self.chain(extensions);
                rest.extend(self.datagram(later));
                frame.extend([0x60, 0, 0, 0]);
                frame.extend(length(rest.len()));
                frame.extend([first, 64]);
                frame.extend(source.iter().flat_map(|group| group.to_be_bytes()));
                frame.extend(destination.iter().flat_map(|group| group.to_be_bytes()));
                frame.extend(rest);
            }
        }
        frame
    }

    /// The extension headers, and the number of the first.
    fn chain(&self, extensions: &[Extension]) -> (u8, Vec<u8>) {
        let mut next = self.protocol_number();
        let mut bytes = Vec::new();
        for extension in extensions.iter().rev() {
            let (number, mut header) = extension.bytes();
            header[0] = next;
            next = number;
            header.extend(bytes);
            bytes = header;
        }
        (next, bytes)
    }

    /// What stands above IP.
    fn datagram(&self, later_fragment: bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        if !later_fragment {
            let (source_port, destination_port) =
                (self.ports.0.to_be_bytes(), self.ports.1.to_be_bytes());
            match &self.transport {
                Transport::Tcp {
                    flags,
                    options,
                    numbers,
                } => {
                    let header_len = 20 + options.len();
                    assert!(header_len <= 60, "40 bytes of options at most");
                    bytes.extend(source_port);
                    bytes.extend(destination_port);
                    bytes.extend(numbers.0.to_be_bytes());
                    bytes.extend(numbers.1.to_be_bytes());
                    bytes.extend([(header_len / 4) as u8 * 16, *flags, 0xff, 0xff, 0, 0, 0, 0]);
                    bytes.extend(options);
                }
                Transport::Udp => {
                    bytes.extend(source_port);
                    bytes.extend(destination_port);
                    bytes.extend(length(8 + self.payload));
                    bytes.extend([0, 0]);
                }
                Transport::Icmp {
                    icmp_type,
                    code,
                    id,
                } => {
                    bytes.extend([*icmp_type, *code, 0, 0]);
                    bytes.extend(id.to_be_bytes());
                    bytes.extend([0, 1]);
                }
                Transport::Other(_) => {}
            }
        }
        bytes.resize(bytes.len() + self.payload, FILLER);
        bytes
    }
}

impl Extension {
    /// Its number and bytes; the first byte, the next header's number, is left to the caller.
    fn bytes(self) -> (u8, Vec<u8>) {
        let (number, len_field, len) = match self {
            Self::HopByHop(units) => (0, units, 8 + usize::from(units) * 8),
            Self::Routing(units) => (43, units, 8 + usize::from(units) * 8),
            Self::Destination(units) => (60, units, 8 + usize::from(units) * 8),
            Self::Authentication(units) => (51, units, 8 + usize::from(units) * 4),
            Self::Fragment(..) => (44, 0, 8),
        };
        let mut bytes = vec![0; len];
        bytes[1] = len_field;
        if let Self::Fragment(offset, more) = self {
            let [hi, lo] = (offset | u16::from(more)).to_be_bytes();
            bytes[2] = hi;
            bytes[3] = lo;
        }
        (number, bytes)
    }
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes)
        .expect("an IP length field holds 16 bits")
        .to_be_bytes()
}
