//! What stands in the way is told a line each, and the others go on.

use super::world::{APIS, DATABASE, EMPTY, INTERNAL, ONE, Place, Platform, SERVER, TWO};
use packhorse_core::{Scope, model::Project};
use packhorse_fakes::{
    Access as TokenAccess,
    fault::{Fault, Faults, Planned},
};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The platform, its origin, and a destination without repositories.
async fn stage(statements: &str) -> Option<(Platform, Place, Place)> {
    let platform = Platform::new(statements)?;
    let origin = Place::origin(INTERNAL).await.unwrap();
    let destination = Place::empty(SERVER).await.unwrap();
    Some((platform, origin, destination))
}

#[tokio::test(flavor = "multi_thread")]
async fn people_without_a_line_stop_the_run_before_anything_moves() {
    let Some((platform, origin, destination)) = stage(DATABASE).await else { return };
    fs::write(platform.bench.path("mappings"), "ae-alice:alice\nae-dave:dave\n").unwrap();

    let stopped = platform.run(&origin, &destination, "");
    let n_before = destination.fake.n_requests();
    let carried = platform.ok(&origin, &destination, "--skip-unmapped");

    assert_eq!((stopped.status, n_before), (Some(1), 0), "{stopped}");
    let told = "2 users of the projects have no line in the mappings file: ae-bob, ae-carol";
    assert!(stopped.stderr.contains(told), "{stopped}");
    assert!(stopped.stderr.contains("no project needs: ae-dave"), "{stopped}");
    assert!(carried.stdout.contains("no account there: ae-bob, ae-carol"), "{carried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_the_configuration_are_kept() {
    let Some((platform, origin, destination)) = stage(DATABASE).await else { return };
    let limited = |requests: u32| {
        let url = destination.fake.url();
        format!(
            "[hosts.new]\ntype = \"bitbucket-server\"\nurl = \"{url}\"\n\
             limits = {{ requests = {requests}, seconds = 2 }}\n"
        )
    };
    fs::write(platform.bench.path("packhorse.toml"), limited(0)).unwrap();
    let refused = platform.run(&origin, &destination, "");
    let n_before = destination.fake.n_requests();
    fs::write(platform.bench.path("packhorse.toml"), limited(4)).unwrap();
    let begun = Instant::now();
    let carried = platform.ok(&origin, &destination, "");

    assert_eq!((refused.status, n_before), (Some(2), 0), "{refused}");
    assert!(refused.stderr.contains("could not read `packhorse.toml`, line 4"), "{refused}");
    assert!(carried.stdout.contains("3 of 3 projects arrived"), "{carried}");
    // More than twelve requests are made, which have to be of four windows. Without a limit it is one
    // second or less.
    assert!(begun.elapsed() >= Duration::from_secs(6), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_there_is_told_before_anything_moves() {
    let Some((platform, origin, destination)) = stage(DATABASE).await else { return };
    fs::write(platform.bench.path("mappings"), "ae-alice:alice\nae-bob:bob\nae-carol:caroline\n")
        .unwrap();

    let stopped = platform.run(&origin, &destination, "");
    let nothing = destination.refs(&destination.path(&format!("ae-bob-{TWO}")));
    let carried = platform.ok(&origin, &destination, "--skip-unmapped");

    assert_eq!((stopped.status, nothing.len()), (Some(1), 0), "{stopped}");
    let told = "1 names of the mappings file have no account at the destination: caroline";
    assert!(stopped.stderr.contains(told), "{stopped}");
    assert!(carried.stdout.contains("no account there: ae-carol"), "{carried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_and_differs_is_left_unless_it_is_forced() {
    let Some((platform, origin, destination)) = stage(DATABASE).await else { return };
    let name = format!("ae-bob-{TWO}");
    destination.project(&name, 1).await;
    let path = destination.path(&name);
    let before = destination.refs(&path);

    let left = platform.run(&origin, &destination, "");
    let untouched = destination.refs(&path);
    let forced = platform.ok(&origin, &destination, "--force-migrate");

    assert_eq!((left.status, &untouched), (Some(1), &before), "{left}");
    assert!(
        left.stdout.contains(&format!("skipped    {path} (Dashboard): `{path}` is at")),
        "{left}"
    );
    assert!(left.stdout.contains("2 of 3 projects arrived"), "{left}");
    let told = "replacing 3 refs (refs/heads/master, refs/heads/work-1, refs/tags/0.1.0), which";
    assert!(forced.stderr.contains(&format!("{path}: {told}")), "{forced}");
    assert_eq!(destination.refs(&path), origin.refs(&origin.path(&name)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_tool_left_half_made_is_completed() {
    let Some((platform, origin, destination)) = stage(DATABASE).await else { return };
    let name = format!("ae-bob-{TWO}");
    let path = destination.path(&name);
    destination.project(&name, 0).await;

    let ran = platform.ok(&origin, &destination, "");

    assert!(ran.stdout.contains(&format!("migrated   {path}")), "{ran}");
    assert_eq!(destination.refs(&path), origin.refs(&origin.path(&name)));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_that_cannot_go_has_its_line_and_the_others_go() {
    let more = format!(
        "{DATABASE}
         INSERT INTO projects VALUES
             ('{0}4', 'Never opened', 'ae-alice', now()),
             ('{0}5', 'Of nobody', NULL, now()),
             ('{0}6', 'Odd', 'a/../b', now()),
             ('{0}7', 'Long', repeat('x', 120), now());
         ALTER TABLE projects DROP CONSTRAINT projects_pkey;
         INSERT INTO projects VALUES ('{0}8', 'Twin', 'ae-alice', now());
         INSERT INTO projects VALUES ('{0}8', 'Twin', 'AE-ALICE', now());",
        &ONE[..31]
    );
    let Some((platform, origin, destination)) = stage(&more).await else { return };
    origin.project("left-over", 1).await;

    let ran = platform.run(&origin, &destination, "--skip-unmapped");

    assert_eq!(ran.status, Some(1), "{ran}");
    for part in [
        "(Never opened): it has no repository `anaconda/ae-alice-",
        "(Of nobody): the database names no owner",
        "(Odd): its owner or id has signs",
        "(Long): its repository's name would have more than the 128 characters",
        "(Twin): two projects of the database would both be called",
        "1 repositories of the origin belong to no project and stay there: anaconda/left-over",
        "3 of 9 projects arrived and were verified: 3 migrated, 0 unchanged; 0 skipped, 6 failed",
    ] {
        assert!(ran.stdout.contains(part), "`{part}`\n{ran}");
    }
    let empty = destination.path(&format!("ae-alice-{EMPTY}"));
    assert!(ran.stdout.contains(&format!("migrated   {empty}")), "{ran}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_carries_what_is_new() {
    let Some((platform, origin, destination)) = stage(DATABASE).await else { return };
    platform.ok(&origin, &destination, "");
    let name = format!("ae-bob-{TWO}");
    origin.commit(&origin.path(&name), 1, "later").await;

    let ran = platform.ok(&origin, &destination, "--full-check");

    assert!(ran.stdout.contains("1 migrated, 2 unchanged"), "{ran}");
    let refs = destination.refs(&destination.path(&name));
    assert!(refs.contains_key("refs/heads/later"), "{refs:?}");
    assert_eq!(refs, origin.refs(&origin.path(&name)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_is_not_there_or_rights_that_are_missing_stop_the_run() {
    let Some((platform, origin, destination)) = stage(DATABASE).await else { return };

    let missing = platform.run(&origin, &destination, "--dest-organization NOWHERE");
    let arguments = platform.arguments(&origin, &destination, "");
    let wrong = platform
        .bench
        .talk(&arguments, &format!("\n{}\nwrong-token\n", packhorse_fakes::Options::TOKEN));

    assert_eq!((missing.status, wrong.status), (Some(1), Some(1)), "{missing}{wrong}");
    assert!(missing.stderr.contains("there is no such organization"), "{missing}");
    assert!(wrong.stderr.contains("the token or password is wrong"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_again_and_again_arrives_whole_and_once() {
    let more = "INSERT INTO projects
        SELECT md5(n::text), 'p' || n, 'ae-alice', now() FROM generate_series(1, 20) n;";
    let Some((platform, origin, destination)) = stage(&format!("{DATABASE}{more}")).await else {
        return;
    };
    let ids = platform.database.psql("SELECT md5(n::text) FROM generate_series(1, 20) n");
    for id in ids.split_whitespace() {
        origin.project(&format!("ae-alice-{id}"), 2).await;
    }
    let latency = std::time::Duration::from_millis(15);
    destination.fake.set_faults(Faults { latency, ..Faults::default() });
    let arguments = platform.arguments(&origin, &destination, "--parallel 1 --lease 1");
    let secrets = format!("\n{0}\n{0}\n", packhorse_fakes::Options::TOKEN);

    let mut n_killed = 0;
    for kill in 1..=4_u64 {
        let mut child = platform.bench.begin(&arguments, &secrets);
        let mut talk = BufReader::new(child.stderr.take().unwrap()).lines();
        talk.any(|line| line.is_ok_and(|it| it.starts_with("carrying ")));
        std::thread::sleep(std::time::Duration::from_millis(150 * kill));
        child.kill().unwrap();
        n_killed += u32::from(child.wait().unwrap().code().is_none());
    }
    let ran = platform.ok(&origin, &destination, "--parallel 1 --lease 1");

    assert!(n_killed > 0, "it was not killed at all");
    assert!(ran.stdout.contains("23 of 23 projects arrived"), "{ran}");
    for id in ids.split_whitespace() {
        let name = format!("ae-alice-{id}");
        let refs = destination.refs(&destination.path(&name));
        assert_eq!(refs, origin.refs(&origin.path(&name)), "{name}");
    }
    let n_there = destination.fake.store(|store| store.all::<Project>(&Scope::Shared).count());
    assert_eq!(n_there, 23);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_may_only_read_fails_each_project_with_what_to_do() {
    for to in APIS {
        let Some(platform) = Platform::new(DATABASE) else { return };
        let origin = Place::origin(INTERNAL).await.unwrap();
        let destination = Place::that_lets(to, TokenAccess::Read).await;

        let ran = platform.run(&origin, &destination, "");

        assert_eq!(ran.status, Some(1), "{to:?} {ran}");
        let n_failed = ran.stdout.lines().filter(|it| it.starts_with("failed ")).count();
        assert_eq!(n_failed, 3, "{to:?} {ran}");
        assert!(ran.stdout.contains("0 of 3 projects arrived"), "{to:?} {ran}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_refused_fails_its_project_and_comes_with_the_next_run() {
    let Some((platform, origin, destination)) = stage(DATABASE).await else { return };
    let refused = Planned {
        method: "PUT".into(),
        path: format!("ae-bob-{TWO}/permissions"),
        after: 0,
        times: 20,
        fault: Fault::ServerError,
    };
    destination.fake.set_faults(Faults { planned: vec![refused], ..Faults::default() });

    let ran = platform.run(&origin, &destination, "");
    destination.fake.set_faults(Faults::default());
    let again = platform.run(&origin, &destination, "");

    assert_eq!((ran.status, again.status), (Some(1), Some(0)), "{ran}{again}");
    assert!(ran.stdout.contains("2 of 3 projects arrived"), "{ran}");
    assert!(again.stdout.contains("1 migrated, 2 unchanged"), "{again}");
}

/// Every file below a directory.
fn files(below: &Path) -> Vec<PathBuf> {
    let mut list = Vec::new();
    for entry in fs::read_dir(below).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { list.extend(files(&path)) } else { list.push(path) }
    }
    list
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_file_or_message() {
    let Some((platform, origin, destination)) = stage(DATABASE).await else { return };
    let canaries = ["canary-of-postgres", packhorse_fakes::Options::TOKEN, "canary-that-is-wrong"];
    let arguments = platform.arguments(&origin, &destination, "--log-file logs/run- --full-check");
    let say = |third: &str| {
        let input = format!("{}\n{}\n{third}\n", canaries[0], canaries[1]);
        platform.bench.talk(&arguments, &input)
    };

    let wrong = say(canaries[2]);
    let good = say(canaries[1]);

    assert_eq!((wrong.status, good.status), (Some(1), Some(0)), "{wrong}{good}");
    let mut n_logs = 0;
    for file in files(&platform.bench.path(".")) {
        let bytes = fs::read(&file).unwrap();
        n_logs += usize::from(file.extension().is_some_and(|it| it == "log"));
        for canary in canaries {
            let found = bytes.windows(canary.len()).any(|it| it == canary.as_bytes());
            assert!(!found, "{canary} is in {}", file.display());
        }
    }
    assert!(n_logs > 0, "there is a log");
    for canary in canaries {
        assert!(!format!("{wrong}{good}").contains(canary), "{wrong}{good}");
    }
}
