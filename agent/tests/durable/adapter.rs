//! What 2.x understands, in front of a 1.x: `/api/v2/write` becomes `/write`, byte for byte. And the answers of a
//! server that is busy.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Instant,
};

use crate::influxd::{DATABASE, client};

pub(crate) const TOKEN: &str = "t0ken-of-the-test";

/// A server that lives as long as the test's process.
pub(crate) struct Adapter {
    port: u16,
    shared: Arc<Shared>,
}

/// A request that was read to its end.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    /// Method, path and query.
    pub(crate) target: String,
    /// Of the body.
    pub(crate) digest: u64,
    pub(crate) bytes: usize,
    pub(crate) points: usize,
}

#[derive(Default)]
struct Shared {
    /// Requests with more bytes are neither read nor answered but hung up on; 0 for none.
    rude_above: AtomicUsize,
    /// Requests the server said 413 to.
    too_large: AtomicU32,
    /// Requests still to be answered with 503 or 429.
    busy: AtomicU32,
    /// What such an answer has as its Retry-After.
    retry_after: Mutex<String>,
    seen: Mutex<Vec<Seen>>,
}

impl Adapter {
    pub(crate) fn start(influxd: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared::default());
        let of_server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&of_server);
                // A client that goes away in the middle ends its thread.
                std::thread::spawn(move || serve(&stream, influxd, &shared));
            }
        });
        Self { port, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Answers the next requests with 503 and 429 by turns.
    pub(crate) fn be_busy(&self, requests: u32, retry_after: &str) {
        retry_after.clone_into(&mut self.shared.retry_after.lock().unwrap());
        self.shared.busy.store(requests, Ordering::SeqCst);
    }

    /// Requests that are still to be refused.
    pub(crate) fn busy(&self) -> u32 {
        self.shared.busy.load(Ordering::SeqCst)
    }

    /// Hangs up on larger requests.
    pub(crate) fn be_rude_above(&self, bytes: usize) {
        self.shared.rude_above.store(bytes, Ordering::SeqCst);
    }

    /// Requests so far that were too large for the server.
    pub(crate) fn too_large(&self) -> u32 {
        self.shared.too_large.load(Ordering::SeqCst)
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }
}

fn serve(stream: &TcpStream, influxd: u16, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let header = |name: &str| {
            let of_name = |line: &&String| line.to_ascii_lowercase().starts_with(name);
            let line = lines.iter().find(of_name)?;
            Some(line.split_once(": ")?.1.to_owned())
        };
        let length = header("content-length:")?.parse().ok()?;
        let most = shared.rude_above.load(Ordering::SeqCst);
        if most > 0 && length > most {
            return None;
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let points = body.iter().filter(|byte| **byte == b'\n').count();
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        shared.seen.lock().unwrap().push(Seen {
            at: Instant::now(),
            target: lines[0].clone(),
            digest: hasher.finish(),
            bytes: body.len(),
            points,
        });
        let (status, extra, text) = if header("authorization:") != Some(format!("Token {TOKEN}")) {
            (401, String::new(), "unauthorized access".to_owned())
        } else if !lines[0].starts_with("POST /api/v2/write?bucket=gate&org=testers&precision=ns ")
        {
            (400, String::new(), format!("not understood: {}", lines[0]))
        } else if let Ok(left) =
            shared
                .busy
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
        {
            let status = if left % 2 == 0 { 429 } else { 503 };
            let wait = shared.retry_after.lock().unwrap();
            let extra = format!("Retry-After: {wait}\r\n");
            (status, extra, "busy".to_owned())
        } else {
            let url = format!("http://127.0.0.1:{influxd}/write?precision=ns&db={DATABASE}");
            match client().post(url).send(&body[..]) {
                Ok(mut answer) => {
                    let text = answer.body_mut().read_to_string().ok()?;
                    (answer.status().as_u16(), String::new(), text)
                }
                Err(error) => (502, String::new(), error.to_string()),
            }
        };
        if status == 413 {
            shared.too_large.fetch_add(1, Ordering::SeqCst);
        }
        let content = if status == 204 {
            String::new()
        } else {
            format!("Content-Length: {}\r\n\r\n{text}", text.len())
        };
        let end = if status == 204 { "\r\n" } else { "" };
        write!(writer, "HTTP/1.1 {status} x\r\n{extra}{content}{end}").ok()?;
    }
}
