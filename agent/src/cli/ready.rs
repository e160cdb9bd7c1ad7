//! Telling whoever started us that we are ready.

use std::{
    fs::{File, OpenOptions},
    io,
    io::Write as _,
};

/// A file descriptor we were started with, on which somebody waits for one line.
#[derive(Debug)]
pub struct Ready {
    fd: i32,
    file: File,
}

impl Ready {
    /// To be called before anything else is opened: later the number may be that of something of ours.
    ///
    /// # Errors
    ///
    /// When it is not open for writing. Pipes and files work, sockets do not.
    pub fn open(fd: i32) -> io::Result<Self> {
        // Through /proc, since taking over a bare number can't be checked.
        let file = OpenOptions::new()
            .write(true)
            .open(format!("/proc/self/fd/{fd}"))?;
        Ok(Self { fd, file })
    }

    /// Writes `ready` and a newline, and closes the descriptor.
    ///
    /// # Errors
    ///
    /// When nobody reads it any more.
    pub fn notify(mut self) -> io::Result<()> {
        self.file.write_all(b"ready\n")?;
        nix::unistd::close(self.fd)?;
        Ok(())
    }
}
