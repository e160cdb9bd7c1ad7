//! Benign connections at thousands a second: a hundred clients and twenty
//! servers on each of h1 and h2, each connection a request and its answer.
//!
//! The clients and the servers are this program again (`xtask load …`), inside
//! the hosts. Both end with their standard input.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::interrupt;
use crate::lab::Lab;
use crate::process::Running;

const PORT: u16 = 7777;
/// Third bytes of the clients' addresses in 10.83.0.0/16, and of the servers', of h1 and h2: beyond all that scenarios
/// have (`record::addresses`).
const CLIENT_NETS: [u8; 2] = [201, 202];
const SERVER_NETS: [u8; 2] = [203, 204];
const CLIENTS: u8 = 100;
const SERVERS: u8 = 20;
/// Enough that a slow connection does not hold up the rate.
const THREADS: u32 = 48;
const LONGEST_WAIT: i64 = 2;

/// `xtask load`, for the inside of a host.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Connections a second; without it, be the server
    #[arg(long)]
    rate: Option<u32>,
    /// Third byte of the clients' addresses
    #[arg(long, default_value_t = 0)]
    from: u8,
    /// Third byte of the servers' addresses
    #[arg(long, default_value_t = 0)]
    to: u8,
}

/// What the clients of a host came to.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Served {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) seconds: f64,
}

impl Served {
    pub(crate) fn rate(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
        let done = self.done as f64;
        done / self.seconds.max(1e-9)
    }
}

pub(crate) fn command(args: &Args) -> Result<bool> {
    match args.rate {
        None => serve()?,
        Some(rate) => println!("{}", serde_json::to_string(&drive(rate, args)?)?),
    }
    Ok(true)
}

/// Answers one request a connection.
fn serve() -> Result<()> {
    let listener = Arc::new(TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT))?);
    for _ in 0..THREADS {
        let listener = Arc::clone(&listener);
        thread::spawn(move || {
            loop {
                if let Ok((stream, _)) = listener.accept() {
                    let _ = answer(stream);
                }
            }
        });
    }
    until_input_ends();
    Ok(())
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    let mut request = [0; 512];
    let length = stream.read(&mut request)?;
    // 200 to 3,300 bytes, as the request wants.
    let size = 200 + 100 * usize::from(request[0] % 32);
    stream.write_all(&vec![b'a'; if length > 0 { size } else { 0 }])?;
    // The client closes first; until then it may still be reading.
    while stream.read(&mut request)? > 0 {}
    Ok(())
}

