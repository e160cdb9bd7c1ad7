//! Three hosts on a bridge, each in a network namespace.

use std::{
    fs::{self, File},
    io::Write as _,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::PathBuf,
    process::{self, Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use nix::sched::{CloneFlags, setns};
use serde_json::Value;

/// How long anything may take that has to happen; only a failing test waits this long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The bridge's own address in every lab.
pub(crate) const OWN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 254);
/// The default gateway of the namespace the bridge is in; nobody has this address.
pub(crate) const GATEWAY: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 253);

/// A network namespace by name.
#[derive(Clone, Debug)]
pub(crate) struct Place(String);

impl Place {
    /// The folder of /sys stays that of the test, unlike under `ip netns exec`.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net={}", self.path().display()))
            .arg(program);
        command
    }

    /// Runs something in a thread inside the namespace.
    pub(crate) fn inside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(self.path()).unwrap();
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
                work()
            });
            inside.join().unwrap()
        })
    }

    pub(crate) fn ip(&self, words: &str) {
        checked(
            Command::new("ip")
                .args(["-n", &self.0])
                .args(words.split(' ')),
        );
    }

    /// Mode (`native`, `generic`) and id of the XDP program on an interface, as `ip link` sees it.
    pub(crate) fn xdp(&self, interface: &str) -> Option<(&'static str, u64)> {
        let output = checked(
            Command::new("ip").args(["-n", &self.0, "-d", "-j", "link", "show", "dev", interface]),
        );
        let links: Value = serde_json::from_slice(&output.stdout).unwrap();
        let xdp = links[0].get("xdp")?;
        let mode = match xdp["mode"].as_u64().unwrap() {
            1 => "native",
            2 => "generic",
            other => panic!("XDP mode {other} on {interface}"),
        };
        Some((mode, xdp["prog"]["id"].as_u64().unwrap()))
    }

    fn path(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.0)
    }
}

/// A namespace that goes with this.
#[derive(Debug)]
struct Namespace(Place);

impl Namespace {
    fn new(name: String) -> Self {
        checked(Command::new("ip").args(["netns", "add", &name]));
        let namespace = Self(Place(name));
        namespace.0.ip("link set lo up");
        namespace
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip")
            .args(["netns", "del", &self.0.0])
            .output();
    }
}

/// Three hosts, `h1` to `h3`, each on its port of a bridge, `p1` to `p3`.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) switch: Place,
    pub(crate) hosts: [Host; 3],
    _namespaces: Vec<Namespace>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        assert!(
            nix::unistd::geteuid().is_root(),
            "these tests make network namespaces and load kernel programs: run them as root"
        );
        let tag = unique();
        let switch = Namespace::new(format!("{tag}-sw"));
        let place = switch.0.clone();
        place.ip("link add br0 type bridge mcast_snooping 0");
        place.ip("link set br0 addrgenmode none up");
        place.ip(&format!("addr add {OWN}/16 dev br0"));
        place.ip(&format!("route add default via {GATEWAY}"));
        let mut namespaces = vec![switch];
        let hosts = [1, 2, 3].map(|number| {
            let namespace = Namespace::new(format!("{tag}-h{number}"));
            let host = Host {
                place: namespace.0.clone(),
                number,
            };
            namespaces.push(namespace);
            host.plug(&place);
            host
        });
        Self {
            switch: place,
            hosts,
            _namespaces: namespaces,
        }
    }

    /// Whether a program runs on any port.
    pub(crate) fn is_watched(&self) -> bool {
        ["p1", "p2", "p3"]
            .iter()
            .any(|port| self.switch.xdp(port).is_some())
    }
}

/// A host on the bridge.
#[derive(Clone, Debug)]
pub(crate) struct Host {
    pub(crate) place: Place,
    number: u8,
}

