//! The guide, followed command by command.

use super::world::{DATABASE, INTERNAL, MAPPINGS, ONE, Place, Platform, SERVER};
use crate::{tidy::root, tls::Door};
use packhorse_fakes::Options;
use std::fs;

const FILE: &str = "anaconda-enterprise-anaconda-platform.yml";

/// The configuration that the platform comes with.
const CONFIGURATION: &str = "\
storage:
  git:
    default:
      name: internal
      type: internal
      url: http://anaconda-enterprise-ap-git-storage/
      repository: '{owner}-{id}'
git:
  port: 8088
";

/// The commands of a guide, each in one line.
fn commands(guide: &str) -> Vec<String> {
    let blocks = guide.split("```sh\n").skip(1).filter_map(|it| it.split("```").next());
    let lines = blocks.flat_map(|it| {
        let whole = it.replace("\\\n", " ");
        whole.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    lines.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_leads_there_and_back() {
    let Some(platform) = Platform::new(DATABASE) else { return };
    let origin = Place::origin(INTERNAL).await.unwrap();
    let destination = Place::empty(SERVER).await.unwrap();
    let door = Door::before(destination.fake.url()).await;
    let bench = &platform.bench;
    door.trust(bench);
    fs::write(bench.path(FILE), CONFIGURATION).unwrap();
    let guide = fs::read_to_string(root().join("docs/guides/anaconda.md")).unwrap();
    assert!(guide.contains(MAPPINGS), "the guide has the lines of the mappings file");
    for name in ["user-mappings.txt", "back-mappings.txt"] {
        fs::write(bench.path(name), MAPPINGS).unwrap();
    }
    let here = |command: &str| {
        command
            .replace("--postgres-host localhost", &platform.database.options())
            .replace("http://localhost:8443/", origin.fake.url())
            .replace("https://bitbucket.example", &door.url)
    };

    let commands = commands(&guide);
    for command in &commands {
        let arguments = here(command.strip_prefix("packhorse ").unwrap());
        let token = Options::TOKEN;
        let input = match arguments.starts_with("migrate-projects") {
            true => format!("\n{token}\n{token}\n"),
            false if arguments.starts_with("verify") => format!("{token}\n{token}\n"),
            false if arguments.contains("--type") => format!("{token}\ny\n"),
            false => "y\n".to_owned(),
        };
        let ran = bench.talk(&arguments, &input);
        assert_eq!(ran.status, Some(0), "{ran}");
    }

    assert_eq!(commands.len(), 8, "{commands:?}");
    let name = format!("ae-alice-{ONE}");
    let refs = destination.refs(&destination.path(&name));
    assert_eq!(refs, origin.refs(&origin.path(&name)));
    let written = fs::read_to_string(bench.path(FILE)).unwrap();
    assert!(written.contains("reverse-proxy-auth: true"), "{written}");
    assert!(written.contains("type: bitbucket-v1-api"), "{written}");
}
