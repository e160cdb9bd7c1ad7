//! Counter slots, handed out and taken back.

use tidegate_common::verdict::MAX_VERDICTS;

/// Which slots are free.
#[derive(Debug)]
pub(super) struct Slots {
    /// Taken back, ready for another verdict.
    returned: Vec<u32>,
    /// From here on none was ever handed out.
    next: u32,
    taken: Vec<bool>,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self {
            returned: Vec::new(),
            next: 0,
            taken: vec![false; MAX_VERDICTS as usize],
        }
    }

    /// A free slot; `None` when all are taken.
    pub(super) fn take(&mut self) -> Option<u32> {
        let slot = loop {
            match self.returned.pop() {
                // Reserved after it had come back.
                Some(slot) if self.taken[slot as usize] => {}
                Some(slot) => break slot,
                None => {
                    while self.next < MAX_VERDICTS && self.taken[self.next as usize] {
                        self.next += 1;
                    }
                    if self.next == MAX_VERDICTS {
                        return None;
                    }
                    self.next += 1;
                    break self.next - 1;
                }
            }
        };
        self.taken[slot as usize] = true;
        Some(slot)
    }

    /// Takes a certain slot, as a restored verdict has it; says whether it was free.
    pub(super) fn reserve(&mut self, slot: u32) -> bool {
        match self.taken.get_mut(slot as usize) {
            Some(taken) if !*taken => {
                *taken = true;
                true
            }
            _ => false,
        }
    }

    pub(super) fn give_back(&mut self, slot: u32) {
        if let Some(taken) = self.taken.get_mut(slot as usize)
            && *taken
        {
            *taken = false;
            self.returned.push(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_is_handed_out_once() {
        let mut slots = Slots::new();
        assert!(slots.reserve(3));
        assert!(!slots.reserve(3));
        assert!(!slots.reserve(MAX_VERDICTS));
        let mut seen = vec![false; MAX_VERDICTS as usize];
        seen[3] = true;
        while let Some(slot) = slots.take() {
            assert!(!seen[slot as usize], "slot {slot} twice");
            seen[slot as usize] = true;
        }
        assert!(seen.iter().all(|seen| *seen));
        slots.give_back(9);
        slots.give_back(9);
        assert_eq!(slots.take(), Some(9));
        assert_eq!(slots.take(), None);
    }
}
