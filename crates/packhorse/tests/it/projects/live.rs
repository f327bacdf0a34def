//! A real Gitea as the platform's own server, at either end and at both.
//!
//! The server is that of the live suite of whole projects; without it the test says that it was
//! skipped.

use super::world::{DATABASE, EMPTY, ONE, Place, Platform, SERVER, TWO};
use crate::{bench::Ran, gitea::Live};
use packhorse_fakes::Options;

/// A platform, a real server, and two organizations there.
struct Stage {
    platform: Platform,
    live: Live,
    first: String,
    second: String,
}

impl Stage {
    fn new() -> Option<Self> {
        let live = Live::find()?;
        let platform = Platform::new(DATABASE)?;
        for login in ["bob", "carol"] {
            live.account(login);
        }
        let (first, second) = (live.owner(), live.owner());
        Some(Self { platform, live, first, second })
    }

    fn side(&self, side: &str, organization: &str) -> String {
        format!(
            "--{side}-api-type internal --{side}-api-url http://{} --{side}-username live \
             --{side}-organization {organization}",
            self.live.host
        )
    }

    /// Carries all three projects, or says that nothing has changed.
    #[track_caller]
    fn run(&self, from: &str, to: &str, secrets: [&str; 2], sum: &str) -> Ran {
        let arguments = format!(
            "migrate-projects {} {from} {to} --dest-user-mappings mappings --full-check",
            self.platform.database.options()
        );
        let secrets = format!("\n{}\n{}\n", secrets[0], secrets[1]);
        let ran = self.platform.bench.talk(&arguments, &secrets);
        assert_eq!(ran.status, Some(0), "{ran}");
        assert!(ran.stdout.contains("3 of 3 projects arrived"), "{ran}");
        assert!(ran.stdout.contains(sum), "{ran}");
        ran
    }

    /// Does something with a job; the real server's token is said to whoever asks.
    fn ask(&self, command: &str, n_tokens: usize) -> Ran {
        let tokens = format!("{}\n", self.live.token).repeat(n_tokens);
        self.platform.bench.talk(command, &tokens)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_of_the_platform_gives_and_takes() {
    let Some(stage) = Stage::new() else { return };
    let origin = Place::origin(SERVER).await.unwrap();
    let destination = Place::empty(SERVER).await.unwrap();
    let (fake, live) = (Options::TOKEN, stage.live.token.as_str());
    let (new, same) = ("3 migrated, 0 unchanged", "0 migrated, 3 unchanged");

    let to = stage.side("dest", &stage.first);
    stage.run(&origin.options("origin"), &to, [fake, live], new);
    stage.run(&origin.options("origin"), &to, [fake, live], same);
    let from = stage.side("origin", &stage.first);
    stage.run(&from, &destination.options("dest"), [live, fake], new);

    for name in [format!("ae-alice-{ONE}"), format!("ae-bob-{TWO}"), format!("ae-alice-{EMPTY}")] {
        let (from, to) = (origin.path(&name), destination.path(&name));
        assert_eq!(destination.refs(&to), origin.refs(&from), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_between_organizations_of_a_real_server_is_verified_and_rolled_back() {
    let Some(stage) = Stage::new() else { return };
    let origin = Place::origin(SERVER).await.unwrap();
    let (fake, live) = (Options::TOKEN, stage.live.token.as_str());
    let new = "3 migrated, 0 unchanged";
    let first = stage.side("dest", &stage.first);
    stage.run(&origin.options("origin"), &first, [fake, live], new);
    let from = stage.side("origin", &stage.first);
    stage.run(&from, &stage.side("dest", &stage.second), [live, live], new);
    let one = format!("ae-alice-{ONE}");
    let rights = stage.live.collaborators(&stage.second, &one);

    let same = stage.ask("verify 2", 2);
    let whole = stage.ask("verify 2 --full-check", 2);
    stage.live.branch(&stage.second, &one, "theirs");
    let differs = stage.ask("verify 2", 2);
    let left = stage.ask("rollback 2", 1);
    let undone = stage.ask("rollback 1", 1);

    assert_eq!(rights, ["alice", "bob", "carol"]);
    assert_eq!((same.status, whole.status), (Some(0), Some(0)), "{same}{whole}");
    assert_eq!((differs.status, left.status), (Some(1), Some(1)), "{differs}{left}");
    let path = format!("{}/{one}", stage.second);
    assert!(left.stdout.contains(&format!("left {path} repository")), "{left}");
    assert_eq!(stage.live.repositories(&stage.second), [one], "{left}");
    assert_eq!(undone.status, Some(0), "{undone}");
    assert!(stage.live.repositories(&stage.first).is_empty(), "{undone}");
}
