//! Endpoint states of a TCP connection, and the KDD flag they add up to.
//!
//! KDD's `flag` column is Bro's connection state, which Bro derives from the pair of endpoint states at the
//! connection's end (Zeek documentation, `Conn::Info$conn_state`). The transitions are Bro's too; where they differ,
//! decision 0018 says why.

use crate::packet::tcp_flags::{ACK, FIN, RST, SYN};

/// What one endpoint has sent so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub enum Endpoint {
    /// Nothing that counts.
    #[default]
    Inactive = 0,
    /// A SYN.
    SynSent = 1,
    /// A SYN+ACK, as the originator: an answer to nothing.
    SynAckSent = 2,
    /// Segments of a connection whose start was not seen.
    Partial = 3,
    /// Its SYN, and the responder's came after or with it.
    Established = 4,
    /// A FIN.
    Closed = 5,
    /// A RST.
    Reset = 6,
    /// A SYN and then a RST, and the responder's SYN was never seen.
    Aborted = 7,
    /// A FIN and then a RST.
    ClosedReset = 8,
}

/// What counts of a segment for the states.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Segment {
    /// TCP flag bits ([`crate::packet::tcp_flags`]).
    pub flags: u8,
    /// Whether it carries payload.
    pub data: bool,
    /// Whether the originator sent it.
    pub from_originator: bool,
}

impl Segment {
    #[inline(always)]
    const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }
}

impl Endpoint {
    /// Bits that hold one of them.
    pub const BITS: u32 = 4;

    /// From the lowest bits of a word.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        match bits & ((1 << Self::BITS) - 1) {
            0 => Self::Inactive,
            1 => Self::SynSent,
            2 => Self::SynAckSent,
            3 => Self::Partial,
            4 => Self::Established,
            5 => Self::Closed,
            6 => Self::Reset,
            7 => Self::Aborted,
            _ => Self::ClosedReset,
        }
    }

    /// States of this endpoint and of its `peer` after this one sent a segment.
    #[inline(always)]
    #[must_use]
    pub const fn after(self, peer: Self, segment: Segment) -> (Self, Self) {
        match self {
            Self::Inactive => self.first(peer, segment),
            Self::SynSent | Self::SynAckSent => {
                let state = if segment.has(RST) {
                    match self {
                        Self::SynSent => Self::Aborted,
                        _ => Self::Reset,
                    }
                } else if segment.has(FIN) {
                    Self::Closed
                } else {
                    self
                };
                (state, peer)
            }
            Self::Partial | Self::Established => {
                if segment.has(RST) {
                    (Self::Reset, peer)
                } else if segment.has(FIN) {
                    // The peer's FIN and RST were an orderly end after all.
                    let peer = match peer {
                        Self::ClosedReset => Self::Closed,
                        other => other,
                    };
                    (Self::Closed, peer)
                } else {
                    (self, peer)
                }
            }
            // A reset after both sides said goodbye is tidying up, not an abort.
            Self::Closed => match peer {
                Self::Closed => (self, peer),
                _ if segment.has(RST) => (Self::ClosedReset, peer),
                _ => (self, peer),
            },
            Self::Reset | Self::Aborted | Self::ClosedReset => (self, peer),
        }
    }

    /// The same for the first segment of an endpoint.
    #[inline(always)]
    const fn first(self, peer: Self, segment: Segment) -> (Self, Self) {
        let open = matches!(peer, Self::Established);
        if segment.has(SYN) && !segment.from_originator {
            // The answer, or a SYN that crossed the originator's (RFC 9293 section 3.5).
            let peer = match peer {
                Self::SynSent => Self::Established,
                other => other,
            };
            return (Self::Established.ended_by(segment), peer);
        }
        let state = if segment.has(SYN) {
            match (open, segment.has(ACK)) {
                // The answer was captured before the question.
                (true, _) => Self::Established,
                (false, false) => Self::SynSent,
                (false, true) => Self::SynAckSent,
            }
        } else if segment.has(ACK) && open {
            // The question was not captured at all.
            Self::Established
        } else if !segment.from_originator && !segment.data && matches!(peer, Self::SynSent) {
            // Some acknowledge a SYN before they answer it.
            Self::Inactive
        } else {
            Self::Partial
        };
        (state.ended_by(segment), peer)
    }

    /// This state, unless the segment that led to it also ends it.
    #[inline(always)]
    const fn ended_by(self, segment: Segment) -> Self {
        if segment.has(RST) {
            Self::Reset
        } else if segment.has(FIN) {
            Self::Closed
        } else {
            self
        }
    }

    /// Whether nothing of a handshake or an end was seen from it.
    #[inline(always)]
    const fn unseen(self) -> bool {
        matches!(self, Self::Inactive | Self::Partial)
    }

    /// Whether it has sent a RST that was no tidying up.
    #[inline(always)]
    #[must_use]
    pub const fn is_reset(self) -> bool {
        matches!(self, Self::Reset | Self::Aborted | Self::ClosedReset)
    }

    /// Whether it has sent a FIN.
    #[inline(always)]
    #[must_use]
    pub const fn said_goodbye(self) -> bool {
        matches!(self, Self::Closed | Self::ClosedReset)
    }

    /// Whether it has ended its half, one way or the other.
    #[inline(always)]
    #[must_use]
    pub const fn is_done(self) -> bool {
        matches!(
            self,
            Self::Closed | Self::Reset | Self::Aborted | Self::ClosedReset
        )
    }
}

