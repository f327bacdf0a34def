//! Repositories of every shape arrive as they were: the same refs, and nothing is missing.

use crate::{
    Pair,
    http::{options, remote},
    server::{Manner, Server},
};
use packhorse_core::model::ObjectFormat;
use packhorse_git::{Git, TransferOptions, Transferred, repository, transfer};
use std::{fs, io::Write as _, path::PathBuf, process::Stdio, time::Duration};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn carry(pair: &Pair) -> Transferred {
    // Tens of thousands of refs need not survive a power cut.
    let manner = Manner { settings: &[("core.fsync", "none")], ..Manner::default() };
    let server = Server::start(pair.directory.path(), manner).await;
    let [from, to] = ["from.git", "to.git"].map(|it| remote(&format!("{}/{it}", server.url)));
    let options: TransferOptions = options(pair);
    transfer(&pair.git, &from, &to, &options).await.unwrap()
}

async fn text(pair: &Pair, name: &str, arguments: &[&str]) -> String {
    pair.git.inside(&pair.path(name), arguments).text().await.unwrap()
}

/// The same refs by `for-each-ref`, and nothing wrong by `fsck --full`.
async fn check_same(pair: &Pair, n_refs: usize) {
    let format = ["for-each-ref", "--format=%(objectname) %(objecttype) %(refname)"];
    let (from, to) = (text(pair, "from.git", &format).await, text(pair, "to.git", &format).await);
    assert_eq!(from, to);
    assert_eq!(to.lines().count(), n_refs);
    let fsck = ["fsck", "--full", "--strict", "--no-dangling", "--no-progress"];
    let (status, output, words) =
        pair.git.inside(&pair.path("to.git"), fsck).finish(&[]).await.unwrap();
    assert!(status.success(), "{} {words}", String::from_utf8_lossy(&output));
}

async fn empty_pair(format: ObjectFormat) -> Pair {
    let pair = Pair::new(format).await;
    repository::init_bare(&pair.path("to.git"), format).unwrap();
    pair
}

#[tokio::test]
async fn fifty_thousand_refs() {
    let pair = empty_pair(ObjectFormat::Sha1).await;
    for n in 0..5 {
        pair.commit("from.git", "main", &n.to_string()).await;
    }
    let ids = text(&pair, "from.git", &["rev-list", "main"]).await;
    let ids: Vec<&str> = ids.lines().collect();
    // As a large project has them: packed, with a line each.
    let mut packed = String::from("# pack-refs with: sorted\n");
    let mut names: Vec<_> = (0..50_000).map(|n| format!("refs/tags/t/{}/{n}", n % 1009)).collect();
    names.sort();
    for (n, name) in names.iter().enumerate() {
        packed.push_str(&format!("{} {name}\n", ids[n % ids.len()]));
    }
    fs::write(pair.path("from.git/packed-refs"), packed).unwrap();

    let carried = carry(&pair).await;
    let again = carry(&pair).await;

    assert_eq!((carried.created, carried.refused.len()), (50_001, 0));
    assert_eq!((again.unchanged, again.refused.len()), (50_001, 0));
    check_same(&pair, 50_001).await;
}

#[tokio::test]
async fn an_empty_repository() {
    for format in [ObjectFormat::Sha1, ObjectFormat::Sha256] {
        let pair = empty_pair(format).await;

        assert_eq!(
            carry(&pair).await,
            Transferred {
                refs: packhorse_git::RefList {
                    head: Some("refs/heads/main".into()),
                    ..Default::default()
                },
                ..Transferred::default()
            }
        );
        check_same(&pair, 0).await;
    }
}

/// Adds a submodule, notes, replacements, tags of every kind and hidden refs.
async fn add_every_kind(pair: &Pair, digits: usize) {
    let commit = "committer A <a@h.example> 1700000000 +0000\ndata 0\n";
    let modules = "[submodule \"sub\"]\n\tpath = sub\n\turl = ../sub.git\n";
    let tagger = "tagger A <a@h.example> 1700000000 +0000";
    let signature = "v2\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n";
    let stream = format!(
        "commit refs/heads/sub\nmark :1\n{commit}M 160000 {} sub\nM 644 inline .gitmodules\n\
         data {}\n{modules}\n\
         tag v1\nmark :2\nfrom :1\n{tagger}\ndata 3\none\n\
         tag v2\nfrom :1\n{tagger}\ndata {}\n{signature}\n\
         tag of-a-tag\nfrom :2\n{tagger}\ndata 3\ntwo\n\
         commit refs/notes/commits\n{commit}N inline :1\ndata 4\nnote\n\n\
         commit refs/replace/{}\n{commit}\ncommit refs/pull/1/head\n{commit}\n\
         commit refs/merge-requests/2/head\n{commit}\ncommit refs/keep-around/x\n{commit}\n\
         reset refs/tags/light\nfrom :1\n\n",
        "1".repeat(digits),
        modules.len(),
        signature.len(),
        "2".repeat(digits),
    );
    let import = pair.git.inside(&pair.path("from.git"), ["fast-import", "--quiet", "--force"]);
    import.run(stream.as_bytes()).await.unwrap();
    // A tag of a tree and one of a file are rare, and real.
    for (name, object) in [("tree", "sub^{tree}"), ("file", "sub:.gitmodules")] {
        let id = text(pair, "from.git", &["rev-parse", object]).await;
        fs::write(pair.path(&format!("from.git/refs/tags/of-a-{name}")), id).unwrap();
    }
}

