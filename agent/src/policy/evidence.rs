//! Evidence: what the classifier said lately, a piece at a time.

use std::time::Duration;

use tidegate_models::Class;

/// The most pieces of evidence of a kind that are remembered.
pub const MOST_PIECES: usize = 16;
/// After so long without a piece, all are forgotten. Longer than two tries of a scan that waits 15 s between them
/// (`nmap -T1`) take together with a few that went by unnoticed.
pub const MEMORY: Duration = Duration::from_secs(300);

/// One prediction, as far as evidence cares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Statement {
    /// The attack it names with enough confidence; [`Class::Normal`] for anything else.
    pub(super) class: Class,
    /// Whether its connection has completed a handshake that its responder did not take back.
    pub(super) proven: bool,
    /// Tells connections apart; that two look alike now and then does no harm.
    pub(super) connection: u32,
    /// Time of the event, ns of the packet clock.
    pub(super) at_ns: u64,
    /// Pieces it is worth.
    pub(super) worth: usize,
    /// Whether no packet is behind it: it is said of one that was judged before.
    pub(super) again: bool,
}

/// What makes one statement another piece of evidence than the one before.
#[derive(Clone, Copy, Debug)]
pub(super) enum Apart {
    /// Time: whatever is said within the interval (ms) is one piece, for which the connection that began it speaks.
    ByTime(u32),
    /// Time, and another connection: what is said later of a connection takes the place of what was said before.
    ByConnection(u32),
}

/// The pieces that agree.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Agreement {
    pub(super) agreeing: usize,
    /// Those of them that were proven.
    pub(super) proven: usize,
    /// From the oldest of them to the newest piece.
    pub(super) over: Duration,
}

/// A piece: eight bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Piece {
    /// Wraps after 49 days; only differences count.
    at_ms: u32,
    connection: u32,
}

/// The latest pieces of evidence about one thing. 152 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct History {
    /// A ring.
    pieces: [Piece; MOST_PIECES],
    /// Class code and proof of each piece, four bits each: the pieces' places.
    said: u64,
    /// Time of the newest statement.
    newest_ns: u64,
    /// Pieces ever pushed, up to twice the ring.
    pushed: u8,
}

const RING: u8 = MOST_PIECES as u8;

impl History {
    /// Takes a statement into account; says whether it became a piece or changed one.
    ///
    /// What is said again of a connection takes the place of what was said of it last. If that is no piece, it becomes
    /// one itself, apart from others by time.
    pub(super) fn record(&mut self, statement: Statement, apart: Apart) -> bool {
        let at_ms = millis(statement.at_ns);
        self.newest_ns = self.newest_ns.max(statement.at_ns);
        let Some(newest) = self.place(0) else {
            self.push(statement, at_ms);
            return true;
        };
        // An event that was overtaken on its way is as old as the newest piece.
        let since = elapsed(at_ms, self.pieces[newest].at_ms);
        if u128::from(since) > MEMORY.as_millis() {
            *self = Self {
                newest_ns: statement.at_ns,
                ..Self::default()
            };
            self.push(statement, at_ms);
            return true;
        }
        if statement.again {
            let mut places = (0..self.len()).map_while(|back| self.place(back));
            if let Some(place) =
                places.find(|place| self.pieces[*place].connection == statement.connection)
            {
                self.say(place, statement);
                return true;
            }
        }
        let (interval, look_back) = match apart {
            Apart::ByTime(interval) if since < interval => (interval, self.worth_of_newest()),
            Apart::ByTime(interval) => (interval, 0),
            Apart::ByConnection(interval) => (interval, self.len()),
        };
        let mut known = false;
        for back in 0..look_back {
            if let Some(place) = self.place(back)
                && self.pieces[place].connection == statement.connection
            {
                self.say(place, statement);
                known = true;
            }
        }
        if known {
            // What was said first may have been worth less.
            for _ in self.worth_of_newest()..statement.worth {
                if matches!(apart, Apart::ByTime(_)) {
                    self.push_piece(statement, self.pieces[newest].at_ms);
                }
            }
            return true;
        }
        if since < interval {
            return false;
        }
        self.push(statement, at_ms);
        true
    }

    /// Forgets everything if the newest piece is from before a moment (ns).
    pub(super) fn forget_before(&mut self, ns: u64) {
        if self.newest_ns < ns {
            *self = Self::default();
        }
    }

    /// Time of the newest statement, ns; 0 without one.
    pub(super) const fn newest_ns(&self) -> u64 {
        self.newest_ns
    }

    /// How many of the latest `of` pieces say `class`.
    pub(super) fn agreement(&self, class: Class, of: usize) -> Agreement {
        let mut agreement = Agreement::default();
        let Some(newest) = self.place(0) else {
            return agreement;
        };
        for place in (0..of).map_while(|back| self.place(back)) {
            let said = self.said >> (4 * place) & 0xf;
            if said & 0x7 == class.index() as u64 {
                agreement.agreeing += 1;
                agreement.proven += usize::from(said & 0x8 != 0);
                let over = elapsed(self.pieces[newest].at_ms, self.pieces[place].at_ms);
                agreement.over = agreement.over.max(Duration::from_millis(over.into()));
            }
        }
        agreement
    }

    fn push(&mut self, statement: Statement, at_ms: u32) {
        for _ in 0..statement.worth {
            self.push_piece(statement, at_ms);
        }
    }

