//! Words shared between CPUs, on every target.
//!
//! Rust's BPF target offers only part of `AtomicU64`: no `fetch_add`, because it lacks compare-and-swap, and no
//! loads and stores that LLVM could translate, because plain 64-bit ones are atomic there anyway. The instruction
//! for addition exists; the form that also fetches does not at the instruction set version that the target has.

#[cfg(target_arch = "bpf")]
use core::cell::UnsafeCell;
#[cfg(not(target_arch = "bpf"))]
use core::sync::atomic::AtomicU32;
use core::sync::atomic::AtomicU64;

/// A 64-bit word that several CPUs read and change; no ordering beyond the word itself.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct SharedU64(AtomicU64);

impl SharedU64 {
    /// A word with a value.
    #[inline(always)]
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    /// A word in a map value.
    ///
    /// # Safety
    ///
    /// `pointer` is valid and aligned for as long as the reference lives, and nobody changes what it points to but
    /// through this type (or in the kernel, which knows only whole words).
    #[inline(always)]
    #[must_use]
    #[expect(unsafe_code, reason = "map values are reached through pointers")]
    pub const unsafe fn from_ptr<'a>(pointer: *mut u64) -> &'a Self {
        // SAFETY: transparent over `AtomicU64`, which is laid out as `u64`; the rest is the caller's promise.
        unsafe { &*pointer.cast::<Self>() }
    }
}

#[cfg(not(target_arch = "bpf"))]
impl SharedU64 {
    /// Its value.
    #[inline(always)]
    #[must_use]
    pub fn load(&self) -> u64 {
        self.0.load(core::sync::atomic::Ordering::Relaxed)
    }

    /// Replaces its value.
    #[inline(always)]
    pub fn store(&self, value: u64) {
        self.0.store(value, core::sync::atomic::Ordering::Relaxed);
    }

    /// Adds `n`.
    #[inline(always)]
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, core::sync::atomic::Ordering::Relaxed);
    }
}

#[cfg(target_arch = "bpf")]
#[expect(unsafe_code, reason = "volatile access and a compiler intrinsic")]
impl SharedU64 {
    /// Its value.
    #[inline(always)]
    #[must_use]
    pub fn load(&self) -> u64 {
        // SAFETY: the pointer comes from a reference.
        unsafe { self.0.as_ptr().read_volatile() }
    }

    /// Replaces its value.
    #[inline(always)]
    pub fn store(&self, value: u64) {
        // SAFETY: the pointer comes from a reference to a word with interior mutability.
        unsafe { self.0.as_ptr().write_volatile(value) }
    }

    /// Adds `n`.
    #[inline(always)]
    pub fn add(&self, n: u64) {
        use core::intrinsics::{AtomicOrdering, atomic_xadd};
        // SAFETY: as above.
        unsafe { atomic_xadd::<u64, u64, { AtomicOrdering::Relaxed }>(self.0.as_ptr(), n) };
    }
}

/// A 32-bit word that several CPUs read and replace; the BPF target has no atomic type of this size, though its loads
/// and stores are whole.
#[cfg(not(target_arch = "bpf"))]
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct SharedU32(AtomicU32);

#[cfg(not(target_arch = "bpf"))]
impl SharedU32 {
    /// A word with a value.
    #[inline(always)]
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self(AtomicU32::new(value))
    }

    /// Its value.
    #[inline(always)]
    #[must_use]
    pub fn load(&self) -> u32 {
        self.0.load(core::sync::atomic::Ordering::Relaxed)
    }

    /// Replaces its value.
    #[inline(always)]
    pub fn store(&self, value: u32) {
        self.0.store(value, core::sync::atomic::Ordering::Relaxed);
    }
}

/// A 32-bit word that several CPUs read and replace.
#[cfg(target_arch = "bpf")]
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct SharedU32(UnsafeCell<u32>);

// SAFETY: it is read and written in whole words, by one instruction each.
#[cfg(target_arch = "bpf")]
#[expect(unsafe_code, reason = "what an atomic type would have")]
unsafe impl Sync for SharedU32 {}

#[cfg(target_arch = "bpf")]
#[expect(unsafe_code, reason = "volatile access")]
impl SharedU32 {
    /// A word with a value.
    #[inline(always)]
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Its value.
    #[inline(always)]
    #[must_use]
    pub fn load(&self) -> u32 {
        // SAFETY: the pointer comes from a reference.
        unsafe { self.0.get().read_volatile() }
    }

    /// Replaces its value.
    #[inline(always)]
    pub fn store(&self, value: u32) {
        // SAFETY: the pointer comes from a reference to a word with interior mutability.
        unsafe { self.0.get().write_volatile(value) }
    }
}
