//! The service, started as anybody would, and asked over its own socket.

mod bitbucket;
mod compared;
mod dashboard;
mod github;
mod gitlab;
mod native;
mod operation;
mod retried;
mod shared;
mod stored;

use crate::{
    bench::{self, Bench},
    tidy::root,
};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    process::Child,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// How long anything may take before a test has failed.
const PATIENCE: Duration = Duration::from_secs(120);

/// A bench whose service has the example in its store.
pub(super) fn filled() -> Bench {
    let bench = Bench::new();
    fs::copy(root().join("examples/acme.tar.gz"), bench.path("acme.tar.gz")).unwrap();
    bench.ok("migrate github-archive:acme.tar.gz local:.packhorse/store --no-verify");
    bench
}

/// A running service; killed when it goes out of scope.
pub(super) struct Server {
    child: Child,
    pub(super) address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|it| it.0.eq_ignore_ascii_case(name));
        found.map(|it| it.1.as_str())
    }

    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Server {
    /// Starts the service; comes back when it listens.
    pub(super) fn start(bench: &Bench) -> Self {
        Self::start_with(bench, "")
    }

    /// Starts the service with more arguments.
    pub(super) fn start_with(bench: &Bench, arguments: &str) -> Self {
        let mut child = bench.start(&format!("serve --listen 127.0.0.1:0 {arguments}"));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let address = loop {
            let Some(line) = lines.next() else { panic!("it did not start: {said}") };
            let line = line.unwrap();
            if let Some(address) = line.strip_prefix("listening on ") {
                break address.split_once("://").unwrap().1.parse().unwrap();
            }
            said += &(line + "\n");
        };
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *kept.lock().unwrap() += &(line + "\n");
            }
        });
        Self { child, address, log }
    }

    /// What it has said so far.
    pub(super) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Ends it without a word.
    pub(super) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Asks it to stop, and waits until it has; its status.
    pub(super) fn terminate(&mut self) -> Option<i32> {
        bench::terminate(&mut self.child)
    }

    /// Asks for something; `head` has further headers, each with its line end.
    pub(super) fn ask(&self, method: &str, target: &str, head: &str, body: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{head}\r\n",
            self.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        // A server that refuses the body may have answered and gone already.
        drop(stream.write_all(body));
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        parse(&bytes)
    }
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").expect("an answer has a head");
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.filter_map(|it| it.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Answer { status, headers, body: bytes[end + 4..].to_vec() }
}

/// A new token; `arguments` say whose, and what it may do.
pub(super) fn token(bench: &Bench, arguments: &str) -> String {
    bench.ok(&format!("token create {arguments}")).trim().to_owned()
}

/// Asks again until there is an answer.
#[track_caller]
pub(super) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}
