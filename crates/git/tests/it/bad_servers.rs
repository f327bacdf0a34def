//! Servers that lie, or die: each ends in a clear error, soon, with the
//! destination's refs as they were.

use crate::Pair;
use packhorse_core::{GitCredentials, GitRemote, GitUrl, Secret, model::ObjectFormat};
use packhorse_git::{Git, GitError, RefPolicy, TransferOptions, Transferred, refs, transfer};
use packhorse_net::Options;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const ID: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const ADVERTISED: &str = "content-type: application/x-git-upload-pack-advertisement";
const RESULT: &str = "content-type: application/x-git-upload-pack-result";

/// What a server of lies answers.
#[derive(Clone, Default)]
struct Lie {
    discovery: Vec<u8>,
    refs: Vec<u8>,
    pack: Vec<u8>,
    /// Keeps the connection open when it has said that.
    is_silent: bool,
}

fn packet(content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    [format!("{:04x}", content.len() + 4).as_bytes(), content].concat()
}

fn packets(list: &[&[u8]]) -> Vec<u8> {
    list.iter().flat_map(|it| if it.is_empty() { b"0000".to_vec() } else { packet(it) }).collect()
}

fn answer(header: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{header}\r\nconnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

impl Lie {
    /// True up to the pack.
    fn with_pack(body: &[u8]) -> Self {
        let line = format!("{ID} refs/heads/main\n");
        let discovery = packets(&[b"version 2\n", b"ls-refs\n", b"fetch\n", b""]);
        Self {
            discovery: answer(ADVERTISED, &discovery),
            refs: answer(RESULT, &packets(&[line.as_bytes(), b""])),
            pack: answer(RESULT, body),
            is_silent: false,
        }
    }

    /// True up to the refs.
    fn with_refs(body: &[u8]) -> Self {
        Self { refs: answer(RESULT, body), ..Self::with_pack(b"") }
    }

    fn with_discovery(header: &str, body: &[u8]) -> Self {
        Self { discovery: answer(header, body), ..Self::default() }
    }

    /// Serves it; gives its address, and keeps the requests.
    async fn tell(self) -> (String, Arc<Mutex<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/a.git", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(String::new()));
        let seen = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.clone().serve(stream, Arc::clone(&seen)));
            }
        });
        (url, heard)
    }

    async fn serve(self, mut stream: TcpStream, seen: Arc<Mutex<String>>) -> Option<()> {
        let mut request = Vec::new();
        // Reads the head and the little that follows: the lies depend on no more.
        while !request.windows(4).any(|it| it == b"\r\n\r\n") {
            stream.read_buf(&mut request).await.ok().filter(|it| *it > 0)?;
        }
        let mut text = String::from_utf8_lossy(&request).into_owned();
        if text.starts_with("POST") {
            while !text.ends_with("0000") {
                stream.read_buf(&mut request).await.ok().filter(|it| *it > 0)?;
                text = String::from_utf8_lossy(&request).into_owned();
            }
        }
        seen.lock().unwrap().push_str(&text);
        let said = if text.contains("command=ls-refs") {
            &self.refs
        } else if text.contains("command=fetch") {
            &self.pack
        } else {
            &self.discovery
        };
        stream.write_all(said).await.ok()?;
        if self.is_silent {
            tokio::time::sleep(Duration::from_secs(600)).await;
        }
        stream.shutdown().await.ok()
    }
}

/// Carries from there to a repository that has a branch; gives what came of it.
async fn carry(url: &str, credentials: Option<GitCredentials>) -> Result<Transferred, GitError> {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    packhorse_git::repository::init_bare(&pair.path("to.git"), ObjectFormat::Sha1).unwrap();
    pair.commit("to.git", "kept", "one").await;
    let to = GitRemote::local(&pair.path("to.git"));
    let before = refs::list(&pair.git, &to).await.unwrap();
    let hasty = Options {
        first_byte: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        ..Options::default()
    };
    let git = Git::at("git").reaching(&hasty).unwrap();
    let from = GitRemote { url: GitUrl::parse(url).0, credentials };
    let options = TransferOptions {
        force: true,
        delete: true,
        ..TransferOptions::new(RefPolicy::MIRROR, pair.path("scratch"))
    };

    let done = transfer(&git, &from, &to, &options);
    let done = tokio::time::timeout(Duration::from_secs(120), done).await.unwrap();

    if done.is_err() {
        assert_eq!(refs::list(&pair.git, &to).await.unwrap(), before);
    }
    done
}

async fn check(name: &str, lie: Lie, expected: &str) {
    let (url, _) = lie.tell().await;

    let error = carry(&url, None).await.expect_err(name);

    let mut words = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        words = format!("{words}: {next}");
        cause = next.source();
    }
    assert!(words.contains(expected), "{name}: {words}");
}

