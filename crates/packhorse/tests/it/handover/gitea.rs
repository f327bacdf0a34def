//! Dumps that somebody restores on a server of Gitea.

use super::TOKEN;
use crate::{bench::Bench, gitea::Live};
use packhorse_core::{
    Scope,
    model::{Issue, Project},
};
use packhorse_fakes::{Fake, Gitea, Github, Options, sample};
use std::path::{Path, PathBuf};

const ROCKET: &str = "acme/rocket";

/// What was told to be done: the directory, the owner, and the name of each.
fn commands(bench: &Bench, told: &str) -> Vec<(PathBuf, String)> {
    // What a run says is shown without the way to the bench.
    let told = told.replace("[DIR]", &bench.path("").to_string_lossy());
    let told = told.lines().filter_map(|it| it.trim().strip_prefix("gitea restore-repo "));
    let parts = told.map(|it| it.split_whitespace().collect::<Vec<_>>());
    parts.map(|it| (PathBuf::from(it[1]), format!("{}/{}", it[3], it[5]))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn dumps_wait_until_somebody_has_restored_them_and_are_held_against_what_is_there() {
    let (from, to) = (
        Fake::start(Github, Options::default()).await.unwrap(),
        Fake::start(Gitea, Options::default()).await.unwrap(),
    );
    sample::fill(&from).await.unwrap();
    sample::invite(&from, &to);
    let at = |kind: &str, fake: &Fake| {
        format!("{kind}:{}", fake.url().replacen("://", &format!("://{TOKEN}@"), 1))
    };
    let bench = Bench::new();
    let command = format!("migrate {} {} --via archive", at("github", &from), at("gitea", &to));

    let told = bench.run(&command);
    let to_do = commands(&bench, &told.stderr);
    assert_eq!((told.status, to_do.len()), (Some(4), 2), "{told}");
    let early = bench.run(&command);
    assert_eq!((early.status, commands(&bench, &early.stderr).len()), (Some(4), 2), "{early}");
    let restore = |it: &(PathBuf, String)| {
        let dump = it.0.parent().and_then(Path::parent).unwrap().to_owned();
        to.store(|store| Gitea::restore(store, &dump, &it.1)).unwrap();
    };
    restore(&to_do[0]);
    let half = bench.run(&command);
    restore(&to_do[1]);
    let done = bench.run(&command);

    assert_eq!(
        (half.status, commands(&bench, &half.stderr)),
        (Some(4), to_do[1..].to_vec()),
        "{half}"
    );
    assert_eq!(done.status, Some(0), "{done}");
    let issues = |fake: &Fake| {
        let scope = Scope::Project(ROCKET.to_owned());
        let mut issues = fake.store(|store| {
            let all = store.all::<Issue>(&scope).map(|(_, it)| it.clone());
            all.map(|it| (it.number, it.created_at.map(|it| it.instant()))).collect::<Vec<_>>()
        });
        issues.sort();
        issues
    };
    assert_eq!(issues(&to), issues(&from));
    let projects = to.store(|store| store.all::<Project>(&Scope::Shared).count());
    assert_eq!(projects, 2);
}

/// `PACKHORSE_LIVE_GITEA_DUMP` names a script that runs `gitea` with the configuration of the server
/// that runs, such as `gitea --config app.ini "$@"`.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the other side of the test is Gitea's own program")]
#[expect(clippy::print_stderr, reason = "a skipped test must be visible")]
async fn a_real_gitea_restores_what_it_is_handed() {
    let Some(live) = Live::find() else { return };
    let Ok(program) = std::env::var("PACKHORSE_LIVE_GITEA_DUMP") else {
        eprintln!("SKIPPED: PACKHORSE_LIVE_GITEA_DUMP is not set");
        return;
    };
    let from = Fake::start(Github, Options::default()).await.unwrap();
    sample::fill(&from).await.unwrap();
    let (bench, owner) = (Bench::new(), live.owner());
    let source = from.url().replacen("://", &format!("://{TOKEN}@"), 1);
    let command = format!("migrate github:{source} {}#{owner} --via archive", live.at(""));

    let told = bench.run(&command);
    let to_do = commands(&bench, &told.stderr);
    assert_eq!((told.status, to_do.len()), (Some(4), 2), "{told}");
    for (dump, project) in &to_do {
        let (owner, name) = project.split_once('/').unwrap();
        let ran = std::process::Command::new(&program)
            .args(["restore-repo", "--owner_name", owner, "--repo_name", name, "--repo_dir"])
            .arg(dump)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{said}");
    }
    let done = bench.run(&command);

    assert_eq!(done.status, Some(0), "{done}");
}
