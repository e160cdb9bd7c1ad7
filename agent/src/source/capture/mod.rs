//! Captures: pcap and pcapng, of either byte order, plain, gzip or zstd, told apart by their first bytes.
//!
//! A [`Capture`] gives packets one after another out of one buffer. A damaged file gives every packet before the
//! damage, then an error that names the byte where the record begins that can't be read. Nothing is guessed beyond
//! it: neither format marks where its records begin.

mod input;
mod pcap;
mod pcapng;

use std::{fmt, fs::File, io, path::Path};

pub use self::input::Progress;
use self::{input::Input, pcap::Pcap, pcapng::Pcapng};
use super::link::LinkType;

/// The largest packet a record may hold: libpcap's `MAXIMUM_SNAPLEN`. A length beyond it is damage.
pub const MAX_PACKET: u32 = 262_144;

/// One packet.
#[derive(Clone, Copy, Debug)]
pub struct CapturedPacket<'a> {
    /// When, in ns since 1970.
    pub at_ns: u64,
    /// What its first header is.
    pub link: LinkType,
    /// Number of its interface, from 0, among those of the capture (of its section, in pcapng).
    pub interface: u32,
    /// Bytes it had on the wire; at least as many as were captured.
    pub wire_len: u32,
    /// What was captured of it.
    pub bytes: &'a [u8],
    /// Where its record begins in the (decompressed) file.
    pub offset: u64,
}

/// Where in a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place {
    /// Bytes from the beginning.
    pub offset: u64,
    /// Whether they are counted in what the file decompresses to.
    pub decompressed: bool,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}", self.offset)?;
        if self.decompressed {
            f.write_str(" of the decompressed data")?;
        }
        Ok(())
    }
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Damage {
    /// The file ends before the record does.
    #[error("the file ends inside a record")]
    CutOff,
    /// A record longer than any packet.
    #[error("a packet of {0} bytes, more than {MAX_PACKET}")]
    PacketLength(u32),
    /// A pcapng block whose length can't be.
    #[error("a block of {0} bytes, which can't hold what it must")]
    BlockLength(u32),
    /// The two lengths of a pcapng block differ.
    #[error("a block of {0} bytes at its beginning, {1} at its end")]
    BlockEnd(u32, u32),
    /// A section that says neither byte order.
    #[error("a section without byte order")]
    ByteOrder,
    /// A version this reader does not know.
    #[error("version {0}.{1} of the format")]
    Version(u16, u16),
    /// A packet of an interface that was not described.
    #[error("a packet of interface {0}, which is not described")]
    Interface(u32),
    /// More interfaces than are followed.
    #[error("more than {0} interfaces")]
    Interfaces(usize),
}

/// Why a capture can't be read, or not further.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file could not be opened.
    #[error(transparent)]
    Open(io::Error),
    /// There is not one byte.
    #[error("empty, not a capture")]
    Empty,
    /// Neither format.
    #[error("not a capture: neither pcap nor pcapng begins with {0}")]
    Unknown(String),
    /// Not a record where one should begin.
    #[error("damaged at {place}: {damage}")]
    Damaged {
        /// Where the record begins.
        place: Place,
        /// What is wrong with it.
        damage: Damage,
    },
    /// Reading or decompressing failed.
    #[error("unreadable in the record at {place}: {source}")]
    Read {
        /// Where the record begins that could not be read to its end.
        place: Place,
        /// What the system or the decompressor says.
        source: io::Error,
    },
}

/// A capture being read.
#[derive(Debug)]
pub struct Capture {
    input: Input,
    format: Format,
    /// Length of the record given last: its bytes are still lent out.
    lent: usize,
    /// Nothing follows that could be read.
    over: bool,
}

#[derive(Debug)]
enum Format {
    Pcap(Pcap),
    Pcapng(Pcapng),
}

