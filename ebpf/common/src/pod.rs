//! aya's marker for plain map types.
#![expect(unsafe_code, reason = "`Pod` is an unsafe trait")]

use crate::{
    control::{Budget, Control, OverflowKey},
    flow::{FlowKey, FlowSnapshot},
    stats::Stats,
    verdict::{Verdict, VerdictCounters, VerdictKey},
};

macro_rules! pod {
    ($($type:ty),* $(,)?) => {
        $(
            // SAFETY: `repr(C)`, integers only, and no implicit padding (checked below).
            unsafe impl aya::Pod for $type {}
        )*
    };
}

pod!(
    Budget,
    Control,
    FlowKey,
    FlowSnapshot,
    OverflowKey,
    Stats,
    Verdict,
    VerdictCounters,
    VerdictKey,
);

#[cfg(test)]
mod tests {
    use crate::{
        control::{Control, OverflowKey},
        event::FlowEvent,
        flow::{FlowKey, FlowRecord, FlowSnapshot},
        verdict::{Verdict, VerdictCounters, VerdictKey},
    };

    /// Sums of the fields' sizes: a difference is padding, which the kernel would hash or leak.
    #[test]
    fn layouts_have_no_padding() {
        assert_eq!(size_of::<FlowKey>(), 16 + 16 + 2 + 2 + 1 + 3);
        assert_eq!(size_of::<FlowSnapshot>(), 8 * 2 + 8 * 2 + 8 * 2 + 4 * 2 + 8);
        assert_eq!(size_of::<FlowRecord>(), size_of::<FlowSnapshot>());
        assert_eq!(size_of::<FlowEvent>(), 40 + 64 + 8 + 4 + 1 + 1 + 2);
        assert_eq!(size_of::<VerdictKey>(), 16 + 16 + 2 + 1 + 1 + 4);
        assert_eq!(size_of::<Verdict>(), 8 * 8 + 4 + 1 + 1 + 1 + 1);
        assert_eq!(size_of::<VerdictCounters>(), 8 * 4);
        assert_eq!(size_of::<Control>(), 4 + 4 + 8 + 8 + 4 + 4);
        assert_eq!(size_of::<OverflowKey>(), 16 + 2 + 1 + 5);
    }
}