    fn push_piece(&mut self, statement: Statement, at_ms: u32) {
        let place = usize::from(self.pushed % RING);
        self.pieces[place] = Piece {
            at_ms,
            connection: statement.connection,
        };
        self.say(place, statement);
        self.pushed += 1;
        if self.pushed == 2 * RING {
            self.pushed = RING;
        }
    }

    const fn say(&mut self, place: usize, statement: Statement) {
        let said = statement.class.index() as u64 | (statement.proven as u64) << 3;
        self.said = self.said & !(0xf << (4 * place)) | said << (4 * place);
    }

    fn len(&self) -> usize {
        usize::from(self.pushed.min(RING))
    }

    /// Where the piece is that was pushed so many before the newest.
    fn place(&self, back: usize) -> Option<usize> {
        let newest = (usize::from(self.pushed) + MOST_PIECES - 1) % MOST_PIECES;
        (back < self.len()).then(|| (newest + MOST_PIECES - back) % MOST_PIECES)
    }

    /// Pieces that the newest statement was worth: same moment, same connection.
    fn worth_of_newest(&self) -> usize {
        let Some(newest) = self.place(0).map(|place| self.pieces[place]) else {
            return 0;
        };
        (0..self.len())
            .map_while(|back| self.place(back))
            .take_while(|place| {
                let piece = self.pieces[*place];
                piece.at_ms == newest.at_ms && piece.connection == newest.connection
            })
            .count()
    }
}

/// The low bits of a time in ms.
const fn millis(ns: u64) -> u32 {
    (ns / 1_000_000) as u32
}

/// From `then` to `now`; 0 when `now` is earlier.
const fn elapsed(now: u32, then: u32) -> u32 {
    let elapsed = now.wrapping_sub(then);
    if elapsed > u32::MAX / 2 { 0 } else { elapsed }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64, connection: u32, class: Class) -> Statement {
        Statement {
            class,
            proven: false,
            connection,
            at_ns: ms * 1_000_000,
            worth: 1,
            again: false,
        }
    }

    #[test]
    fn what_is_said_in_one_instant_is_one_piece() {
        let mut history = History::default();
        for connection in 0..100 {
            history.record(at(7, connection, Class::Dos), Apart::ByTime(5));
        }
        assert_eq!(history.agreement(Class::Dos, 16).agreeing, 1);
        history.record(at(12, 1, Class::Dos), Apart::ByTime(5));
        let agreement = history.agreement(Class::Dos, 16);
        assert_eq!(agreement.agreeing, 2);
        assert_eq!(agreement.over, Duration::from_millis(5));
    }

    #[test]
    fn the_connection_that_began_an_instant_may_change_its_mind() {
        let mut history = History::default();
        history.record(at(1, 1, Class::Dos), Apart::ByTime(5));
        assert!(!history.record(at(2, 2, Class::Dos), Apart::ByTime(5)));
        history.record(at(3, 1, Class::Normal), Apart::ByTime(5));
        assert_eq!(history.agreement(Class::Dos, 4).agreeing, 0);
    }

    #[test]
    fn a_connection_is_one_piece_however_long_it_talks() {
        let mut history = History::default();
        for round in 0..10 {
            for connection in 0..3 {
                let class = if round < 9 { Class::Normal } else { Class::R2l };
                let ms = 1_000 * round + 100 * u64::from(connection);
                history.record(at(ms, connection, class), Apart::ByConnection(20));
            }
        }
        assert_eq!(history.agreement(Class::R2l, 16).agreeing, 3);
        assert_eq!(history.agreement(Class::Normal, 16).agreeing, 0);
    }

    #[test]
    fn only_the_latest_count_and_silence_forgets() {
        let mut history = History::default();
        for n in 0..100 {
            let class = if n < 98 { Class::Dos } else { Class::Normal };
            history.record(at(10 * n, n as u32, class), Apart::ByTime(5));
        }
        assert_eq!(history.agreement(Class::Dos, 4).agreeing, 2);
        assert_eq!(history.agreement(Class::Dos, 16).agreeing, 14);
        history.record(at(400_000, 1, Class::Dos), Apart::ByTime(5));
        assert_eq!(history.agreement(Class::Dos, 16).agreeing, 1);
    }

    #[test]
    fn a_statement_worth_two_is_two_pieces() {
        let mut history = History::default();
        let double = |ms| Statement {
            worth: 2,
            ..at(ms, 1, Class::Dos)
        };
        history.record(at(1, 1, Class::Normal), Apart::ByTime(5));
        history.record(double(2), Apart::ByTime(5));
        assert_eq!(history.agreement(Class::Dos, 16).agreeing, 2);
        history.record(double(3), Apart::ByTime(5));
        assert_eq!(history.agreement(Class::Dos, 16).agreeing, 2);
        history.record(double(20), Apart::ByTime(5));
        assert_eq!(history.agreement(Class::Dos, 16).agreeing, 4);
    }

    #[test]
    fn the_clock_of_the_pieces_may_wrap() {
        let mut history = History::default();
        let before = u64::from(u32::MAX) - 3;
        history.record(at(before, 1, Class::Dos), Apart::ByTime(5));
        history.record(at(before + 10, 2, Class::Dos), Apart::ByTime(5));
        assert_eq!(history.agreement(Class::Dos, 16).agreeing, 2);
    }
}
