//! The bytes of a file, decompressed, through a buffer.

use std::{
    fmt,
    io::{self, BufReader, Cursor, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;

use super::{CaptureError, Damage, Place};

/// Read at a time: large enough for few system calls, small enough to stay in a core's cache.
const BUFFER: usize = 256 * 1024;
/// RFC 1952 section 2.3.1.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// RFC 8878 section 3.1.1.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// How much of a file has been read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
    /// Bytes, as they lie on the disk.
    pub read: u64,
    /// All of them, where that is known.
    pub total: Option<u64>,
}

/// Buffered bytes of a source, and where in it they are.
pub(super) struct Input {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// What is still to be consumed in the buffer.
    start: usize,
    end: usize,
    /// Of `start`, from the beginning of the decompressed source.
    offset: u64,
    decompressed: bool,
    /// The source has no more to give, or this is why.
    over: bool,
    error: Option<io::Error>,
    read: Arc<AtomicU64>,
    total: Option<u64>,
}

impl Input {
    pub(super) fn new(
        source: impl Read + Send + 'static,
        total: Option<u64>,
    ) -> Result<Self, CaptureError> {
        let read = Arc::new(AtomicU64::new(0));
        let mut source = Counted {
            source,
            read: Arc::clone(&read),
        };
        let mut first = [0; 4];
        let mut have = 0;
        let mut error = None;
        while let Some(rest) = first.get_mut(have..)
            && !rest.is_empty()
        {
            match source.read(rest) {
                Ok(0) => break,
                Ok(more) => have += more,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    error = Some(e);
                    break;
                }
            }
        }
        let first = first[..have].to_vec();
        let (gzip, zstd) = (first.starts_with(&GZIP), first.starts_with(&ZSTD));
        let whole = Cursor::new(first).chain(source);
        let source: Box<dyn Read + Send> = if gzip {
            Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, whole)))
        } else if zstd {
            let buffered = BufReader::with_capacity(BUFFER, whole);
            Box::new(zstd::Decoder::with_buffer(buffered).map_err(CaptureError::Open)?)
        } else {
            Box::new(whole)
        };
        Ok(Self {
            source,
            buffer: vec![0; BUFFER],
            start: 0,
            end: 0,
            offset: 0,
            decompressed: gzip || zstd,
            over: error.is_some(),
            error,
            read,
            total,
        })
    }

    /// At least `len` bytes if the source has them, else all that is left.
    #[inline]
    pub(super) fn peek(&mut self, len: usize) -> &[u8] {
        if self.end - self.start < len {
            self.fill(len);
        }
        self.buffered()
    }

    /// What is in the buffer.
    #[inline]
    pub(super) fn buffered(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    #[cold]
    fn fill(&mut self, len: usize) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < len {
            self.buffer.resize(len, 0);
        }
        while self.end < len && !self.over {
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.over = true,
                Ok(more) => self.end += more,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => {
                    self.over = true;
                    self.error = Some(e);
                }
            }
        }
    }

    /// Moves past `len` buffered bytes.
    #[inline]
    pub(super) fn consume(&mut self, len: usize) {
        let len = len.min(self.end - self.start);
        self.start += len;
        self.offset += len as u64;
    }

    /// Moves past `len` bytes, buffered or not; `false`, and nothing else is left, if there are fewer.
    pub(super) fn skip(&mut self, mut len: u64) -> bool {
        while len > 0 {
            let have = self.peek(1).len();
            if have == 0 {
                return false;
            }
            let step = usize::try_from(len).unwrap_or(usize::MAX).min(have);
            self.consume(step);
            len -= step as u64;
        }
        true
    }

    /// Where the next byte is.
    pub(super) const fn place(&self) -> Place {
        Place {
            offset: self.offset,
            decompressed: self.decompressed,
        }
    }

    /// Why the source ended, if not because it was over.
    pub(super) fn ended(&self) -> Option<CaptureError> {
        let error = self.error.as_ref()?;
        // Kept, to be said again.
        let source = io::Error::new(error.kind(), error.to_string());
        Some(CaptureError::Read {
            place: self.place(),
            source,
        })
    }

    /// The record at `place` is not there to its end.
    pub(super) fn cut_off(&self, place: Place) -> CaptureError {
        match self.ended() {
            Some(CaptureError::Read { source, .. }) => CaptureError::Read { place, source },
            _ => CaptureError::Damaged {
                place,
                damage: Damage::CutOff,
            },
        }
    }

    pub(super) fn progress(&self) -> Progress {
        Progress {
            read: self.read.load(Ordering::Relaxed),
            total: self.total,
        }
    }
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Input");
        fields.field("place", &self.place()).finish_non_exhaustive()
    }
}

/// Counts what is read.
struct Counted<R> {
    source: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.source.read(buffer)?;
        self.read.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}
