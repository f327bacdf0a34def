//! `connect`: the platform's configuration, held against stand-ins behind TLS, and written.

use crate::{
    bench::Bench,
    projects::world::{APIS, Api, Place, SERVER},
    tls::Door,
};
use packhorse_core::{Scope, model::Project};
use packhorse_fakes::Options;
use std::fs;

/// A configuration of the platform for a host.
fn platform(api: Api, url: &str, token: &str) -> String {
    format!(
        "# Platform\nstorage:\n  git:\n    default:\n      name: Acme\n      type: {}\n      \
         url: {url}\n      credential-hostname: 127.0.0.1\n      repository: '{{owner}}-{{id}}'\n      \
         organization: {}\n      username: alice\n      auth-token: {token}\ngit:\n  port: 8088\n",
        api.name, api.organization
    )
}

/// A stand-in behind TLS, and a bench with a configuration for it.
async fn stage(api: Api, token: &str) -> (Place, Door, Bench) {
    let place = Place::empty(api).await.unwrap();
    let door = Door::before(place.fake.url()).await;
    let bench = Bench::new();
    fs::write(bench.path("platform.yml"), platform(api, &door.url, token)).unwrap();
    (place, door, bench)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_right_is_tried_out_and_leaves_nothing() {
    let (place, door, bench) = stage(SERVER, Options::TOKEN).await;
    door.trust(&bench);

    let ran = bench.run("connect check platform.yml");

    assert_eq!(ran.status, Some(0), "{ran}");
    for part in [
        "ok  type           bitbucket-v1-api, 9.2.0",
        "ok  certificate    is trusted",
        "ok  token          works, and is alice's",
        "ok  organization   `AN` is there",
        "ok  push and clone one commit came back as it went",
        "ok  removal        the probe is gone",
    ] {
        assert!(ran.stdout.contains(part), "`{part}`\n{ran}");
    }
    assert_eq!(place.fake.store(|store| store.all::<Project>(&Scope::Shared).count()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_asked_in_its_own_words() {
    for api in APIS {
        let (_place, door, bench) = stage(api, Options::TOKEN).await;
        door.trust(&bench);

        let ran = bench.run("connect check platform.yml --no-probe");

        assert!(ran.stdout.contains(&format!("ok  type           {}", api.name)), "{ran}");
        assert!(ran.stdout.contains("ok  token          works"), "{} {ran}", api.name);
        assert!(ran.stdout.contains("ok  organization "), "{} {ran}", api.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_is_tried_out_and_nothing_is_left_there() {
    for api in APIS {
        let (place, door, bench) = stage(api, Options::TOKEN).await;
        door.trust(&bench);

        let ran = bench.run("connect check platform.yml");

        for part in
            ["ok  push and clone one commit came back", "ok  removal        the probe is gone"]
        {
            assert!(ran.stdout.contains(part), "{}: `{part}`\n{ran}", api.name);
        }
        let left = place.fake.store(|store| store.all::<Project>(&Scope::Shared).count());
        assert_eq!(left, 0, "{}", api.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_at_the_host_is_told_with_a_remedy() {
    let (place, door, bench) = stage(SERVER, "wrong").await;
    let check = |text: &str, expected: &str| {
        fs::write(bench.path("platform.yml"), text).unwrap();
        let ran = bench.run("connect check platform.yml --no-probe");
        assert_eq!(ran.status, Some(1), "{ran}");
        assert!(ran.stdout.contains(expected), "`{expected}`\n{ran}");
    };
    let good = platform(SERVER, &door.url, Options::TOKEN);

    check(&good, "NO  certificate ");
    door.trust(&bench);
    check(&platform(SERVER, &door.url, "wrong"), "NO  token          the host does not take it");
    check(&good.replace("organization: AN", "organization: NO"), "`organization` is empty, or no");
    check(&good.replace("organization: AN", "organization: X"), "NO  organization   `X` is not");
    check(
        &good.replace("bitbucket-v1-api", "gitlab"),
        "NO  type           what answers is no gitlab",
    );
    check(&platform(SERVER, place.fake.url(), Options::TOKEN), "is not encrypted");
    check(&platform(SERVER, "https://127.0.0.1:9", "t"), "NO  url            the API cannot be");
}

/// The configuration that the platform comes with.
const INTERNAL_ONE: &str = "\
# Platform
storage:
  git:
    # Internal repo configuration
    default: # the only one
      name: internal
      type: internal
      url: http://anaconda-enterprise-ap-git-storage/
      repository: '{owner}-{id}'
      auth-token: old-canary
      http-timeout: 60 # seconds
git:
  port: 8088
";

#[test]
fn a_new_section_is_shown_asked_for_and_written_with_a_backup() {
    let bench = Bench::new();
    fs::write(bench.path("platform.yml"), INTERNAL_ONE).unwrap();
    let render = "connect render platform.yml --type gitlab-v4-api --url https://git.example/api/v4 \
                  --organization acme --username root --reverse-proxy-auth off";

    let refused = bench.talk(render, "new-canary\nno\n");
    let untouched = fs::read_to_string(bench.path("platform.yml")).unwrap();
    let written = bench.talk(render, "new-canary\ny\n");
    let again = bench.talk(render, "new-canary\ny\n");

    assert_eq!((refused.status, untouched.as_str()), (Some(0), INTERNAL_ONE), "{refused}");
    assert_eq!((written.status, again.status), (Some(0), Some(0)), "{written}{again}");
    assert!(again.stderr.contains("it says so already"), "{again}");
    for ran in [&refused, &written, &again] {
        assert!(!format!("{ran}").contains("canary"), "{ran}");
    }
    assert!(written.stdout.contains("+      type: gitlab-v4-api\n"), "{written}");
    assert!(written.stderr.contains("xargs kubectl delete pods"), "{written}");
    assert!(written.stderr.contains("kubectl delete pod -l 'app=ap-git-storage'"), "{written}");
    let text = fs::read_to_string(bench.path("platform.yml")).unwrap();
    for part in [
        "    default: # the only one\n      name: git.example\n      type: gitlab-v4-api\n",
        "      http-timeout: 60 # seconds\n      credential-hostname: git.example\n",
        "      auth-token: new-canary\n",
        "    #   type: internal\n",
        "git:\n  reverse-proxy-auth: false\n  port: 8088\n",
    ] {
        assert!(text.contains(part), "`{part}`\n{text}");
    }
    let backups = fs::read_dir(bench.path(".")).unwrap().filter_map(|it| {
        let path = it.unwrap().path();
        path.extension().is_some_and(|it| it == "bak").then(|| fs::read_to_string(path).unwrap())
    });
    assert_eq!(backups.collect::<Vec<_>>(), [INTERNAL_ONE]);
}

#[test]
fn what_cannot_be_written_is_told() {
    let bench = Bench::new();
    fs::write(bench.path("platform.yml"), INTERNAL_ONE).unwrap();
    fs::write(bench.path("broken.yml"), "storage: [\n").unwrap();
    fs::write(bench.path("other.yml"), "a: 1\n").unwrap();
    fs::write(bench.path("map.yml"), "kind: ConfigMap\n").unwrap();
    let check = |arguments: &str, expected: &str| {
        let ran = bench.talk(&format!("connect {arguments}"), "t\ny\n");
        assert_eq!(ran.status, Some(2), "{ran}");
        assert!(ran.stderr.contains(expected), "`{expected}`\n{ran}");
    };
    let whole = "--organization o --username u";

    check("render platform.yml", "nothing is to be written");
    check("render platform.yml --type svn --url https://h/", "`svn` is no type");
    check("render platform.yml --type github", "--type wants --url as well");
    check(
        &format!("render platform.yml --type github --url http://h/ {whole}"),
        "is not encrypted",
    );
    check("render broken.yml --reverse-proxy-auth on", "is not YAML");
    check("render map.yml --reverse-proxy-auth on", "is the whole config map");
    check("check other.yml", "has no section that names a Git host");
    check("check nowhere.yml", "could not read `nowhere.yml`");
}
