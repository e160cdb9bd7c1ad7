//! The agent as a process, its API and its command line.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, pipe},
    os::unix::fs::fchown,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Instant,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use ureq::http::{Request, StatusCode};

use crate::{
    lab::{PATIENCE, Place, eventually, unique},
    model,
};

/// Where an agent keeps its things; goes with this, and so does what an agent left in the kernel.
#[derive(Debug)]
pub(crate) struct Home {
    folder: tempfile::TempDir,
    pub(crate) bpf_root: PathBuf,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            bpf_root: PathBuf::from(format!("/run/{}", unique())),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Whether a file system is mounted on the root of the pins.
    pub(crate) fn is_mounted(&self) -> bool {
        let root = format!(" {} ", self.bpf_root.display());
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
        mounts.lines().any(|line| line.contains(&root))
    }

    /// `tidegate detach`.
    pub(crate) fn detach(&self) -> Ran {
        let root = self.bpf_root.to_str().unwrap();
        ran(binary().args(["detach", "--bpf-root", root]))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let root = &self.bpf_root;
        let _ = binary().arg("detach").arg("--bpf-root").arg(root).output();
        if self.is_mounted() {
            let _ = Command::new("umount").arg("-l").arg(root).output();
        }
        let _ = fs::remove_dir(root);
    }
}

/// How an agent is started.
#[derive(Clone, Debug)]
pub(crate) struct Settings<'a> {
    pub(crate) interfaces: &'a [&'a str],
    /// Contents of the configuration file.
    pub(crate) config: &'a str,
    pub(crate) flags: &'a [&'a str],
    pub(crate) port: u16,
    /// The model that comes with the build; else one that condemns whoever opens more than a hundred connections in
    /// two seconds, and nobody else.
    pub(crate) shipped_model: bool,
    /// Instead of that, one that condemns unanswered SYNs to whoever gets more than a hundred connections in two
    /// seconds.
    pub(crate) counts_victims: bool,
}

impl Default for Settings<'_> {
    fn default() -> Self {
        Self {
            interfaces: &["p1", "p2", "p3"],
            config: "",
            flags: &["--placement", "transit"],
            port: 8080,
            shipped_model: false,
            counts_victims: false,
        }
    }
}

impl Settings<'_> {
    /// The arguments, with every file in its place.
    pub(crate) fn arguments(&self, home: &Home) -> Vec<String> {
        let mut arguments = vec!["run".to_owned()];
        for interface in self.interfaces {
            arguments.extend(["-i".to_owned(), (*interface).to_owned()]);
        }
        let mut option = |name: &str, value: &Path| {
            arguments.extend([name.to_owned(), value.display().to_string()]);
        };
        option("--config", &home.write("tidegate.toml", self.config));
        option("--bpf-root", &home.bpf_root);
        option("--token-file", &home.path("token"));
        if !self.flags.contains(&"--journal") {
            option("--journal", &home.path("journal.db"));
        }
        if !self.shipped_model && !self.flags.contains(&"--model") {
            option(
                "--model",
                &home.write(
                    "model.json",
                    &if self.counts_victims {
                        model::by_victims_count()
                    } else {
                        model::by_source_count()
                    },
                ),
            );
        }
        option("--api", Path::new(&format!("127.0.0.1:{}", self.port)));
        arguments.extend(self.flags.iter().map(|&flag| flag.to_owned()));
        arguments
    }

    /// Starts an agent that can't start.
    pub(crate) fn refused(&self, place: &Place, home: &Home) -> Ran {
        let mut command = place.command(env!("CARGO_BIN_EXE_tidegate"));
        ran(without_settings(&mut command).args(self.arguments(home)))
    }
}

/// A running agent.
#[derive(Debug)]
pub(crate) struct Agent {
    child: Child,
    place: Place,
    log: PathBuf,
    token_file: PathBuf,
    port: u16,
}

impl Agent {
    /// Starts one and waits until it says that it is ready.
    pub(crate) fn start(place: &Place, home: &Home, settings: &Settings<'_>) -> Self {
        let mut command = place.command(env!("CARGO_BIN_EXE_tidegate"));
        let command = without_settings(&mut command);
        Self::launch(
            command.args(settings.arguments(home)),
            place,
            home,
            settings.port,
        )
    }

    /// As [`Agent::start`], with a command of one's own.
    pub(crate) fn launch(command: &mut Command, place: &Place, home: &Home, port: u16) -> Self {
        let log = home.path("log");
        let (stdout, writer) = pipe().unwrap();
        // An agent without root's rights must be able to open it again.
        fchown(&writer, Some(65_534), None).unwrap();
        let child = command
            // Nothing else is written to stdout, so it may as well say when everything is attached.
            .args(["--once-ready-fd", "1"])
            .stdin(Stdio::null())
            .stdout(writer)
            .stderr(
                fs::File::options()
                    .create(true)
                    .append(true)
                    .open(&log)
                    .unwrap(),
            )
            .spawn()
            .unwrap();
        // The command holds the end to write on.
        command.stdout(Stdio::null());
        let agent = Self {
            child,
            place: place.clone(),
            log,
            token_file: home.path("token"),
            port,
        };
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || sender.send(BufReader::new(stdout).lines().next()));
        match receiver.recv_timeout(PATIENCE) {
            Ok(Some(Ok(line))) if line == "ready" => agent,
            other => panic!("the agent did not get ready: {other:?}"),
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// Its /proc/PID/status.
    pub(crate) fn process_status(&self) -> String {
        fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap()
    }

    /// Waits for its end; its exit code, `None` after a signal.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        eventually("the agent ends", || self.child.try_wait().unwrap()).code()
    }

