//! Each API type with each: three projects arrive, and a second run finds nothing to do.

use super::world::{APIS, Api, DATABASE, EMPTY, INTERNAL, ONE, Place, Platform, TWO};
use packhorse_core::{
    Access,
    model::{Project, Visibility},
};
use std::io::Write;

fn skipped(what: &str) {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "SKIPPED: {what}").unwrap();
}

/// Carries the three projects from one host to another, twice.
async fn check(from: Api, to: Api) {
    let pair = format!("{} to {}", from.name, to.name);
    if !from.is_spoken(Access::Read) || !to.is_spoken(Access::Write) {
        return skipped(&format!("{pair}, which this build does not speak"));
    }
    let (Some(origin), Some(destination)) = (Place::origin(from).await, Place::empty(to).await)
    else {
        return skipped(&format!("{pair}, for which there is no stand-in"));
    };
    let Some(platform) = Platform::new(DATABASE) else { return };

    let first = platform.ok(&origin, &destination, "");
    let again = platform.ok(&origin, &destination, "--full-check");

    assert!(first.stdout.contains("3 of 3 projects arrived"), "{pair}\n{first}");
    assert!(again.stdout.contains("0 migrated, 3 unchanged"), "{pair}\n{again}");
    for (name, n_refs) in [
        (format!("ae-alice-{ONE}"), 3),
        (format!("ae-bob-{TWO}"), 5),
        (format!("ae-alice-{EMPTY}"), 0),
    ] {
        let path = destination.path(&name);
        let refs = destination.refs(&path);
        assert_eq!(refs, origin.refs(&origin.path(&name)), "{pair} {name}");
        assert_eq!(refs.len(), n_refs, "{pair} {name}");
        let found = destination
            .fake
            .store(|store| store.project(&path).map(|(_, it, _): (_, &Project, _)| it.visibility));
        assert_eq!(found, Some(Visibility::Private), "{pair} {name}");
    }
    let rights = destination.rights(&destination.path(&format!("ae-alice-{ONE}")));
    for (login, writes) in [("bob", true), ("carol", false)] {
        assert!(rights.contains(&(login.to_owned(), writes)), "{pair}: {rights:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_clone_checks_out_is_the_same_also_where_lists_do_not_tell_it() {
    for from in APIS {
        let Some(platform) = Platform::new(DATABASE) else { return };
        let origin = Place::origin(from).await.unwrap();
        let destination = Place::empty(INTERNAL).await.unwrap();
        let name = format!("ae-bob-{TWO}");
        origin.choose(&origin.path(&name), "work-1");

        platform.ok(&origin, &destination, "--full-check");

        let path = destination.path(&name);
        let branch = destination
            .fake
            .store(|store| store.project(&path).and_then(|(_, it, _)| it.default_branch.clone()));
        assert_eq!(branch.as_deref(), Some("work-1"), "{}", from.name);
    }
}

/// One origin with each destination.
async fn check_all(from: usize) {
    for to in APIS {
        check(APIS[from], to).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_own_server_gives_to_all() {
    check_all(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bitbucket_server_gives_to_all() {
    check_all(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bitbucket_cloud_gives_to_all() {
    check_all(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn github_gives_to_all() {
    check_all(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gitlab_gives_to_all() {
    check_all(4).await;
}
