//! A real Gitea as the platform's own server, at either end.
//!
//! The server is that of the live suite of whole projects; without it the test says that it was
//! skipped.

use super::world::{DATABASE, EMPTY, ONE, Place, Platform, SERVER, TWO};
use crate::gitea::Live;
use packhorse_fakes::Options;

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_of_the_platform_gives_and_takes() {
    let Some(live) = Live::find() else { return };
    let Some(platform) = Platform::new(DATABASE) else { return };
    let origin = Place::origin(SERVER).await.unwrap();
    let destination = Place::empty(SERVER).await.unwrap();
    let organization = live.owner();
    let side = |side: &str| {
        format!(
            "--{side}-api-type internal --{side}-api-url http://{} --{side}-username live \
             --{side}-organization {organization}",
            live.host
        )
    };
    let run = |from: &str, to: &str, secrets: [&str; 2]| {
        let arguments = format!(
            "migrate-projects {} {from} {to} --dest-user-mappings mappings --skip-unmapped",
            platform.database.options()
        );
        let ran = platform.bench.talk(&arguments, &format!("\n{}\n{}\n", secrets[0], secrets[1]));
        assert_eq!(ran.status, Some(0), "{ran}");
        assert!(ran.stdout.contains("3 of 3 projects arrived"), "{ran}");
    };

    run(&origin.options("origin"), &side("dest"), [Options::TOKEN, &live.token]);
    run(&side("origin"), &destination.options("dest"), [&live.token, Options::TOKEN]);

    for name in [format!("ae-alice-{ONE}"), format!("ae-bob-{TWO}"), format!("ae-alice-{EMPTY}")] {
        let (from, to) = (origin.path(&name), destination.path(&name));
        assert_eq!(destination.refs(&to), origin.refs(&from), "{name}");
    }
}
