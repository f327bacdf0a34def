//! A job by its number: gone on with, verified, rolled back, told.

use super::world::{
    APIS, Api, DATABASE, GITHUB, GITLAB, INTERNAL, ONE, Place, Platform, SERVER, TWO,
};
use crate::{bench::Ran, postgres::Database};
use packhorse_core::{
    Scope,
    model::{Project, Role},
};
use packhorse_fakes::{Options, fault::Faults};
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    time::Duration,
};

/// The platform, its origin, and a destination without repositories.
async fn stage(statements: &str, to: Api) -> Option<(Platform, Place, Place)> {
    let platform = Platform::new(statements)?;
    let origin = Place::origin(INTERNAL).await.unwrap();
    let destination = Place::empty(to).await.unwrap();
    Some((platform, origin, destination))
}

impl Platform {
    /// Runs a command that asks for so many secrets, the tokens last.
    fn ask(&self, command: &str, n_secrets: usize) -> Ran {
        let all = ["", Options::TOKEN, Options::TOKEN].map(|it| format!("{it}\n"));
        let secrets = match n_secrets {
            3 => all.concat(),
            n => all[1..=n].concat(),
        };
        self.bench.talk(command, &secrets)
    }

    /// Kills a run in the middle of its carrying, that long after it began to.
    fn kill(&self, arguments: &str, after: Duration) -> bool {
        let secrets = format!("\n{0}\n{0}\n", Options::TOKEN);
        let mut child = self.bench.begin(arguments, &secrets);
        let mut talk = BufReader::new(child.stderr.take().unwrap()).lines();
        talk.any(|line| line.is_ok_and(|it| it.starts_with("carrying ")));
        std::thread::sleep(after);
        child.kill().unwrap();
        child.wait().unwrap().code().is_none()
    }
}