/// Bro's connection states as KDD names them; Zeek's later RSTRH and SHR are folded into OTH and SH.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ConnState {
    /// SYN, no answer.
    S0,
    /// Established, not closed.
    S1,
    /// Established; the originator closed, the responder did not.
    S2,
    /// Established; the responder closed, the originator did not.
    S3,
    /// Established and closed by both.
    Sf,
    /// SYN answered by RST.
    Rej,
    /// Established; the originator aborted.
    Rsto,
    /// The responder aborted.
    Rstr,
    /// SYN, then RST, both from the originator.
    Rstos0,
    /// A FIN from one side, never anything of the handshake from the other.
    Sh,
    /// None of these: the start was not seen.
    Oth,
}

impl ConnState {
    /// The state that a pair of endpoints adds up to.
    ///
    /// `data` says whether either side sent payload: a reset answered by a reset without any is a rejection.
    #[must_use]
    pub const fn of(originator: Endpoint, responder: Endpoint, data: bool) -> Self {
        if responder.is_reset() {
            return match originator {
                Endpoint::SynSent | Endpoint::SynAckSent => Self::Rej,
                _ if originator.is_reset() && !data => Self::Rej,
                // RSTRH in Zeek.
                _ if originator.unseen() => Self::Oth,
                _ => Self::Rstr,
            };
        }
        if originator.is_reset() {
            return match originator {
                _ if !responder.unseen() => Self::Rsto,
                Endpoint::Aborted => Self::Rstos0,
                _ => Self::Oth,
            };
        }
        match (originator, responder) {
            (Endpoint::Closed, Endpoint::Closed) => Self::Sf,
            (Endpoint::Closed, responder) if responder.unseen() => Self::Sh,
            (Endpoint::Closed, _) => Self::S2,
            // SHR in Zeek.
            (originator, Endpoint::Closed) if originator.unseen() => Self::Sh,
            (_, Endpoint::Closed) => Self::S3,
            (Endpoint::SynSent, Endpoint::Inactive) => Self::S0,
            (Endpoint::Established, Endpoint::Established) => Self::S1,
            _ => Self::Oth,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const O: bool = true;
    const R: bool = false;

    /// What segments without payload, by their senders, add up to.
    fn play(segments: &[(bool, u8)]) -> ConnState {
        let (mut originator, mut responder) = (Endpoint::Inactive, Endpoint::Inactive);
        for &(from_originator, flags) in segments {
            let segment = Segment {
                flags,
                data: false,
                from_originator,
            };
            if from_originator {
                (originator, responder) = originator.after(responder, segment);
            } else {
                (responder, originator) = responder.after(originator, segment);
            }
        }
        ConnState::of(originator, responder, true)
    }

    #[test]
    fn handshakes_and_closes_give_bros_states() {
        let open = [(O, SYN), (R, SYN | ACK), (O, ACK)];
        let with = |rest: &[(bool, u8)]| play(&[&open[..], rest].concat());
        assert_eq!(play(&[(O, SYN)]), ConnState::S0);
        assert_eq!(play(&[(O, SYN), (O, SYN)]), ConnState::S0);
        assert_eq!(play(&open[..2]), ConnState::S1);
        assert_eq!(with(&[]), ConnState::S1);
        assert_eq!(with(&[(O, FIN | ACK)]), ConnState::S2);
        assert_eq!(with(&[(R, FIN | ACK)]), ConnState::S3);
        assert_eq!(with(&[(O, FIN | ACK), (R, FIN | ACK)]), ConnState::Sf);
        assert_eq!(with(&[(O, RST)]), ConnState::Rsto);
        assert_eq!(with(&[(O, ACK), (R, RST)]), ConnState::Rstr);
        assert_eq!(play(&[(O, SYN), (R, RST | ACK)]), ConnState::Rej);
        assert_eq!(play(&[(O, SYN), (O, RST)]), ConnState::Rstos0);
        assert_eq!(play(&[(O, SYN), (O, FIN)]), ConnState::Sh);
        assert_eq!(play(&[(O, ACK), (R, ACK)]), ConnState::Oth);
    }

    #[test]
    fn what_was_half_seen_is_oth_or_sh() {
        assert_eq!(play(&[(O, RST)]), ConnState::Oth);
        assert_eq!(play(&[(O, SYN | RST)]), ConnState::Oth);
        assert_eq!(play(&[(O, ACK), (R, RST)]), ConnState::Oth);
        assert_eq!(play(&[(R, SYN | ACK)]), ConnState::Oth);
        assert_eq!(play(&[(R, SYN | ACK), (R, FIN | ACK)]), ConnState::Sh);
        assert_eq!(play(&[(O, FIN)]), ConnState::Sh);
        assert_eq!(play(&[(O, FIN), (R, RST | ACK)]), ConnState::Rstr);
        // An acknowledgement of a SYN is no answer yet.
        assert_eq!(play(&[(O, SYN), (R, ACK)]), ConnState::S0);
    }

    #[test]
    fn a_handshake_out_of_order_or_without_its_first_segment_is_one() {
        assert_eq!(play(&[(R, SYN | ACK), (O, SYN)]), ConnState::S1);
        assert_eq!(play(&[(R, SYN | ACK), (O, ACK)]), ConnState::S1);
    }

    #[test]
    fn syn_scan_is_reset_by_the_scanner() {
        // nmap -sS on an open port: SYN, SYN+ACK, RST.
        assert_eq!(play(&[(O, SYN), (R, SYN | ACK), (O, RST)]), ConnState::Rsto);
    }

    #[test]
    fn reset_after_both_fins_stays_sf() {
        let closed = [
            (O, SYN),
            (R, SYN | ACK),
            (O, ACK),
            (R, FIN | ACK),
            (O, FIN | ACK),
            (R, RST),
        ];
        assert_eq!(play(&closed), ConnState::Sf);
        // Also where the reset overtook the other FIN.
        let [.., responder_fin, originator_fin, reset] = closed;
        let overtaken = [&closed[..3], &[responder_fin, reset, originator_fin]].concat();
        assert_eq!(play(&overtaken), ConnState::Sf);
    }

    #[test]
    fn reset_after_one_fin_is_an_abort() {
        let aborted = [(O, SYN), (R, SYN | ACK), (O, ACK), (O, FIN | ACK), (R, RST)];
        assert_eq!(play(&aborted), ConnState::Rstr);
        let own = [(O, SYN), (R, SYN | ACK), (O, ACK), (O, FIN | ACK), (O, RST)];
        assert_eq!(play(&own), ConnState::Rsto);
    }

    #[test]
    fn simultaneous_open_establishes_both() {
        let both = [(O, SYN), (R, SYN), (O, SYN | ACK), (R, SYN | ACK)];
        assert_eq!(play(&both), ConnState::S1);
    }

    #[test]
    fn endpoint_survives_its_bits() {
        for bits in 0..=8 {
            assert_eq!(Endpoint::from_bits(bits) as u64, bits);
        }
    }
}
