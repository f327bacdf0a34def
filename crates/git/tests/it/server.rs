//! A small HTTP server around `git http-backend`, and what real servers do to a client.

use packhorse_git::Git;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
    process::Child,
};

/// What the server is like.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Knows no protocol 2.
    pub(crate) is_old: bool,
    /// Wants the length of a body beforehand.
    pub(crate) wants_length: bool,
    /// Refuses larger bodies, as soon as it has seen so much.
    pub(crate) at_most: Option<usize>,
    /// Wants `Authorization` with this value.
    pub(crate) key: Option<&'static str>,
    /// Leads from `/moved` to the root.
    pub(crate) has_moved: bool,
    /// Hands out files, and speaks no protocol.
    pub(crate) is_dumb: bool,
    /// How many requests it is too busy for.
    pub(crate) busy: usize,
    /// Settings of Git's there.
    pub(crate) settings: &'static [(&'static str, &'static str)],
}

/// A running server; it ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves the repositories below `root`.
    pub(crate) async fn start(root: &Path, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (root, seen) = (root.to_owned(), Arc::new(Mutex::new(Vec::new())));
        let heard = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, root.clone(), manner, Arc::clone(&heard)));
            }
        });
        Self { url, seen }
    }

    /// The first lines of the requests so far.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

struct Head {
    line: String,
    headers: Vec<(String, String)>,
}

impl Head {
    fn get(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }
}

async fn head(input: &mut BufReader<OwnedReadHalf>) -> Option<Head> {
    let mut line = String::new();
    input.read_line(&mut line).await.ok().filter(|it| *it > 0)?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        input.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    Some(Head { line: line.trim_end().to_owned(), headers })
}

/// The next piece of a body; empty at its end.
async fn piece(
    input: &mut BufReader<OwnedReadHalf>,
    left: &mut Option<usize>,
) -> std::io::Result<Vec<u8>> {
    let size = match left {
        Some(left) => {
            let size = (*left).min(64 << 10);
            *left -= size;
            size
        }
        None => {
            let mut line = String::new();
            input.read_line(&mut line).await?;
            usize::from_str_radix(line.trim(), 16).unwrap_or(0)
        }
    };
    let mut bytes = vec![0; size];
    input.read_exact(&mut bytes).await?;
    if left.is_none() {
        let mut end = [0; 2];
        input.read_exact(&mut end).await?;
    }
    Ok(bytes)
}

/// A request whose body is still to be read.
struct Request {
    head: Head,
    method: String,
    path: String,
    query: String,
    input: BufReader<OwnedReadHalf>,
    /// What was read of the body.
    begun: Vec<u8>,
    left: Option<usize>,
}

impl Request {
    async fn read(mut input: BufReader<OwnedReadHalf>) -> Option<Self> {
        let head = head(&mut input).await?;
        let mut words = head.line.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let length = head.get("content-length").and_then(|it| it.parse().ok());
        let left = length.or((method != "POST").then_some(0));
        let (path, query) = (path.to_owned(), query.to_owned());
        Some(Self { head, method, path, query, input, begun: Vec::new(), left })
    }

    /// What the server says without asking Git.
    async fn refusal(&mut self, root: &Path, manner: Manner, nth: usize) -> Option<Vec<u8>> {
        let say = |what: &str, body: &[u8]| {
            let length = body.len();
            let head =
                format!("HTTP/1.1 {what}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n");
            Some([head.as_bytes(), body].concat())
        };
        if nth <= manner.busy {
            return say("429 Too Many Requests\r\nretry-after: 0", b"");
        }
        if manner.key.is_some() && self.head.get("authorization") != manner.key {
            return say("401 Unauthorized", b"");
        }
        if let Some(rest) = self.path.strip_prefix("/moved").filter(|_| manner.has_moved) {
            return say(&format!("302 Found\r\nlocation: {rest}?{}", self.query), b"");
        }
        if self.left.is_none() && manner.wants_length {
            return say("411 Length Required", b"");
        }
        while manner.at_most.is_some() {
            let piece = piece(&mut self.input, &mut self.left).await.ok()?;
            self.begun.extend_from_slice(&piece);
            if piece.is_empty() {
                break;
            }
            if manner.at_most.is_some_and(|it| self.begun.len() > it) {
                return say("413 Content Too Large", b"");
            }
        }
        if manner.is_dumb {
            let file = tokio::fs::read(root.join(self.path.trim_start_matches('/'))).await;
            return match file {
                Ok(file) => say("200 OK\r\ncontent-type: text/plain", &file),
                Err(_) => say("404 Not Found", b""),
            };
        }
        None
    }

    fn program(&self, root: &Path, manner: Manner) -> Child {
        let header = |name: &str| self.head.get(name).unwrap_or_default().to_owned();
        let version = if manner.is_old { String::new() } else { header("git-protocol") };
        let command = Git::at("git")
            .command(["http-backend"])
            .variable("GIT_PROJECT_ROOT", root.to_string_lossy())
            .variable("GIT_HTTP_EXPORT_ALL", "1")
            .variable("REMOTE_USER", "alice")
            .variable("REQUEST_METHOD", self.method.as_str())
            .variable("PATH_INFO", self.path.as_str())
            .variable("QUERY_STRING", self.query.as_str())
            .variable("CONTENT_TYPE", header("content-type"))
            .variable("HTTP_CONTENT_ENCODING", header("content-encoding"))
            .variable("GIT_PROTOCOL", version);
        let settings = manner.settings.iter();
        let command = settings.fold(command, |it, (key, value)| it.setting(key, *value));
        command.spawn(Stdio::piped(), Stdio::piped()).unwrap()
    }
}

async fn serve(
    stream: TcpStream,
    root: PathBuf,
    manner: Manner,
    seen: Arc<Mutex<Vec<String>>>,
) -> Option<()> {
    let (input, mut output) = stream.into_split();
    let mut request = Request::read(BufReader::new(input)).await?;
    let nth = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.head.line.clone());
        seen.len()
    };
    if let Some(answer) = request.refusal(&root, manner, nth).await {
        output.write_all(&answer).await.ok()?;
        output.shutdown().await.ok()?;
        // As real servers do: who closes on what is unread takes the answer back.
        let mut rest = request.input;
        return tokio::io::copy_buf(&mut rest, &mut tokio::io::sink()).await.map(drop).ok();
    }
    let mut child = request.program(&root, manner);
    let (mut stdin, stdout) = (child.stdin.take()?, child.stdout.take()?);
    let feed = async move {
        let mut next = std::mem::take(&mut request.begun);
        while stdin.write_all(&next).await.is_ok() {
            match piece(&mut request.input, &mut request.left).await {
                Ok(piece) if !piece.is_empty() => next = piece,
                Ok(_) | Err(_) => break,
            }
        }
    };
    let mut answer = BufReader::new(stdout);
    let give = async {
        let (mut status, mut headers) = ("200 OK".to_owned(), String::new());
        loop {
            let mut line = String::new();
            answer.read_line(&mut line).await.ok()?;
            match line.trim_end().split_once(": ") {
                Some(("Status", value)) => status = value.to_owned(),
                Some((name, value)) => headers.push_str(&format!("{name}: {value}\r\n")),
                None => break,
            }
        }
        let head = format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\n\r\n");
        output.write_all(head.as_bytes()).await.ok()?;
        tokio::io::copy_buf(&mut answer, &mut output).await.ok()?;
        output.shutdown().await.ok()
    };
    let ((), given) = tokio::join!(feed, give);
    given
}
