//! Cargo wants a library target before another package may depend on this one; the programs are in `main.rs`.
#![no_std]
