//! Conversations in the making.

use tidegate_common::{
    packet::tcp_flags::{ACK, FIN, RST, SYN},
    testing::Frame,
};

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const CLIENT_PORT: u16 = 40_000;
pub(crate) const SERVER_PORT: u16 = 80;
/// Packets are so far apart.
pub(crate) const STEP: u64 = MS;
/// The first one comes at this time, ns since 1970.
const START: u64 = 1_600_000_000_000 * MS;

/// Client and server of a conversation, as places in pairs.
pub(crate) const C: usize = 0;
pub(crate) const S: usize = 1;

/// Two hosts that talk, a packet every [`STEP`].
#[derive(Clone)]
pub(crate) struct Talk {
    /// A packet of the client without its transport header.
    base: Frame,
    now_ns: u64,
    pub(crate) frames: Vec<(u64, Vec<u8>)>,
    /// Next TCP sequence numbers of client and server.
    next: [u32; 2],
}

impl Talk {
    pub(crate) fn new() -> Self {
        Self::over(Frame::v4([10, 0, 0, 1], [10, 0, 0, 2]))
    }

    /// With a network header and tags of one's own.
    pub(crate) fn over(base: Frame) -> Self {
        Self {
            base,
            now_ns: START,
            frames: Vec::new(),
            // The server's numbers wrap soon.
            next: [1_000, u32::MAX - 50],
        }
    }

    /// A segment that goes on where its sender's stream is.
    pub(crate) fn tcp(mut self, from: usize, flags: u8, payload: usize) -> Self {
        self = self.at(from, 0, flags, payload);
        let control = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        self.next[from] = self.next[from].wrapping_add(control + payload as u32);
        self
    }

    /// A segment so far before (or, negative, after) that place, which stays where it is.
    pub(crate) fn at(self, from: usize, before: i32, flags: u8, payload: usize) -> Self {
        let sequence = self.next[from].wrapping_add_signed(-before);
        let acknowledgment = self.next[1 - from];
        self.numbered(from, (sequence, acknowledgment), flags, payload)
    }

    /// A segment with such numbers.
    pub(crate) fn numbered(
        self,
        from: usize,
        (sequence, acknowledgment): (u32, u32),
        flags: u8,
        payload: usize,
    ) -> Self {
        let acknowledgment = if flags & ACK == 0 { 0 } else { acknowledgment };
        let frame = self.base.clone().tcp(CLIENT_PORT, SERVER_PORT, flags);
        let frame = frame.numbers(sequence, acknowledgment).payload(payload);
        self.send(from, frame)
    }

    /// The client's stream so far from here on: another connection.
    pub(crate) fn begin_anew(mut self) -> Self {
        self.next = self.next.map(|next| next.wrapping_add(0x1234_5678));
        self
    }

    /// As if so many bytes of the sender had been lost on the way to the capture.
    pub(crate) fn lose(mut self, from: usize, bytes: u32) -> Self {
        self.next[from] = self.next[from].wrapping_add(bytes);
        self
    }

    pub(crate) fn udp(self, from: usize, payload: usize) -> Self {
        let frame = self.base.clone().udp(CLIENT_PORT, SERVER_PORT);
        self.send(from, frame.payload(payload))
    }

    pub(crate) fn echo(self, from: usize, payload: usize) -> Self {
        let frame = self.base.clone().echo(77);
        self.send(from, frame.payload(payload))
    }

    pub(crate) fn icmp(self, from: usize, kind: (u8, u8), payload: usize) -> Self {
        let frame = self.base.clone().icmp(kind.0, kind.1, 0);
        self.send(from, frame.payload(payload))
    }

    /// Anything, as the client would send it.
    pub(crate) fn send(mut self, from: usize, frame: Frame) -> Self {
        let frame = if from == S { frame.reply() } else { frame };
        self.raw(frame.build());
        self
    }

    pub(crate) fn raw(&mut self, bytes: Vec<u8>) {
        self.frames.push((self.now_ns, bytes));
        self.now_ns += STEP;
    }

    /// Silence, besides the usual step.
    pub(crate) fn wait(mut self, for_ns: u64) -> Self {
        self.now_ns += for_ns;
        self
    }

    /// SYN, SYN+ACK, ACK.
    pub(crate) fn open(self) -> Self {
        self.tcp(C, SYN, 0).tcp(S, SYN | ACK, 0).tcp(C, ACK, 0)
    }

    /// A question of 100 bytes and an answer of 1,000.
    pub(crate) fn exchange(self) -> Self {
        self.tcp(C, ACK, 100).tcp(S, ACK, 1_000).tcp(C, ACK, 0)
    }

    /// The client's FIN, the server's, and the last acknowledgement.
    pub(crate) fn close(self) -> Self {
        self.tcp(C, FIN | ACK, 0)
            .tcp(S, FIN | ACK, 0)
            .tcp(C, ACK, 0)
    }

    pub(crate) fn reset(self, from: usize) -> Self {
        self.tcp(from, RST | ACK, 0)
    }
}