fn n_projects(place: &Place) -> usize {
    place.fake.store(|store| store.all::<Project>(&Scope::Shared).count())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_verified_by_both_ends_as_they_are_now() {
    let Some((platform, origin, destination)) = stage(DATABASE, SERVER).await else { return };
    platform.ok(&origin, &destination, "");
    let path = destination.path(&format!("ae-bob-{TWO}"));

    let same = platform.ask("verify 1", 2);
    let whole = platform.ask("verify 1 --full-check", 2);
    destination.commit(&path, 1, "theirs").await;
    let moved = platform.ask("verify 1", 2);
    let moved_whole = platform.ask("verify 1 --full-check", 2);
    destination.fake.store(|store| store.remove_project(&path));
    let gone = platform.ask("--json verify 1", 2);

    assert_eq!((same.status, whole.status), (Some(0), Some(0)), "{same}{whole}");
    assert_eq!(same.stdout, "3 of 3 projects have the origin's refs\n", "{same}");
    assert_eq!((moved.status, moved_whole.status), (Some(1), Some(1)), "{moved}{moved_whole}");
    assert!(moved.stdout.starts_with(&format!("{path}: ")), "{moved}");
    assert!(moved.stdout.ends_with("2 of 3 projects have the origin's refs\n"), "{moved}");
    let gone: serde_json::Value = serde_json::from_str(&gone.stdout).unwrap();
    assert!(gone["differing"][&path].as_str().unwrap().contains("not at the destination"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_a_job_come_from_the_environment_where_nobody_says_them() {
    let Some((platform, origin, destination)) = stage(DATABASE, SERVER).await else { return };
    platform.ok(&origin, &destination, "");
    let token = Options::TOKEN;
    let with = |source: &str, command: &str| {
        let program = env!("CARGO_BIN_EXE_packhorse");
        let words = format!("PACKHORSE_TARGET_PASSWORD={token} {source} {program} {command}");
        platform.bench.call(Path::new("/usr/bin/env"), &words, "")
    };

    let both = with(&format!("PACKHORSE_SOURCE_PASSWORD={token}"), "verify 1");
    let one = with("", "rollback 1");
    let none = platform.ask("verify 1", 0);

    assert_eq!((both.status, one.status), (Some(0), Some(0)), "{both}{one}");
    assert_eq!(none.status, Some(2), "{none}");
    assert!(none.stderr.contains("PACKHORSE_TARGET_PASSWORD"), "{none}");
}

/// A job to a host is rolled back; what was there before the job, and what somebody changed
/// since, stays.
async fn check_rollback(to: Api) {
    let Some((platform, origin, destination)) = stage(DATABASE, to).await else { return };
    let path = |name: String| destination.path(&name);
    let (one, two) = (path(format!("ae-alice-{ONE}")), path(format!("ae-bob-{TWO}")));
    let nobodys = path("nobodys".to_owned());
    destination.project("nobodys", 1).await;
    // Half made by an earlier tool, with a right for whom the job gives it to.
    destination.project(&format!("ae-bob-{TWO}"), 0).await;
    destination.seat(&two, "bob", Role::Read);
    let before = destination.rights(&two);
    platform.ok(&origin, &destination, "");
    assert_eq!(n_projects(&destination), 4, "{to:?}");
    destination.commit(&one, 1, "theirs").await;

    let left = platform.ask("rollback 1", 1);
    destination.fake.store(|store| {
        for name in ["heads/theirs", "heads/work-1", "tags/0.1.0"] {
            store.delete_ref(&one, &format!("refs/{name}"));
        }
    });
    let refused = platform.ask("resume 1", 3);
    let told = platform.ask("report 1", 0);

    assert_eq!(left.status, Some(1), "{to:?} {left}");
    assert!(left.stdout.contains(&format!("left {one} repository")), "{to:?} {left}");
    assert!(left.stdout.contains("somebody changed it since"), "{to:?} {left}");
    assert!(!left.stdout.contains(&two), "{to:?} {left}");
    // The empty one was the job's alone.
    assert_eq!(n_projects(&destination), 3, "{to:?} {left}");
    assert!(!destination.refs(&nobodys).is_empty(), "{to:?}");
    let after = destination.rights(&two);
    let people = |rights: &BTreeSet<(String, bool)>| -> BTreeSet<String> {
        rights.iter().map(|(who, _)| who.clone()).collect()
    };
    assert_eq!(people(&after), people(&before), "{to:?} {left}");
    assert!(!destination.refs(&two).is_empty(), "{to:?} what was pushed into it stays");
    assert_eq!(refused.status, Some(1), "{to:?} {refused}");
    assert!(told.stdout.contains(&format!("migrated   {one} (Churn model)")), "{to:?} {told}");
    let again = platform.run(&origin, &destination, "--force-migrate");
    assert!(again.stdout.contains("3 of 3 projects arrived"), "{to:?} {again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolled_back_job_leaves_what_is_not_its_own() {
    for to in APIS {
        check_rollback(to).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_nobody_touched_is_rolled_back_whole_and_carried_again() {
    for to in APIS {
        let Some((platform, origin, destination)) = stage(DATABASE, to).await else { return };
        platform.ok(&origin, &destination, "");

        let ran = platform.ask("rollback 1", 1);
        let n_left = n_projects(&destination);
        let again = platform.ok(&origin, &destination, "");

        assert_eq!((ran.status, n_left), (Some(0), 0), "{to:?} {ran}");
        assert!(again.stdout.contains("3 migrated, 0 unchanged"), "{to:?} {again}");
    }
}

/// Twenty projects more, at a destination that takes its time.
async fn many(to: Api) -> Option<(Platform, Place, Place)> {
    let more = "INSERT INTO projects
        SELECT md5(n::text), 'p' || n, 'ae-alice', now() FROM generate_series(1, 20) n;";
    let (platform, origin, destination) = stage(&format!("{DATABASE}{more}"), to).await?;
    let ids = platform.database.psql("SELECT md5(n::text) FROM generate_series(1, 20) n");
    for id in ids.split_whitespace() {
        origin.project(&format!("ae-alice-{id}"), 2).await;
    }
    let latency = Duration::from_millis(15);
    destination.fake.set_faults(Faults { latency, ..Faults::default() });
    Some((platform, origin, destination))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_job_is_resumed_by_its_number_also_after_one_more_kill() {
    let Some((platform, origin, destination)) = many(GITLAB).await else { return };
    let arguments = platform.arguments(&origin, &destination, "--parallel 1 --lease 1");
    let mut n_killed = u32::from(platform.kill(&arguments, Duration::from_millis(300)));
    let status = platform.bench.ok("status 1");
    let unfinished = platform.ask("verify 1", 2);
    let resume = "resume 1 --parallel 1 --lease 1";
    n_killed += u32::from(platform.kill(resume, Duration::from_millis(300)));

    let ran = platform.ask(resume, 3);
    let again = platform.ask(resume, 3);

    assert!(n_killed > 0, "it was not killed at all");
    assert!(status.contains("projects of gitea:"), "{status}");
    assert_eq!(unfinished.status, Some(1), "{unfinished}");
    assert!(unfinished.stdout.contains("has not arrived"), "{unfinished}");
    assert_eq!(ran.status, Some(0), "{ran}");
    assert!(ran.stdout.contains("23 of 23 projects arrived"), "{ran}");
    assert!(again.stderr.contains("job 1 has arrived already"), "{again}");
    assert_eq!(n_projects(&destination), 23);
    let verified = platform.ask("verify 1", 2);
    assert_eq!(verified.status, Some(0), "{verified}");
    let report = platform.bench.ok("report 1");
    assert!(report.contains("23 of 23 projects arrived"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_job_is_rolled_back_and_nothing_of_others_goes() {
    let Some((platform, origin, destination)) = many(GITHUB).await else { return };
    destination.project("nobodys", 1).await;
    let arguments = platform.arguments(&origin, &destination, "--parallel 1 --lease 1");
    platform.kill(&arguments, Duration::from_millis(400));
    std::thread::sleep(Duration::from_millis(1_200));

    let ran = platform.ask("rollback 1", 1);

    // What was made in the last moment and not noted any more counts as somebody else's.
    let n_left = n_projects(&destination);
    let n_named = ran.stdout.lines().filter(|it| it.starts_with("left ")).count();
    assert!((1..=9).contains(&n_left), "{n_left} projects are left\n{ran}");
    assert_eq!(ran.status == Some(0), n_named == 0, "{ran}");
    assert!(!destination.refs(&destination.path("nobodys")).is_empty());
    let again = platform.run(&origin, &destination, "--lease 1");
    assert!(again.stdout.contains("23 of 23 projects arrived"), "{again}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_needs_to_go_on_is_told() {
    let Some(database) = Database::alone() else { return };
    database.psql(DATABASE);
    let Some((shared, origin, destination)) = stage("", SERVER).await else { return };
    let platform = Platform { database, ..shared };
    let latency = Duration::from_millis(15);
    destination.fake.set_faults(Faults { latency, ..Faults::default() });
    let arguments = platform.arguments(&origin, &destination, "--lease 1");
    assert!(platform.kill(&arguments, Duration::ZERO));
    let (mappings, away) = (platform.bench.path("mappings"), platform.bench.path("away"));

    fs::rename(&mappings, &away).unwrap();
    let no_mappings = platform.ask("resume 1", 3);
    fs::rename(&away, &mappings).unwrap();
    platform.database.stop();
    let no_database = platform.ask("resume 1", 3);
    let no_tokens = platform.ask("resume 1", 0);
    // What is at the destination is told without it.
    let verified = platform.ask("verify 1", 2);
    platform.database.go_on();
    let ran = platform.ask("resume 1 --lease 1", 3);

    assert_eq!(no_mappings.status, Some(2), "{no_mappings}");
    assert!(no_mappings.stderr.contains("could not read the mappings file"), "{no_mappings}");
    assert_eq!(no_database.status, Some(1), "{no_database}");
    assert!(no_database.stderr.contains("to go on, job 1 reads the platform"), "{no_database}");
    assert!(no_tokens.stderr.contains("the destination's token"), "{no_tokens}");
    assert!(verified.stdout.contains("of 3 projects have the origin's refs"), "{verified}");
    assert_eq!(ran.status, Some(0), "{ran}");
    let unknown = platform.ask("resume 9", 0);
    assert!(unknown.stderr.contains("there is no job 9"), "{unknown}");
}