impl Host {
    pub(crate) fn ip(&self) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 0, self.number)
    }

    pub(crate) fn ip6(&self) -> Ipv6Addr {
        Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, u16::from(self.number))
    }

    /// Its hardware address.
    pub(crate) fn mac(&self) -> String {
        let mac = self.place.inside(|| {
            let addresses = nix::ifaddrs::getifaddrs().unwrap();
            let mut links = addresses.filter(|address| address.interface_name == "eth0");
            links.find_map(|link| link.address?.as_link_addr()?.addr())
        });
        let mac = mac.unwrap().map(|byte| format!("{byte:02x}"));
        mac.join(":")
    }

    /// Makes the veth pair between the host and its port of the bridge.
    pub(crate) fn plug(&self, switch: &Place) {
        let (port, Place(name)) = (format!("p{}", self.number), &self.place);
        switch.ip(&format!(
            "link add {port} type veth peer name eth0 netns {name}"
        ));
        switch.ip(&format!("link set {port} addrgenmode none master br0 up"));
        self.place
            .ip(&format!("addr add {}/16 dev eth0", self.ip()));
        self.place
            .ip(&format!("addr add {}/64 dev eth0 nodad", self.ip6()));
        self.place.ip("link set eth0 up");
    }

    pub(crate) fn command(&self, program: &str) -> Command {
        self.place.command(program)
    }

    /// Answers to so many pings, five a second.
    pub(crate) fn ping(&self, target: impl ToString, count: u32) -> u32 {
        let output = self
            .command("ping")
            .args(["-n", "-q", "-i", "0.2", "-W", "1", "-c"])
            .args([&count.to_string(), &target.to_string()])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let answers = text
            .split_once(" packets transmitted, ")
            .and_then(|(_, rest)| rest.split_once(" received"));
        let Some((answers, _)) = answers else {
            panic!(
                "ping said: {text}{}",
                String::from_utf8_lossy(&output.stderr)
            );
        };
        answers.parse().unwrap()
    }

    /// Echo requests at a fixed rate, whether they are answered or not.
    pub(crate) fn flood(&self, target: Ipv4Addr, interval_us: u32, count: u32) -> Running {
        self.hping(&format!("-1 -i u{interval_us} -c {count} {target}"))
    }

    pub(crate) fn hping(&self, words: &str) -> Running {
        Running::start(
            self.command("hping3")
                .args(["-q", "-n"])
                .args(words.split(' ')),
        )
    }

    /// Serves the files of a folder over HTTP; answers once it listens.
    pub(crate) fn serve(&self, port: u16, folder: &std::path::Path) -> Running {
        let mut command = self.command("python3");
        command
            .args(["-m", "http.server", &port.to_string(), "--directory"])
            .arg(folder);
        let server = Running::start(&mut command);
        eventually("the web server listens", || {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            self.place
                .inside(|| TcpStream::connect(address).is_ok())
                .then_some(())
        });
        server
    }

    /// Asks by curl; its exit code and what it printed.
    pub(crate) fn curl(&self, arguments: &[&str]) -> (i32, String) {
        let output = self
            .command("curl")
            .args(["-s", "--noproxy", "*", "--max-time", "5"])
            .args(arguments)
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
        )
    }

    /// Echo requests that have arrived.
    pub(crate) fn echo_requests(&self) -> u64 {
        let table = self
            .place
            .inside(|| fs::read_to_string("/proc/thread-self/net/snmp").unwrap());
        let mut rows = table.lines().filter(|line| line.starts_with("Icmp:"));
        let (names, values) = (rows.next().unwrap(), rows.next().unwrap());
        let column = names.split(' ').position(|name| name == "InEchos").unwrap();
        values.split(' ').nth(column).unwrap().parse().unwrap()
    }
}

/// A process that ends with this at the latest.
#[derive(Debug)]
pub(crate) struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Self(command.spawn().unwrap())
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) {
        eventually("a traffic generator ends", || {
            self.0.try_wait().unwrap().map(drop)
        });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Part of names that are global to the machine.
pub(crate) fn unique() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("tn{}-{number}", process::id())
}

/// Waits until there is an answer.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = look() {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "in {} s it did not happen that {what}",
            PATIENCE.as_secs()
        );
        thread::sleep(Duration::from_millis(50));
    }
}

pub(crate) fn checked(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    if !output.status.success() {
        let _ = std::io::stderr().write_all(&output.stderr);
        panic!("{command:?}: {}", output.status);
    }
    output
}
