//! Telling the service manager how we are, by the protocol of `sd_notify(3)`: datagrams of `NAME=value` lines.
//!
//! It is these few lines and no crate, because nobody may wait for the service manager: a datagram that finds its
//! queue full is given up, which for the pulse means that the next one is due at once.

use std::{
    env, io,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixDatagram},
    },
    path::Path,
    process,
    sync::Arc,
    time::Duration,
};

/// Where the service manager listens; set by it, for a unit of `Type=notify`.
const SOCKET: &str = "NOTIFY_SOCKET";
/// How often it wants to hear from us at least, in µs.
const WATCHDOG: &str = "WATCHDOG_USEC";
/// Of which process; any if unset.
const WATCHDOG_PROCESS: &str = "WATCHDOG_PID";
/// How often our state is told where nobody waits for it.
const UNWATCHED: Duration = Duration::from_secs(5);

/// The service manager that started us.
#[derive(Clone, Debug)]
pub struct ServiceManager {
    socket: Arc<UnixDatagram>,
    /// Silence after which it ends us.
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one named by the environment; `None` where there is none.
    ///
    /// # Errors
    ///
    /// When nobody listens where the environment says.
    pub fn from_environment() -> io::Result<Option<Self>> {
        let Some(socket) = env::var(SOCKET).ok().filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        let usec = env::var(WATCHDOG).ok();
        let process = env::var(WATCHDOG_PROCESS).ok();
        let watchdog = watchdog(usec.as_deref(), process.as_deref(), process::id());
        Self::at(&socket, watchdog).map(Some)
    }

    /// `socket` is a path, or a name in the abstract namespace after `@`.
    fn at(socket: &str, watchdog: Option<Duration>) -> io::Result<Self> {
        let address = match socket.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None if Path::new(socket).is_absolute() => SocketAddr::from_pathname(socket)?,
            None => {
                let what = format!("{SOCKET}={socket} is no path and no abstract name");
                return Err(io::Error::new(io::ErrorKind::Unsupported, what));
            }
        };
        let sending = UnixDatagram::unbound()?;
        sending.connect_addr(&address)?;
        sending.set_nonblocking(true)?;
        Ok(Self {
            socket: Arc::new(sending),
            watchdog,
        })
    }

    /// The start is over, and it succeeded.
    ///
    /// # Errors
    ///
    /// When the service manager did not take it.
    pub fn ready(&self) -> io::Result<()> {
        self.send("READY=1")
    }

    /// The end has begun.
    ///
    /// # Errors
    ///
    /// When the service manager did not take it.
    pub fn stopping(&self) -> io::Result<()> {
        self.send("STOPPING=1\nSTATUS=detaching")
    }

    /// For the thread whose life is that of the whole.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        // Half of what is allowed, as sd_watchdog_enabled(3) advises.
        let every = self.watchdog.map_or(UNWATCHED, |limit| limit / 2);
        Pulse {
            manager: self.clone(),
            every_ns: u64::try_from(every.as_nanos()).unwrap_or(u64::MAX),
            due_ns: 0,
        }
    }

    fn send(&self, lines: &str) -> io::Result<()> {
        self.socket.send(lines.as_bytes()).map(drop)
    }
}

/// Tells the service manager at intervals that we are alive, and in a line what we do.
#[derive(Debug)]
pub struct Pulse {
    manager: ServiceManager,
    every_ns: u64,
    due_ns: u64,
}

impl Pulse {
    /// Whether it is time for [`Pulse::beat`].
    #[must_use]
    pub const fn is_due(&self, now_ns: u64) -> bool {
        now_ns >= self.due_ns
    }

    /// Tells. The watchdog is fed only if `moves`: whoever only says that nothing moves is ended in the end.
    pub fn beat(&mut self, now_ns: u64, moves: bool, status: &str) {
        let fed = if moves { "WATCHDOG=1\n" } else { "" };
        // Lines end a value; whatever is in there must not begin another.
        let status = status.replace(['\n', '\r'], " ");
        if self.manager.send(&format!("{fed}STATUS={status}")).is_ok() {
            self.due_ns = now_ns.saturating_add(self.every_ns);
        }
    }
}

/// The watchdog's limit, if it is about this process.
fn watchdog(usec: Option<&str>, process: Option<&str>, own: u32) -> Option<Duration> {
    if process.is_some_and(|process| process.parse() != Ok(own)) {
        return None;
    }
    let usec: u64 = usec?.parse().ok()?;
    (usec > 0).then(|| Duration::from_micros(usec))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failing unwrap is a failing test")]

    use super::*;

    const LIMIT: Duration = Duration::from_millis(200);

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 512];
        let len = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..len].to_vec()).unwrap()
    }

    #[test]
    fn a_path_and_an_abstract_name_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let listening = UnixDatagram::bind(&path).unwrap();
        let manager = ServiceManager::at(path.to_str().unwrap(), None).unwrap();
        manager.ready().unwrap();
        assert_eq!(received(&listening), "READY=1");
        drop(listening);
        assert!(manager.ready().is_err(), "nobody listens");
        assert!(ServiceManager::at(dir.path().join("other").to_str().unwrap(), None).is_err());

        let name = format!("tidegate-notify-{}", process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let listening = UnixDatagram::bind_addr(&address).unwrap();
        let manager = ServiceManager::at(&format!("@{name}"), None).unwrap();
        manager.stopping().unwrap();
        assert_eq!(received(&listening), "STOPPING=1\nSTATUS=detaching");
        let error = ServiceManager::at("vsock:2:1", None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    }

    #[test]
    fn the_watchdog_is_fed_twice_within_its_limit_and_only_while_things_move() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let listening = UnixDatagram::bind(&path).unwrap();
        let manager = ServiceManager::at(path.to_str().unwrap(), Some(LIMIT)).unwrap();
        let mut pulse = manager.pulse();
        assert!(pulse.is_due(1));
        pulse.beat(1, true, "all\nREADY=0\rwell");
        assert_eq!(
            received(&listening),
            "WATCHDOG=1\nSTATUS=all READY=0 well",
            "one value"
        );
        let half = u64::try_from(LIMIT.as_nanos()).unwrap() / 2;
        assert!(!pulse.is_due(half) && pulse.is_due(half + 1));
        pulse.beat(half + 1, false, "stuck");
        assert_eq!(received(&listening), "STATUS=stuck");
    }

    #[test]
    fn a_full_queue_makes_nobody_wait_and_is_tried_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let listening = UnixDatagram::bind(&path).unwrap();
        let mut pulse = ServiceManager::at(path.to_str().unwrap(), None)
            .unwrap()
            .pulse();
        // More than any queue holds; the loop would hang here if a send could wait.
        let given_up = (0..100_000).find(|&now_ns| {
            pulse.due_ns = 0;
            pulse.beat(now_ns, true, "x");
            pulse.due_ns == 0
        });
        let now_ns = given_up.unwrap();
        assert!(pulse.is_due(now_ns), "due at once");
        received(&listening);
        pulse.beat(now_ns, true, "x");
        assert!(!pulse.is_due(now_ns));
    }

    #[test]
    fn the_watchdog_may_be_another_processes() {
        let five = Some(Duration::from_secs(5));
        assert_eq!(watchdog(Some("5000000"), None, 7), five);
        assert_eq!(watchdog(Some("5000000"), Some("7"), 7), five);
        assert_eq!(watchdog(Some("5000000"), Some("8"), 7), None);
        for nothing in [None, Some("0"), Some(""), Some("-1"), Some("soon")] {
            assert_eq!(watchdog(nothing, None, 7), None, "{nothing:?}");
        }
    }
}
