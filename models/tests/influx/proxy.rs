//! What stands between a client and a server and makes trouble.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use tidegate_influx::testing::DATABASE;

/// What happens to requests that are of interest.
#[derive(Default)]
pub(crate) struct Tricks {
    /// Writes still to be answered with 503.
    pub(crate) busy: u32,
    /// And what they have as Retry-After.
    pub(crate) retry_after: &'static str,
    /// Writes with more bytes are answered with 413.
    pub(crate) most: Option<usize>,
    /// After so many writes all are answered with 503.
    pub(crate) writes: Option<u32>,
    /// Rows come up to this byte of the answer.
    pub(crate) cut: Option<u64>,
    /// Rows are asked for with this LIMIT.
    pub(crate) limit: Option<u32>,
}

/// A server that lives as long as the test's process.
pub(crate) struct Proxy {
    port: u16,
    tricks: Arc<Mutex<Tricks>>,
    seen: Arc<Mutex<Vec<(String, usize)>>>,
}

impl Proxy {
    pub(crate) fn start(influxd: u16, tricks: Tricks) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let tricks = Arc::new(Mutex::new(tricks));
        let seen = Arc::default();
        let (of_server, seen_by_server) = (Arc::clone(&tricks), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (tricks, seen) = (Arc::clone(&of_server), Arc::clone(&seen_by_server));
                // A client that goes away in the middle ends its thread.
                std::thread::spawn(move || serve(&stream, influxd, &tricks, &seen));
            }
        });
        Self { port, tricks, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn set(&self, tricks: Tricks) {
        *self.tricks.lock().unwrap() = tricks;
    }

    /// First lines and lengths of the requests since the last look.
    pub(crate) fn seen(&self) -> Vec<(String, usize)> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }
}

/// One request; the connection is closed after it.
fn serve(
    client: &TcpStream,
    influxd: u16,
    tricks: &Mutex<Tricks>,
    seen: &Mutex<Vec<(String, usize)>>,
) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        lines.push(line);
    }
    let length = lines.iter().find_map(|line| {
        let line = line.to_ascii_lowercase();
        line.strip_prefix("content-length:")?.trim().parse().ok()
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    seen.lock()
        .unwrap()
        .push((lines[0].trim_end().to_owned(), body.len()));
    let mut writer = client;
    if let Some((status, extra)) = refusal(&lines[0], body.len(), tricks) {
        let head = format!("HTTP/1.1 {status} x\r\n{extra}Content-Length: 8\r\nConnection: close");
        return write!(writer, "{head}\r\n\r\nthe test").ok();
    }
    let v2 = format!("/api/v2/write?bucket={DATABASE}&org=testers&");
    lines[0] = lines[0].replace(&v2, &format!("/write?db={DATABASE}&"));
    let mut most = u64::MAX;
    if lines[0].contains("chunked=true") {
        let tricks = tricks.lock().unwrap();
        most = tricks.cut.unwrap_or(most);
        if let Some(limit) = tricks.limit {
            let order = "ORDER%20BY%20time";
            assert!(lines[0].contains(order), "{}", lines[0]);
            lines[0] = lines[0].replace(order, &format!("{order}%20LIMIT%20{limit}"));
        }
    }
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, influxd)).ok()?;
    let head = lines.concat();
    server
        .write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())
        .ok()?;
    server.write_all(&body).ok()?;
    std::io::copy(&mut server.take(most), &mut writer).ok()?;
    Some(())
}

/// Status and headers for a write that is not to succeed.
fn refusal(line: &str, length: usize, tricks: &Mutex<Tricks>) -> Option<(u16, String)> {
    if !line.contains("/write") {
        return None;
    }
    let mut tricks = tricks.lock().unwrap();
    let busy = || Some((503, format!("Retry-After: {}\r\n", tricks.retry_after)));
    if tricks.writes == Some(0) {
        return busy();
    }
    if tricks.busy > 0 {
        let answer = busy();
        tricks.busy -= 1;
        return answer;
    }
    if tricks.most.is_some_and(|most| length > most) {
        return Some((413, String::new()));
    }
    if let Some(writes) = &mut tricks.writes {
        *writes -= 1;
    }
    None
}
