//! The `git` program goes where it may, and to the addresses that were looked at.

use crate::{
    Pair,
    http::remote,
    server::{Manner, Server},
    spy,
};
use packhorse_core::model::ObjectFormat;
use packhorse_git::{Git, GitError};
use packhorse_net::{Options, Reach};
use std::{error::Error as _, fs, net::IpAddr};

/// Git that may go where this says.
fn reaching(git: Git, is_open: impl Fn(&str, IpAddr) -> bool + Send + Sync + 'static) -> Git {
    let reach = Some(Reach::new(is_open));
    git.reaching(&Options { reach, ..Options::default() }).unwrap()
}

/// What a refusal says, all of it.
fn words(error: &GitError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(it) = source {
        text += &format!(": {it}");
        source = it.source();
    }
    text
}

#[tokio::test]
async fn a_name_is_looked_up_once_and_the_program_told_where_it_leads() {
    let directory = tempfile::tempdir().unwrap();
    let git = reaching(spy(directory.path()), |_, it| it.is_loopback());
    let from = remote("http://localhost:8123/a.git");

    let command = git.command(["fetch", from.url.as_str()]).with_remote(&from).await.unwrap();
    command.run(&[]).await.unwrap_err();

    let seen = fs::read_to_string(directory.path().join("seen")).unwrap();
    let value = |key: &str| {
        let keys = seen.lines().filter_map(|it| it.strip_prefix("GIT_CONFIG_KEY_"));
        let keys = keys.filter_map(|it| it.split_once('=')).filter(|it| it.1 == key);
        // The last one wins.
        let n = keys.map(|it| it.0.parse::<u32>().unwrap()).max();
        let name = format!("GIT_CONFIG_VALUE_{}=", n.unwrap_or_else(|| panic!("{key}: {seen}")));
        seen.lines().find_map(|it| it.strip_prefix(&name)).unwrap().to_owned()
    };
    let pinned = value("http.curloptResolve");
    assert!(pinned.starts_with("localhost:8123:") && pinned.contains("127.0.0.1"), "{pinned}");
    assert_eq!(value("http.followRedirects"), "false");
}

#[tokio::test]
async fn what_is_closed_is_not_even_tried() {
    let directory = tempfile::tempdir().unwrap();
    let git = reaching(spy(directory.path()), |_, _| false);

    for closed in ["http://localhost:8123/a.git", "http://169.254.169.254/a.git", "http://[::1]/a"]
    {
        let refused = git.command(["fetch", closed]).with_remote(&remote(closed)).await;
        let said = words(&refused.unwrap_err());
        assert!(said.contains("may not be reached from here"), "{closed}: {said}");
    }
    assert!(!directory.path().join("seen").exists());
}

#[tokio::test]
async fn other_protocols_lead_to_trusted_names_alone() {
    let directory = tempfile::tempdir().unwrap();
    // Public addresses are open, and one name wherever it leads.
    let git = reaching(spy(directory.path()), |name, it| {
        name == "git.example" || (!it.is_loopback() && !it.is_unspecified())
    });
    let bound =
        async |url: &str| git.command(["fetch", url]).with_remote(&remote(url)).await.map(drop);

    for closed in ["ssh://git@h.example/a.git", "git@h.example:a.git", "git://h.example/a.git"] {
        let said = words(&bound(closed).await.unwrap_err());
        assert!(said.contains("only HTTP leads to hosts"), "{closed}: {said}");
    }
    for open in ["ssh://git@git.example:22/a.git", "git@git.example:a.git"] {
        bound(open).await.unwrap();
    }
    // Who named a directory of this machine was asked by others.
    bound("/srv/a.git").await.unwrap();
}

#[tokio::test]
async fn the_program_connects_to_the_address_that_it_is_told() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    pair.commit("from.git", "main", "one").await;
    let server = Server::start(pair.directory.path(), Manner::default()).await;
    let port = server.url.rsplit(':').next().unwrap();
    // Nobody knows this name.
    let url = format!("http://git.invalid:{port}/from.git");
    let list = pair.git.command(["ls-remote", url.as_str()]);
    let list = list.variable("GIT_ALLOW_PROTOCOL", "http");

    let told = list.setting("http.curloptResolve", format!("git.invalid:{port}:127.0.0.1"));

    assert!(told.text().await.unwrap().contains("refs/heads/main"));
}

#[tokio::test]
async fn a_redirect_leads_nowhere_else() {
    let pair = Pair::new(ObjectFormat::Sha1).await;
    pair.commit("from.git", "main", "one").await;
    let server =
        Server::start(pair.directory.path(), Manner { has_moved: true, ..Manner::default() }).await;
    let moved = format!("{}/moved/from.git", server.url);
    let list = async |git: &Git| {
        let command = git.command(["ls-remote", moved.as_str()]).with_remote(&remote(&moved)).await;
        command.unwrap().text().await
    };

    assert!(list(&pair.git).await.unwrap().contains("refs/heads/main"));
    assert!(list(&reaching(pair.git.clone(), |_, _| true)).await.is_err());
}
