//! Ring 2: the loaded programs, by `BPF_PROG_TEST_RUN`. Needs root.

mod actions;
mod bench;
mod control;
mod counters;
mod enforcer;
mod events;
mod overload;
mod parity;
mod restart;
mod verdicts;
