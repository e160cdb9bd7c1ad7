//! A way to interrupt the pipeline's wait.

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::engine::Wake;

/// An event descriptor that the pipeline polls.
#[derive(Debug)]
pub(super) struct Waker(EventFd);

impl Waker {
    pub(super) fn new() -> nix::Result<Self> {
        EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC).map(Self)
    }

    pub(super) fn clear(&self) {
        // Says EAGAIN when nobody woke us.
        let _ = self.0.read();
    }
}

impl AsFd for Waker {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Wake for Waker {
    fn wake(&self) {
        // Says EAGAIN when the counter is full, and then the pipeline is awake anyway.
        let _ = self.0.write(1);
    }
}