/// A side-band of that content, behind the line that announces it.
fn banded(pieces: &[&[u8]]) -> Vec<u8> {
    let mut body = packet("packfile\n");
    pieces.iter().for_each(|it| body.extend(packet(it)));
    body.extend(b"0000");
    body
}

#[tokio::test]
async fn what_is_not_git_is_told() {
    check("a web page", Lie::with_discovery("content-type: text/html", b"<html>"), "web page")
        .await;
    let odd = Lie::with_discovery("content-type: image/png", b"PNG");
    check("another type", odd, "image/png").await;
    check("no packets", Lie::with_discovery(ADVERTISED, b"<html>"), "in place of a length").await;
    let claim = Lie::with_discovery(ADVERTISED, b"ffff");
    check("a packet of more than there is", claim, "in place of a length").await;
    check("nothing", Lie::with_discovery(ADVERTISED, b""), "broke off").await;
    let refused = packets(&[b"ERR access denied or repository not exported"]);
    check("a refusal", Lie::with_discovery(ADVERTISED, &refused), "access denied").await;
}

#[tokio::test]
async fn refs_that_cannot_be_are_errors() {
    let line = format!("{ID} refs/heads/main\n");
    let twice = packets(&[line.as_bytes(), line.as_bytes(), b""]);
    check("twice the same", Lie::with_refs(&twice), "twice").await;
    check("no id", Lie::with_refs(&packets(&[b"x refs/heads/main", b""])), "no object id").await;
    check("a cut list", Lie::with_refs(&packets(&[line.as_bytes()])), "broke off").await;
}

#[tokio::test]
async fn names_that_cannot_be_are_left_with_a_reason() {
    let id = ID;
    let long = format!("{id} refs/heads/{}", "x".repeat(60_000));
    let lines =
        [format!("{id} refs/heads/../../config"), format!("{id} refs/heads/a\x1b[2J"), long];
    let mut lines: Vec<&[u8]> = lines.iter().map(|it| it.as_bytes()).collect();
    let odd = [id.as_bytes(), b" refs/heads/\xff"].concat();
    lines.extend([&odd[..], b""]);
    let (url, _) = Lie::with_refs(&packets(&lines)).tell().await;

    let done = carry(&url, None).await.unwrap();

    assert_eq!(done.left.len(), 4, "{:?}", done.left);
    assert_eq!(done.created, 0);
}

#[tokio::test]
async fn packs_that_are_not_whole_are_not_taken() {
    let pack = b"PACK\0\0\0\x02\0\0\0\x01\x30\x78\x9c\x03\0\0\0\0\x01";
    let wrong = [&b"\x01"[..], pack, &[7; 20]].concat();
    check("a wrong hash", Lie::with_pack(&banded(&[&wrong])), "its own hash").await;
    let cut = [&b"\x01"[..], &pack[..15]].concat();
    check("a short pack", Lie::with_pack(&banded(&[&cut])), "the pack").await;
    check("no pack", Lie::with_pack(&banded(&[b"\x01<html>"])), "no pack").await;
    check("a cut side-band", Lie::with_pack(&packet("packfile\n")), "broke off").await;
    check("last words", Lie::with_pack(&banded(&[b"\x03disk full"])), "disk full").await;
    check("an odd band", Lie::with_pack(&banded(&[b"\x09x"])), "side-band 9").await;
    check("no pack at all", Lie::with_pack(&packets(&[b"ERR not our ref"])), "not our ref").await;
}

#[tokio::test]
async fn talk_without_end_ends() {
    let remark = [&b"\x02"[..], &[b'x'; 60_000]].concat();
    let talk: Vec<&[u8]> = std::iter::repeat_n(&remark[..], 400).collect();

    check("talk", Lie::with_pack(&banded(&talk)), "talks without end").await;
}

#[tokio::test]
async fn silence_is_not_waited_for() {
    let mute = Lie { is_silent: true, ..Lie::default() };
    check("mute from the start", mute, "no answer").await;
    let half = Lie { is_silent: true, ..Lie::with_pack(&packet("packfile\n")) };
    check("mute before the pack", half, "broke off").await;
}

#[tokio::test]
async fn a_token_does_not_follow_to_another_server() {
    let (other, heard) = Lie::with_discovery(ADVERTISED, b"").tell().await;
    let moved = format!(
        "HTTP/1.1 302 Found\r\nlocation: {other}/info/refs\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    );
    let lie = Lie { discovery: moved.into_bytes(), ..Lie::default() };
    let (url, first) = lie.tell().await;
    let credentials = GitCredentials { username: "me".into(), password: Secret::new("s3cret") };

    let error = carry(&url, Some(credentials)).await.unwrap_err();

    assert!(first.lock().unwrap().to_lowercase().contains("authorization"));
    let heard = heard.lock().unwrap().to_lowercase();
    assert!(heard.contains("get /a.git/info/refs") && !heard.contains("authorization"), "{heard}");
    assert!(!format!("{error} {error:?}").contains("s3cret"));
}
