//! The kernel programs: XDP on ingress, which judges and counts, and TC on egress, which only counts.
//!
//! Everything with a decision in it is in `tidegate-common`, where user space tests it; here are the maps and the
//! order of work.
#![cfg_attr(target_arch = "bpf", no_std, no_main)]
#![expect(
    unsafe_code,
    reason = "map values and packet bytes are reached through pointers"
)]

mod bytes;
mod egress;
mod ingress;
mod maps;
mod observe;

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The kernel offers some helpers to GPL-compatible programs only.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

// On the host this target exists only to be checked and linted.
#[cfg(not(target_arch = "bpf"))]
fn main() {}