fn drive(rate: u32, args: &Args) -> Result<Served> {
    let over = Arc::new(AtomicBool::new(false));
    let (done, failed) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let began = Instant::now();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (over, done, failed) = (Arc::clone(&over), Arc::clone(&done), Arc::clone(&failed));
            let (from, to) = (args.from, args.to);
            let beat = Duration::from_secs(1) * THREADS / rate.max(1);
            thread::spawn(move || {
                let mut due = began + beat * thread / THREADS;
                let mut number = thread;
                while !over.load(Ordering::Relaxed) {
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    // Behind by more than a second, it does not try to catch up.
                    due = (due + beat).max(Instant::now() - Duration::from_secs(1));
                    number = number.wrapping_add(THREADS + 1);
                    let counter = match ask(from, to, number) {
                        Ok(()) => &done,
                        Err(_) => &failed,
                    };
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    until_input_ends();
    over.store(true, Ordering::Relaxed);
    let seconds = began.elapsed().as_secs_f64();
    for thread in threads {
        let _ = thread.join();
    }
    Ok(Served {
        done: done.load(Ordering::Relaxed),
        failed: failed.load(Ordering::Relaxed),
        seconds,
    })
}

/// A choice of a connection's, from 1 on, that tells nothing of its others.
fn pick(number: u32, among: u8, choice: u32) -> u8 {
    let mut hasher = DefaultHasher::new();
    (number, choice).hash(&mut hasher);
    u8::try_from(hasher.finish() % u64::from(among)).unwrap_or(0) + 1
}

/// One connection: which client, which server and how much follow from its number.
fn ask(from: u8, to: u8, number: u32) -> std::io::Result<()> {
    let client = Ipv4Addr::new(10, 83, from, pick(number, CLIENTS, 1));
    let server = Ipv4Addr::new(10, 83, to, pick(number, SERVERS, 2));
    let client = SocketAddrV4::new(client, 0);
    let server = SocketAddrV4::new(server, PORT);
    let family = AddressFamily::Inet;
    let own = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    // Bounds the connect as well.
    let wait = TimeVal::seconds(LONGEST_WAIT);
    setsockopt(&own, sockopt::SendTimeout, &wait)?;
    setsockopt(&own, sockopt::ReceiveTimeout, &wait)?;
    bind(own.as_raw_fd(), &SockaddrIn::from(client))?;
    connect(own.as_raw_fd(), &SockaddrIn::from(server))?;
    let mut stream = TcpStream::from(own);
    let wanted = pick(number, 32, 3) - 1;
    stream.write_all(&vec![wanted; 100 + usize::from(pick(number, 200, 4))])?;
    let mut left = 200 + 100 * usize::from(wanted);
    let mut buffer = [0; 4096];
    while left > 0 {
        match stream.read(&mut buffer)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            length => left = left.saturating_sub(length),
        }
    }
    Ok(())
}

fn until_input_ends() {
    let mut rest = Vec::new();
    let _ = std::io::stdin().read_to_end(&mut rest);
}

/// Clients and servers on both hosts. Dropping it ends them.
pub(super) struct Load {
    clients: Vec<(Running, Option<ChildStdin>)>,
    _servers: Vec<Running>,
}

impl Load {
    /// `rate` connections a second, half of them in either direction.
    pub(super) fn start(lab: &Lab, rate: u32) -> Result<Self> {
        let sides = [
            (&lab.h1, CLIENT_NETS[0], SERVER_NETS[1]),
            (&lab.h2, CLIENT_NETS[1], SERVER_NETS[0]),
        ];
        let mut servers = Vec::new();
        for ((host, clients, _), servers_here) in sides.iter().zip(SERVER_NETS) {
            give(lab, host, *clients, CLIENTS)?;
            give(lab, host, servers_here, SERVERS)?;
            servers.push(own(host, &[])?);
        }
        interrupt::pause(Duration::from_millis(500))?;
        let mut clients = Vec::new();
        for (host, from, to) in sides {
            let words = [
                "--rate".to_owned(),
                (rate / 2).to_string(),
                "--from".to_owned(),
                from.to_string(),
                "--to".to_owned(),
                to.to_string(),
            ];
            let mut running = own(host, &words)?;
            let input = running.child().stdin.take();
            clients.push((running, input));
        }
        Ok(Self {
            clients,
            _servers: servers,
        })
    }

    /// Ends it; both directions' sum.
    pub(super) fn finish(self) -> Result<Served> {
        let mut total = Served::default();
        for (running, input) in self.clients {
            drop(input);
            let text = running.output_within(Duration::from_secs(15))?;
            let served: Served = serde_json::from_str(text.trim()).context("the load's clients")?;
            total.done += served.done;
            total.failed += served.failed;
            total.seconds = total.seconds.max(served.seconds);
        }
        Ok(total)
    }
}

fn give(lab: &Lab, host: &Host, third: u8, count: u8) -> Result<()> {
    let lines: String = (1..=count)
        .map(|last| {
            format!(
                "address replace 10.83.{third}.{last}/16 dev {}\n",
                host.interface
            )
        })
        .collect();
    let file = lab.run.directory().join("load-addresses");
    std::fs::write(&file, lines)?;
    host.run(&["ip", "-batch", &file.to_string_lossy()])
        .map(drop)
}

fn own(host: &Host, words: &[String]) -> Result<Running> {
    let program = std::env::current_exe()?;
    let mut command: Command = host.command(&program.to_string_lossy());
    command
        .arg("load")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    Running::start(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_asked_and_answered() {
        // The server's half, and a client that wants 31 × 100 more than the least.
        let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
        let address = listener.local_addr().expect("address");
        let server = thread::spawn(move || answer(listener.accept().expect("accepted").0));
        let mut client = TcpStream::connect(address).expect("connected");
        client.write_all(&[31; 120]).expect("sent");
        let mut reply = vec![0; 3300];
        client.read_exact(&mut reply).expect("answered in full");
        drop(client);
        assert!(server.join().expect("joined").is_ok());
    }

    #[test]
    fn no_scenario_has_addresses_of_the_load() {
        let plan = crate::record::plan(false);
        let nets: Vec<u8> = CLIENT_NETS.into_iter().chain(SERVER_NETS).collect();
        for scenario in plan.benign.iter().flatten().chain(&plan.attacks) {
            let own = scenario.own().map(|own| own.0);
            for address in [Some(scenario.source()), own].into_iter().flatten() {
                assert!(!nets.contains(&address.octets()[2]), "{address}");
            }
        }
    }

    #[test]
    fn a_connection_has_any_client_and_any_server() {
        let pairs: std::collections::HashSet<_> = (0..20_000)
            .map(|number| (pick(number, CLIENTS, 1), pick(number, SERVERS, 2)))
            .collect();
        assert_eq!(pairs.len(), usize::from(CLIENTS) * usize::from(SERVERS));
    }

    #[test]
    fn a_rate_of_nothing_is_nothing() {
        assert!(Served::default().rate().abs() < 1e-9);
    }
}