#[tokio::test]
async fn submodules_notes_replacements_tags_and_hidden_refs() {
    for (format, digits) in [(ObjectFormat::Sha1, 40), (ObjectFormat::Sha256, 64)] {
        let pair = empty_pair(format).await;
        add_every_kind(&pair, digits).await;

        let carried = carry(&pair).await;

        assert_eq!((carried.created, carried.refused.len()), (12, 0), "{carried:?}");
        check_same(&pair, 12).await;
    }
}

/// The example that carries repositories, which `cargo test` builds beside the tests.
fn carrier() -> Option<PathBuf> {
    let tests = std::env::current_exe().ok()?;
    let path = tests.parent()?.parent()?.join("examples/carry");
    path.exists().then_some(path)
}

/// A server in front of another that passes on so many bytes of a pack, and then nothing more.
async fn stalling(url: &str, n_bytes: usize) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap();
    let there = url.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let there = there.clone();
            tokio::spawn(async move {
                let mut server = tokio::net::TcpStream::connect(there).await.ok()?;
                let (mut from, mut to) = server.split();
                let (mut asked, mut told) = client.split();
                let mut request = vec![0; 64 << 10];
                let (mut given, mut piece) = (0, vec![0; 4 << 10]);
                loop {
                    tokio::select! {
                        n = asked.read(&mut request) => match n.ok()? {
                            0 => return None,
                            n => to.write_all(&request[..n]).await.ok()?,
                        },
                        n = from.read(&mut piece), if given < n_bytes => match n.ok()? {
                            0 => return Some(()),
                            n => {
                                told.write_all(&piece[..n]).await.ok()?;
                                given += n;
                            }
                        },
                    }
                }
            });
        }
    });
    format!("http://{here}")
}

#[tokio::test]
async fn a_kill_in_the_stream_leaves_the_refs_and_the_next_run_completes() {
    let Some(carrier) = carrier() else {
        let why = "SKIPPED: a kill in the stream, because the example `carry` is not built\n";
        std::io::stderr().write_all(why.as_bytes()).unwrap();
        return;
    };
    let pair = empty_pair(ObjectFormat::Sha1).await;
    pair.commit("from.git", "main", "one").await;
    assert_eq!(carry(&pair).await.created, 1);
    let before = text(&pair, "to.git", &["for-each-ref"]).await;
    for n in 0..8 {
        // Too much that is not alike to pass before the server stalls, however well it is packed; and
        // too much to be gathered before it is pushed.
        let letter = |it: u64| {
            let it = (it + n * 110_000).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let it = (it ^ (it >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            char::from(b"abcdefghijklmnopqrstuvwxyz"[(it >> 33) as usize % 26])
        };
        let noise: String = (0..110_000).map(letter).collect();
        pair.commit("from.git", &format!("b{n}"), &noise).await;
    }
    let server = Server::start(pair.directory.path(), Manner::default()).await;
    let slow = stalling(&server.url, 400_000).await;
    let (from, to) = (format!("{slow}/from.git"), format!("{}/to.git", server.url));

    let mut child =
        Git::at(carrier).command([&from, &to]).spawn(Stdio::null(), Stdio::null()).unwrap();
    let is_pushing =
        || server.seen().iter().filter(|it| it.starts_with("POST /to.git")).count() > 1;
    for _ in 0..600 {
        if is_pushing() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(is_pushing(), "{:?}", server.seen());
    child.kill().await.unwrap();

    assert_eq!(text(&pair, "to.git", &["for-each-ref"]).await, before);
    let next = carry(&pair).await;
    assert_eq!((next.created, next.unchanged, next.refused.len()), (8, 1, 0));
    check_same(&pair, 9).await;
}