    /// Ends it as a crash would.
    pub(crate) fn crash(mut self) {
        self.signal(Signal::SIGKILL);
        assert_eq!(self.ended(), None);
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, "");
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }

    pub(crate) fn put(&self, path: &str, body: &str) -> Value {
        let (status, body) = self.ask("PUT", path, body);
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }

    /// One of the kernel's counters.
    pub(crate) fn counter(&self, name: &str) -> u64 {
        self.get("/v1/stats")["counters"][name].as_u64().unwrap()
    }

    /// Decisions in force.
    pub(crate) fn decisions(&self) -> Vec<Value> {
        self.get("/v1/decisions").as_array().unwrap().clone()
    }

    /// The decision with this number, in force or not.
    pub(crate) fn decision(&self, id: u64) -> Value {
        let all = self.get("/v1/decisions?all=true");
        let mut all = all.as_array().unwrap().iter();
        all.find(|decision| decision["id"] == id).unwrap().clone()
    }

    /// `tidegate decisions …` against this agent.
    pub(crate) fn decide(&self, words: &str) -> Ran {
        self.tell(&format!("decisions {words}"))
    }

    /// `tidegate …` against this agent.
    pub(crate) fn tell(&self, words: &str) -> Ran {
        let mut command = self.place.command(env!("CARGO_BIN_EXE_tidegate"));
        let command = without_settings(&mut command)
            .env("TIDEGATE_API", format!("127.0.0.1:{}", self.port))
            .env("TIDEGATE_TOKEN_FILE", &self.token_file)
            .env("TIDEGATE_OUTPUT", "json");
        ran(command.args(words.split(' ')))
    }

    /// `GET path` by curl, as it comes, for at most `seconds`.
    pub(crate) fn listen(&self, path: &str, seconds: u32) -> Child {
        let mut command = self.place.command("curl");
        command
            .args(["-sN", "--max-time", &seconds.to_string()])
            .arg(format!("http://127.0.0.1:{}{path}", self.port))
            .stdout(Stdio::piped());
        command.spawn().unwrap()
    }

    /// `tidegate decisions add …`, which must succeed; the decision's number.
    pub(crate) fn add(&self, words: &str) -> u64 {
        let ran = self.decide(&format!("add {words}"));
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let decision: Value = serde_json::from_str(&ran.stdout).unwrap();
        decision["id"].as_u64().unwrap()
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (StatusCode, Value) {
        let token = fs::read_to_string(&self.token_file).unwrap();
        let request = Request::builder()
            .method(method)
            .uri(format!("http://127.0.0.1:{}{path}", self.port))
            .header("authorization", format!("Bearer {}", token.trim()))
            .header("content-type", "application/json")
            .body(body.to_owned())
            .unwrap();
        self.place.inside(|| {
            let client = ureq::Agent::config_builder()
                .timeout_global(Some(PATIENCE))
                .http_status_as_error(false)
                .proxy(None)
                .build()
                .new_agent();
            let mut response = client.run(request).unwrap();
            (response.status(), response.body_mut().read_json().unwrap())
        })
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the agent's log:\n{}", self.log());
        }
    }
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    /// `None` when it was killed by a signal.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The one line on stderr of a run that failed with this code.
    pub(crate) fn failed(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "{self:?}");
        let line = self.stderr.strip_suffix('\n').unwrap();
        assert!(!line.contains('\n'), "more than one line: {line}");
        line.strip_prefix("tidegate: ").unwrap()
    }
}

/// Runs a command to its end; kills it when it does not come.
pub(crate) fn ran(command: &mut Command) -> Ran {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    while child.try_wait().unwrap().is_none() && Instant::now() < deadline {
        thread::sleep(std::time::Duration::from_millis(10));
    }
    let _ = child.kill();
    let status = child.wait().unwrap();
    let text = |mut pipe: Box<dyn std::io::Read>| {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text
    };
    Ran {
        code: status.code(),
        stdout: text(Box::new(child.stdout.take().unwrap())),
        stderr: text(Box::new(child.stderr.take().unwrap())),
    }
}

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    without_settings(&mut command);
    command
}

/// Every flag has a variable; those around the tests are not meant for the agent.
pub(crate) fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TIDEGATE_") {
            command.env_remove(name);
        }
    }
    command.env_remove("RUST_LOG")
}
