//! Packet bytes as the verifier lets us read them.

use tidegate_common::packet::{MAX_OFFSET, PacketBytes};

/// The linear part of a packet.
pub(crate) struct Linear {
    pub(crate) data: usize,
    pub(crate) data_end: usize,
    /// Length of the packet, of which the linear part may be the beginning.
    pub(crate) len: usize,
}

impl PacketBytes for Linear {
    #[inline(always)]
    fn bytes<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        if offset > MAX_OFFSET {
            return None;
        }
        // Without the barrier LLVM computes `data + (offset + N)` apart from `data + offset`, and the verifier no
        // longer sees that the comparison is about the pointer that is read.
        let start = core::hint::black_box(self.data + offset);
        if start + N > self.data_end {
            return None;
        }
        // SAFETY: `start..start + N` is inside the packet, as just compared; arrays of bytes need no alignment.
        Some(unsafe { *(start as *const [u8; N]) })
    }

    #[inline(always)]
    fn len(&self) -> usize {
        self.len
    }
}
