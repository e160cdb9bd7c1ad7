//! The payload of a TCP stream, by its sequence numbers: what is sent twice counts once, and what the capture missed
//! counts too, as Bro and Zeek have it.
//!
//! One number for each side is enough: the one after its payload so far. The numbers of SYN and FIN are left out, so
//! that the stream began at `expected - bytes - 1`.

/// The farthest that a segment may stand from where its stream is expected to go on. One beyond belongs to another
/// stream, or is made up, and says nothing of what was sent between: only its own payload counts. Zeek trusts
/// control segments as far (`TOO_LARGE_SEQ_DELTA`), others eight hundred times farther; a flood with random numbers
/// would send gigabytes then without sending a byte.
pub const MAX_GAP: u32 = 1 << 20;

/// How many bytes a segment adds whose payload ends at `end`, where the next was to begin at `expected`; `end` is
/// expected from then on. `None` when it brings nothing new.
#[inline(always)]
#[must_use]
pub const fn advance(expected: u32, end: u32, payload: u32) -> Option<u32> {
    let ahead = end.wrapping_sub(expected);
    if ahead != 0 && ahead <= MAX_GAP {
        return Some(ahead);
    }
    let elsewhere = ahead.wrapping_neg() > MAX_GAP;
    if elsewhere && payload != 0 {
        Some(payload)
    } else {
        None
    }
}

/// Number of the SYN of a stream that has sent so many `bytes`.
#[inline(always)]
#[must_use]
pub const fn start(expected: u32, bytes: u64) -> u32 {
    expected.wrapping_sub(bytes as u32).wrapping_sub(1)
}

/// Whether an acknowledgement is of the stream: from its SYN up to what was seen of it. Who sends one has seen the
/// SYN, and can't have forged its own address.
#[inline(always)]
#[must_use]
pub const fn acknowledges(expected: u32, bytes: u64, acknowledgment: u32) -> bool {
    expected.wrapping_sub(acknowledgment) <= bytes as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_in_order_counts_its_payload() {
        assert_eq!(advance(1_000, 1_500, 500), Some(500));
        assert_eq!(advance(1_000, 1_000, 0), None);
        // Over the end of the numbers.
        assert_eq!(advance(u32::MAX - 99, 400, 500), Some(500));
    }

    #[test]
    fn what_is_sent_again_counts_once() {
        assert_eq!(advance(1_500, 1_500, 500), None);
        // Half of it is new.
        assert_eq!(advance(1_250, 1_500, 500), Some(250));
        // A keep-alive repeats one byte, or sends none one number too low.
        assert_eq!(advance(1_500, 1_500, 1), None);
        assert_eq!(advance(1_500, 1_499, 0), None);
    }

    #[test]
    fn what_was_missed_counts() {
        assert_eq!(advance(1_000, 3_000, 500), Some(2_000));
        assert_eq!(advance(1_000, 3_000, 0), Some(2_000));
    }

    #[test]
    fn made_up_numbers_count_no_more_than_their_payload() {
        for far in [MAX_GAP + 1, 1 << 31, u32::MAX - MAX_GAP] {
            assert_eq!(advance(7, 7_u32.wrapping_add(far), 10), Some(10));
            assert_eq!(advance(7, 7_u32.wrapping_add(far), 0), None);
        }
        assert_eq!(advance(7, 7 + MAX_GAP, 10), Some(MAX_GAP));
        assert_eq!(advance(7, 7_u32.wrapping_sub(MAX_GAP), 10), None);
    }

    #[test]
    fn the_start_is_found_again() {
        assert_eq!(start(1, 0), 0);
        assert_eq!(start(5, 500), 5_u32.wrapping_sub(501));
        assert_eq!(start(10, (3 << 32) + 4), 5);
    }

    #[test]
    fn only_what_was_sent_can_be_acknowledged() {
        // SYN 99, then 500 bytes.
        for acknowledgment in [100, 350, 600] {
            assert!(acknowledges(600, 500, acknowledgment));
        }
        for acknowledgment in [0, 99, 601] {
            assert!(!acknowledges(600, 500, acknowledgment));
        }
    }
}
