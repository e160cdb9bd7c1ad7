//! Endpoint states of a TCP connection, and the KDD flag they add up to.
//!
//! KDD's `flag` column is Bro's connection state, which Bro derives from the pair of endpoint states at the
//! connection's end (Zeek documentation, `Conn::Info$conn_state`).

use crate::packet::tcp_flags::{ACK, FIN, RST, SYN};

/// What one endpoint has sent so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[repr(u8)]
pub enum Endpoint {
    /// Nothing.
    #[default]
    Inactive = 0,
    /// A SYN.
    SynSent = 1,
    /// A SYN+ACK without a SYN before it.
    SynAckSent = 2,
    /// Segments of a connection whose start was not seen.
    Partial = 3,
    /// Its half of the handshake.
    Established = 4,
    /// A FIN.
    Closed = 5,
    /// A RST.
    Reset = 6,
}

impl Endpoint {
    /// From the three bits in a flow's state word.
    #[inline(always)]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        match bits & 7 {
            0 => Self::Inactive,
            1 => Self::SynSent,
            2 => Self::SynAckSent,
            3 => Self::Partial,
            4 => Self::Established,
            5 => Self::Closed,
            _ => Self::Reset,
        }
    }

    /// State of this endpoint after it sent a segment with `flags`, given its `peer`.
    #[inline(always)]
    #[must_use]
    pub const fn after(self, peer: Self, flags: u8) -> Self {
        if flags & RST != 0 {
            // A reset after both sides said goodbye is tidying up, not an abort.
            return match (self, peer) {
                (Self::Closed, Self::Closed) => Self::Closed,
                _ => Self::Reset,
            };
        }
        match self {
            Self::Reset | Self::Closed => return self,
            _ => {}
        }
        if flags & FIN != 0 {
            return Self::Closed;
        }
        if flags & SYN != 0 {
            return match (flags & ACK != 0, self) {
                (false, Self::Inactive) => Self::SynSent,
                // An answer: to the peer's SYN, or to one we missed.
                (true, Self::Inactive) => match peer {
                    Self::Inactive => Self::SynAckSent,
                    _ => Self::Established,
                },
                (true, Self::SynSent) => match peer {
                    // Simultaneous open (RFC 9293 section 3.5).
                    Self::SynSent | Self::Established => Self::Established,
                    _ => Self::SynSent,
                },
                // A retransmission.
                _ => self,
            };
        }
        match self {
            Self::Inactive => Self::Partial,
            Self::SynSent => match peer {
                // Half the peer's handshake is there, and this segment acknowledges it.
                Self::Established | Self::SynAckSent | Self::Partial | Self::Closed => {
                    Self::Established
                }
                _ => Self::SynSent,
            },
            _ => self,
        }
    }

    #[inline(always)]
    const fn unseen(self) -> bool {
        matches!(self, Self::Inactive | Self::Partial)
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
        match (originator, responder) {
            (Endpoint::SynSent | Endpoint::SynAckSent, Endpoint::Reset) => Self::Rej,
            (Endpoint::Reset, Endpoint::Reset) if !data => Self::Rej,
            // RSTRH in Zeek.
            (Endpoint::Inactive | Endpoint::Partial, Endpoint::Reset) => Self::Oth,
            (_, Endpoint::Reset) => Self::Rstr,
            (Endpoint::Reset, responder) if responder.unseen() => Self::Rstos0,
            (Endpoint::Reset, _) => Self::Rsto,
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

    fn play(segments: &[(bool, u8)]) -> ConnState {
        let (mut originator, mut responder) = (Endpoint::Inactive, Endpoint::Inactive);
        for &(from_originator, flags) in segments {
            if from_originator {
                originator = originator.after(responder, flags);
            } else {
                responder = responder.after(originator, flags);
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
    }

    #[test]
    fn reset_after_one_fin_is_an_abort() {
        let aborted = [(O, SYN), (R, SYN | ACK), (O, ACK), (O, FIN | ACK), (R, RST)];
        assert_eq!(play(&aborted), ConnState::Rstr);
    }

    #[test]
    fn simultaneous_open_establishes_both() {
        let both = [(O, SYN), (R, SYN), (O, SYN | ACK), (R, SYN | ACK)];
        assert_eq!(play(&both), ConnState::S1);
    }

    #[test]
    fn endpoint_survives_its_three_bits() {
        for bits in 0..7 {
            assert_eq!(Endpoint::from_bits(bits) as u64, bits);
        }
    }
}