/// A record at the front of the input.
#[derive(Clone, Copy, Debug)]
struct Record {
    at_ns: u64,
    link: LinkType,
    interface: u32,
    wire_len: u32,
    /// Where the packet's bytes begin in it.
    header_len: usize,
    captured_len: usize,
    /// All of it.
    len: usize,
}

impl Capture {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// When it can't be opened or does not begin as a capture does.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let file = File::open(path).map_err(CaptureError::Open)?;
        let len = file.metadata().ok().filter(fs_file).map(|meta| meta.len());
        Self::read(file, len)
    }

    /// Reads a capture from anywhere; `len` is its length in bytes where it is known, for [`Capture::progress`].
    ///
    /// # Errors
    ///
    /// When it does not begin as a capture does.
    pub fn read(
        source: impl io::Read + Send + 'static,
        len: Option<u64>,
    ) -> Result<Self, CaptureError> {
        let mut input = Input::new(source, len)?;
        if input.peek(4).len() < 4
            && let Some(error) = input.ended()
        {
            return Err(error);
        }
        let first = input.peek(4);
        let format = match first.first_chunk::<4>() {
            _ if first.is_empty() => return Err(CaptureError::Empty),
            Some(&magic) if magic == pcapng::SECTION_HEADER.to_be_bytes() => {
                Format::Pcapng(Pcapng::default())
            }
            Some(&magic) if pcap::is_magic(magic) => Format::Pcap(Pcap::header(&mut input)?),
            _ => {
                let first: Vec<_> = first
                    .iter()
                    .take(4)
                    .map(|byte| format!("{byte:02x}"))
                    .collect();
                return Err(CaptureError::Unknown(first.join(" ")));
            }
        };
        Ok(Self {
            input,
            format,
            lent: 0,
            over: false,
        })
    }

    /// The next packet; `None` at the end.
    ///
    /// # Errors
    ///
    /// When what follows can't be read; after that there are no more packets.
    #[expect(
        clippy::should_implement_trait,
        reason = "a packet borrows from the capture"
    )]
    pub fn next(&mut self) -> Result<Option<CapturedPacket<'_>>, CaptureError> {
        if self.over {
            return Ok(None);
        }
        self.input.consume(std::mem::take(&mut self.lent));
        let record = match &mut self.format {
            Format::Pcap(pcap) => pcap.next(&mut self.input),
            Format::Pcapng(pcapng) => pcapng.next(&mut self.input),
        };
        self.over = !matches!(record, Ok(Some(_)));
        let Some(record) = record? else {
            return Ok(None);
        };
        self.lent = record.len;
        let offset = self.input.place().offset;
        let bytes = self.input.buffered();
        let bytes = bytes.get(record.header_len..record.header_len + record.captured_len);
        let bytes = bytes.unwrap_or_default();
        Ok(Some(CapturedPacket {
            at_ns: record.at_ns,
            link: record.link,
            interface: record.interface,
            wire_len: record.wire_len.max(bytes.len() as u32),
            bytes,
            offset,
        }))
    }

    /// How much of the file has been read.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.input.progress()
    }
}

/// Only a regular file's length says how much there is to read.
fn fs_file(meta: &std::fs::Metadata) -> bool {
    meta.is_file()
}

/// The byte order of a file.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Order {
    #[default]
    Little,
    Big,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let field = field(bytes, at);
        match self {
            Self::Little => u16::from_le_bytes(field),
            Self::Big => u16::from_be_bytes(field),
        }
    }

    fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let field = field(bytes, at);
        match self {
            Self::Little => u32::from_le_bytes(field),
            Self::Big => u32::from_be_bytes(field),
        }
    }

    fn u64(self, bytes: &[u8], at: usize) -> u64 {
        let field = field(bytes, at);
        match self {
            Self::Little => u64::from_le_bytes(field),
            Self::Big => u64::from_be_bytes(field),
        }
    }
}

/// `N` bytes at a place that the caller knows to be there.
fn field<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    *field.unwrap_or(&[0; N])
}
