//! A Git LFS server on loopback that follows the specification, and lies where it is told to.

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    /// With the query.
    pub(super) path: String,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// How the bytes of an object are answered.
#[derive(Clone, Debug)]
pub(super) enum Lie {
    /// These instead.
    Content(Vec<u8>),
    /// A length that is another's, and nothing after it.
    Announces(u64),
    /// Zeros without end or length.
    Endless,
    /// A page for browsers.
    Html,
    /// Nothing at all, for ever.
    Silent,
    /// This status.
    Status(u16),
}

#[derive(Default)]
pub(super) struct State {
    pub(super) objects: HashMap<String, Vec<u8>>,
    pub(super) lies: HashMap<String, Lie>,
    pub(super) locks: Vec<(String, String)>,
    pub(super) seen: Vec<Seen>,
    /// Statuses and headers that batches are answered with before any other.
    pub(super) batches: VecDeque<(u16, &'static str)>,
    /// The same for uploads.
    pub(super) puts: VecDeque<(u16, &'static str)>,
    /// The same for locks; the last one stays.
    pub(super) lock_status: Option<u16>,
    /// Most objects in a batch.
    pub(super) most: Option<usize>,
    /// Where objects are said to be, if not here.
    pub(super) storage: Option<String>,
    /// Whether answers say that requests need nothing more.
    pub(super) is_authenticated: bool,
    /// Whether uploads are to be verified, and what is answered then.
    pub(super) verify: Option<u16>,
    /// Downloads that break off in the middle.
    pub(super) breaks: usize,
    /// Whether parts of an object can be asked for.
    pub(super) has_no_ranges: bool,
    /// Seconds after which rights end, from the first batch on: one is taken at a time.
    pub(super) expiries: VecDeque<i64>,
    /// What is answered to every batch.
    pub(super) batch_body: Option<&'static str>,
    /// A cursor that comes again and again.
    pub(super) has_endless_locks: bool,
}

#[derive(Clone)]
pub(super) struct Fake {
    address: String,
    state: Arc<Mutex<State>>,
}

pub(super) fn oid(content: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(content))
}

impl Fake {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let fake = Self { address, state: Arc::default() };
        let served = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = served.clone();
                // A client that hangs up in the middle is no fault of the server.
                tokio::spawn(async move { drop(fake.serve(stream).await) });
            }
        });
        fake
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn put(&self, content: &[u8]) -> String {
        let oid = oid(content);
        self.state().objects.insert(oid.clone(), content.to_vec());
        oid
    }

    /// The requests whose method and path begin like this.
    pub(super) fn seen(&self, method: &str, path: &str) -> Vec<Seen> {
        let state = self.state();
        let is = |it: &&Seen| it.method == method && it.path.starts_with(path);
        state.seen.iter().filter(is).cloned().collect()
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let mut words = line.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let length = headers.get("content-length").and_then(|it| it.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await?;
        let seen = Seen { method, path, headers, body };
        self.state().seen.push(seen.clone());
        let has_length = length.is_some();
        if let Some(oid) = seen.path.strip_prefix("/o/").filter(|_| seen.method == "GET") {
            return self.download(stream, oid, &seen).await;
        }
        let (status, headers, body) = self.answer(&seen, has_length);
        respond(&mut stream, status, &headers, &body).await
    }

    fn answer(&self, seen: &Seen, has_length: bool) -> (u16, String, Vec<u8>) {
        let path = seen.path.split('?').next().unwrap();
        let place = path.strip_prefix("/a/b.git/info/lfs/");
        let no_headers = String::new();
        match (seen.method.as_str(), place) {
            ("POST", Some("objects/batch")) => self.batch(seen),
            ("GET", Some("locks")) => self.list_locks(seen),
            ("POST", Some("locks")) => self.make_lock(seen),
            ("PUT", _) if !has_length => (411, no_headers, Vec::new()),
            ("PUT", _) => {
                let mut state = self.state();
                if let Some((status, header)) = state.puts.pop_front() {
                    return (status, format!("{header}\r\n"), b"{\"message\":\"no\"}".to_vec());
                }
                let oid = path.rsplit('/').next().unwrap().to_owned();
                if self::oid(&seen.body) != oid {
                    return (422, no_headers, Vec::new());
                }
                state.objects.insert(oid, seen.body.clone());
                (200, no_headers, Vec::new())
            }
            ("POST", None) if path == "/verify" => {
                (self.state().verify.unwrap_or(404), no_headers, Vec::new())
            }
            _ => (404, no_headers, b"{\"message\":\"Not found\"}".to_vec()),
        }
    }

    fn batch(&self, seen: &Seen) -> (u16, String, Vec<u8>) {
        let mut state = self.state();
        if let Some((status, header)) = state.batches.pop_front() {
            return (status, format!("{header}\r\n"), b"{\"message\":\"no\"}".to_vec());
        }
        if let Some(body) = state.batch_body {
            return (200, "Content-Type: text/html\r\n".into(), body.into());
        }
        let asked: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
        let objects = asked["objects"].as_array().unwrap();
        if state.most.is_some_and(|it| objects.len() > it) {
            return (413, String::new(), Vec::new());
        }
        let storage = state.storage.clone().unwrap_or_else(|| self.address.clone());
        let is_upload = asked["operation"] == "upload";
        let expiry = state.expiries.pop_front();
        let answers = objects.iter().map(|object| {
            let oid = object["oid"].as_str().unwrap();
            let is_here = state.objects.contains_key(oid) || state.lies.contains_key(oid);
            let mut answer = serde_json::json!({ "oid": oid, "size": object["size"] });
            if state.is_authenticated {
                answer["authenticated"] = true.into();
            }
            let mut action = serde_json::json!({
                "href": format!("{storage}/o/{oid}"), "header": { "X-Key": "k" },
            });
            if let Some(expiry) = expiry {
                action["expires_in"] = expiry.into();
            }
            match (is_upload, is_here) {
                (true, false) => {
                    answer["actions"] = serde_json::json!({ "upload": action });
                    if state.verify.is_some() {
                        let href = format!("{}/verify", self.address);
                        answer["actions"]["verify"] = serde_json::json!({ "href": href });
                    }
                }
                (false, true) => answer["actions"] = serde_json::json!({ "download": action }),
                (true, true) => (),
                (false, false) => {
                    answer["error"] = serde_json::json!({ "code": 404, "message": "it is gone" });
                }
            }
            answer
        });
        let answers: Vec<_> = answers.collect();
        let body = serde_json::json!({ "transfer": "basic", "objects": answers });
        (200, String::new(), serde_json::to_vec(&body).unwrap())
    }

    fn list_locks(&self, seen: &Seen) -> (u16, String, Vec<u8>) {
        let state = self.state();
        if let Some(status) = state.lock_status {
            return (status, String::new(), Vec::new());
        }
        let from = seen.path.split("cursor=").nth(1).map_or(0, |it| it.parse().unwrap_or(0));
        let locks = state.locks.iter().skip(from).take(2).map(|(path, owner)| {
            serde_json::json!({ "id": path, "path": path, "owner": { "name": owner } })
        });
        let locks: Vec<_> = locks.collect();
        let next = (from + 2 < state.locks.len()).then(|| (from + 2).to_string());
        let next = if state.has_endless_locks { Some("1".to_owned()) } else { next };
        let body = serde_json::json!({ "locks": locks, "next_cursor": next });
        (200, String::new(), serde_json::to_vec(&body).unwrap())
    }

    fn make_lock(&self, seen: &Seen) -> (u16, String, Vec<u8>) {
        let mut state = self.state();
        if let Some(status) = state.lock_status {
            return (status, String::new(), Vec::new());
        }
        let asked: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
        let path = asked["path"].as_str().unwrap().to_owned();
        if state.locks.iter().any(|it| it.0 == path) {
            return (409, String::new(), b"{\"message\":\"already created lock\"}".to_vec());
        }
        state.locks.push((path, "me".into()));
        (201, String::new(), b"{\"lock\":{}}".to_vec())
    }

    async fn download(
        &self,
        mut stream: BufReader<TcpStream>,
        oid: &str,
        seen: &Seen,
    ) -> std::io::Result<()> {
        let lie = self.state().lies.get(oid).cloned();
        let content = match lie {
            Some(Lie::Content(content)) => content,
            Some(Lie::Announces(length)) => {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nabc");
                stream.write_all(head.as_bytes()).await?;
                return stream.flush().await;
            }
            Some(Lie::Endless) => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n").await?;
                loop {
                    stream.write_all(&[0; 4096]).await?;
                }
            }
            Some(Lie::Html) => {
                let page = b"<!DOCTYPE html><title>Sign in</title>";
                return respond(&mut stream, 200, "Content-Type: text/html\r\n", page).await;
            }
            Some(Lie::Silent) => return std::future::pending().await,
            Some(Lie::Status(status)) => return respond(&mut stream, status, "", b"").await,
            None => match self.state().objects.get(oid) {
                Some(content) => content.clone(),
                None => Vec::new(),
            },
        };
        let has_ranges = !self.state().has_no_ranges;
        let range = seen.headers.get("range").filter(|_| has_ranges);
        let from = range.map(|it| it["bytes=".len()..it.len() - 1].parse::<usize>().unwrap());
        let at = from.unwrap_or(0);
        let breaks = {
            let mut state = self.state();
            let breaks = state.breaks > 0;
            state.breaks = state.breaks.saturating_sub(1);
            breaks
        };
        let status = if from.is_some() { "206 Partial Content" } else { "200 OK" };
        let mut head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n", content.len() - at);
        if from.is_some() {
            let (last, all) = (content.len() - 1, content.len());
            write!(head, "Content-Range: bytes {at}-{last}/{all}\r\n").unwrap();
        }
        let end = if breaks { at + (content.len() - at) / 2 } else { content.len() };
        stream.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).await?;
        stream.write_all(&content[at..end]).await?;
        stream.shutdown().await
    }
}

async fn respond(
    stream: &mut BufReader<TcpStream>,
    status: u16,
    headers: &str,
    body: &[u8],
) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n",
        body.len()
    );
    // An empty header line from a script would end the head.
    let head = head.replace("\r\n\r\n\r\n", "\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    stream.shutdown().await
}
