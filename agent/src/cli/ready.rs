//! Telling whoever started us that we are ready.

use std::{fs::OpenOptions, io, io::Write as _};

/// Writes `ready` and a newline to a file descriptor we were started with, and closes it.
///
/// # Errors
///
/// When it is not open for writing. Pipes and files work, sockets do not.
pub fn notify_ready(fd: i32) -> io::Result<()> {
    // Through /proc, since taking over a bare number can't be checked.
    let mut file = OpenOptions::new()
        .write(true)
        .open(format!("/proc/self/fd/{fd}"))?;
    file.write_all(b"ready\n")?;
    nix::unistd::close(fd)?;
    Ok(())
}
