//! The arguments of `migrate_projects.py`, ours beside them, and what a person meant by them.
//!
//! # Sources
//!
//! Anaconda, "Migrating projects between version control repositories": the usage of the tool.

use super::{
    argparse::{Ended, Given, Opt, Parser, Takes},
    host::{API_TYPES, ApiType},
};
use serde::{Deserialize, Serialize};
use std::{
    env, io,
    num::NonZeroU16,
    path::{Path, PathBuf},
    time::Duration,
};

/// Name of the tool whose place is taken.
pub(crate) const ORIGINAL: &str = "migrate_projects.py";

/// Projects that are carried at a time where nobody says: the page's example.
const PARALLEL: NonZeroU16 = NonZeroU16::new(4).unwrap();
/// Most projects that are carried at a time.
const MAX_PARALLEL: i64 = 64;

/// How long a worker may be silent where nobody says.
const LEASE: Duration = Duration::from_secs(15);

/// A row of the original's page.
const fn original(name: &'static str, takes: Takes, required: bool, help: &'static str) -> Opt {
    Opt { name, takes, required, help, original: true }
}

/// An addition of ours.
const fn ours(name: &'static str, takes: Takes, help: &'static str) -> Opt {
    Opt { name, takes, required: false, help, original: false }
}

const TYPES: Takes = Takes::OneOf(API_TYPES);

/// The options, in the order of the page, and then ours.
static OPTIONS: &[Opt] = &[
    original("--parallel", Takes::Number, false, "Number of parallel migration jobs to spawn"),
    original(
        "--log-file",
        Takes::Text,
        false,
        "Path prefix to log directory, suffixed with a timestamp, e.g. migrate-projects-",
    ),
    original(
        "--force-migrate",
        Takes::Nothing,
        false,
        "Forces migration by replacing local and destination",
    ),
    original(
        "--scratch-dir",
        Takes::Text,
        false,
        "The scratch directory for cloning project repositories",
    ),
    original("--postgres-host", Takes::Text, true, "Hostname of AE5 Postgres DB"),
    original("--postgres-user", Takes::Text, false, "Username of AE5 postgres DB"),
    original("--postgres-passwd", Takes::Text, false, "Password of AE5 postgres DB"),
    original("--origin-api-type", TYPES, false, "Origin git host API type"),
    original("--origin-api-url", Takes::Text, true, "Origin git host API URL"),
    original("--origin-username", Takes::Text, false, "Origin git host username"),
    original("--origin-token", Takes::Text, false, "Origin git host auth token"),
    original("--origin-organization", Takes::Text, false, "Origin git host organization"),
    original("--dest-api-type", TYPES, false, "Destination git host API type"),
    original("--dest-api-url", Takes::Text, true, "Destination git host API URL"),
    original("--dest-username", Takes::Text, false, "Destination git host username"),
    original("--dest-token", Takes::Text, false, "Destination git host auth token"),
    original("--dest-organization", Takes::Text, false, "Destination git host organization"),
    original(
        "--dest-user-mappings",
        Takes::Text,
        true,
        "Colon-separated AE-to-git-host mappings file, e.g. ae-",
    ),
    ours(
        "--only-report",
        Takes::Nothing,
        "Say what would be carried, replaced or left, and move nothing",
    ),
    ours(
        "--skip-unmapped",
        Takes::Nothing,
        "Carry projects also when some of their users have no line in the mappings file; \
         these users get no right",
    ),
    ours(
        "--full-check",
        Takes::Nothing,
        "Read everything back from the destination afterwards, and not the refs alone",
    ),
    ours("--postgres-port", Takes::Number, "Port of AE5 Postgres DB [default: 5432]"),
    ours("--postgres-dbname", Takes::Text, "Name of the database [default: anaconda_storage]"),
    ours(
        "--postgres-query",
        Takes::Text,
        "SELECT that lists projects, where the tables are not understood: columns id and owner, \
         and if there are any name, repository, collaborator, permission, type; a row for each \
         collaborator",
    ),
    ours("--postgres-tls", Takes::Nothing, "Speak TLS with the database"),
    ours(
        "--postgres-ca",
        Takes::Text,
        "File of the authorities that vouch for the database, in PEM; means --postgres-tls",
    ),
    // For tests, which do not wait so long for a worker that was killed.
    ours("--lease", Takes::Number, ""),
    ours(
        "--journal",
        Takes::Text,
        "Directory that remembers what was carried, so that the next run goes on there \
         [default: .packhorse]",
    ),
];

/// What help says of secrets, in the order in which they are asked for.
const EPILOG: &str = "Passwords and tokens that are left out are asked for. From a pipe each is a \
    line, always in this order: the PostgreSQL password, the origin's token, the destination's \
    token. What is left blank is taken from PGPASSWORD, PACKHORSE_SOURCE_PASSWORD and \
    PACKHORSE_TARGET_PASSWORD, where they are set.";

/// How the tool was called, and so how it talks of itself.
pub(crate) fn program(called: &str) -> Parser<'_> {
    Parser { program: called, options: OPTIONS, epilog: EPILOG }
}

/// The help of the tool, as `packhorse help` shows it.
pub(crate) fn help() -> String {
    program("packhorse migrate-projects").help()
}

/// One of the two Git hosts, as the arguments tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct HostArguments {
    pub(super) api: ApiType,
    pub(super) url: String,
    pub(super) username: Option<String>,
    /// SECURITY: is kept nowhere.
    #[serde(skip)]
    pub(super) token: Option<String>,
    pub(super) organization: Option<String>,
}

/// Where the database is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DatabaseArguments {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) user: String,
    /// SECURITY: is kept nowhere.
    #[serde(skip)]
    pub(super) password: Option<String>,
    pub(super) name: String,
    pub(super) query: Option<String>,
    pub(super) tls: bool,
    pub(super) ca: Option<PathBuf>,
}

/// Everything that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Arguments {
    pub(super) parallel: NonZeroU16,
    pub(super) log_prefix: Option<String>,
    pub(super) force: bool,
    pub(super) scratch: Option<PathBuf>,
    #[serde(skip)]
    pub(super) journal: Option<PathBuf>,
    pub(super) database: DatabaseArguments,
    pub(super) origin: HostArguments,
    pub(super) destination: HostArguments,
    pub(super) mappings: PathBuf,
    pub(super) only_report: bool,
    pub(super) skip_unmapped: bool,
    pub(super) full_check: bool,
    /// How long a worker may be silent before another takes its job over.
    pub(super) lease: Duration,
}

impl Arguments {
    /// Reads what was given.
    pub(super) fn read(parser: Parser<'_>, words: &[String]) -> Result<Self, Ended> {
        let given = parser.parse(words)?;
        let text = |name: &str| given.value(name).map(str::to_owned).unwrap_or_default();
        let path = |name: &str| given.value(name).filter(|it| !it.is_empty()).map(PathBuf::from);
        let range = |name: &str, most: i64| {
            let Some(number) = given.value(name).and_then(|it| it.trim().parse::<i64>().ok())
            else {
                return Ok(None);
            };
            match u16::try_from(number) {
                Ok(small) if number >= 1 && number <= most => Ok(NonZeroU16::new(small)),
                Ok(_) | Err(_) => {
                    Err(parser.wrong(&format!("argument {name}: must be from 1 to {most}")))
                }
            }
        };
        let ca = path("--postgres-ca");
        Ok(Self {
            parallel: range("--parallel", MAX_PARALLEL)?.unwrap_or(PARALLEL),
            log_prefix: given.value("--log-file").map(str::to_owned),
            force: given.has("--force-migrate"),
            scratch: path("--scratch-dir"),
            journal: path("--journal"),
            database: DatabaseArguments {
                host: text("--postgres-host"),
                port: range("--postgres-port", i64::from(u16::MAX))?.map_or(5432, NonZeroU16::get),
                user: given.value("--postgres-user").unwrap_or("postgres").to_owned(),
                password: given.value("--postgres-passwd").map(str::to_owned),
                name: given.value("--postgres-dbname").unwrap_or("anaconda_storage").to_owned(),
                query: given.value("--postgres-query").map(str::to_owned),
                tls: given.has("--postgres-tls") || ca.is_some(),
                ca,
            },
            origin: host(&given, "origin"),
            destination: host(&given, "dest"),
            mappings: PathBuf::from(text("--dest-user-mappings")),
            only_report: given.has("--only-report"),
            skip_unmapped: given.has("--skip-unmapped"),
            full_check: given.has("--full-check"),
            lease: range("--lease", 3_600)?
                .map_or(LEASE, |it| Duration::from_secs(it.get().into())),
        })
    }

    /// The same with paths that lead to the same files from any directory.
    pub(super) fn settled(&self) -> io::Result<Self> {
        let here = env::current_dir()?;
        let whole = |path: &Path| here.join(path);
        let mut it = self.clone();
        it.mappings = whole(&it.mappings);
        it.scratch = it.scratch.as_deref().map(whole);
        it.database.ca = it.database.ca.as_deref().map(whole);
        // A prefix may end with a slash, which makes it a directory.
        it.log_prefix = it.log_prefix.map(|prefix| match prefix.starts_with('/') {
            true => prefix,
            false => format!("{}/{prefix}", here.display()),
        });
        Ok(it)
    }

    /// Options by which a secret was given where others on this machine can read it.
    pub(super) fn open_secrets(&self) -> Vec<&'static str> {
        let given = [
            ("--postgres-passwd", &self.database.password),
            ("--origin-token", &self.origin.token),
            ("--dest-token", &self.destination.token),
        ];
        let open = given.into_iter().filter(|(_, it)| it.as_ref().is_some_and(|it| !it.is_empty()));
        open.map(|(name, _)| name).collect()
    }
}

fn host(given: &Given, side: &str) -> HostArguments {
    let value = |what: &str| given.value(&format!("--{side}-{what}"));
    let text = |what: &str| value(what).filter(|it| !it.is_empty()).map(str::to_owned);
    HostArguments {
        api: value("api-type").and_then(ApiType::named).unwrap_or(ApiType::Internal),
        url: value("api-url").unwrap_or_default().to_owned(),
        username: text("username"),
        // A blank one was given all the same, and is not asked for.
        token: value("token").map(str::to_owned),
        organization: text("organization"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page's own example.
    const EXAMPLE: &str = "--postgres-host localhost --origin-api-url http://localhost:8443/ \
        --origin-username root --dest-api-type gitlab-v4-api \
        --dest-api-url https://gitlab.example/ --dest-username root --dest-organization demo \
        --dest-user-mappings user-mappings-gitea-to-gitlab.txt --force-migrate --parallel 4";

    fn read(text: &str) -> Result<Arguments, Ended> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Arguments::read(program(ORIGINAL), &words)
    }

    #[test]
    fn the_example_of_the_page_is_understood() {
        let read = read(EXAMPLE).unwrap();

        assert_eq!(read.origin.api, ApiType::Internal);
        assert_eq!(read.destination.api, ApiType::Gitlab);
        assert_eq!(read.destination.organization.as_deref(), Some("demo"));
        assert_eq!((read.database.port, read.database.user.as_str()), (5432, "postgres"));
        assert_eq!((read.parallel.get(), read.force, read.log_prefix), (4, true, None));
        assert_eq!(read.origin.token, None);
    }

    #[test]
    fn a_number_of_jobs_that_cannot_be_is_refused() {
        for number in ["0", "-1", "65", "100000"] {
            let Err(Ended::Wrong(told)) = read(&format!("{EXAMPLE} --parallel {number}")) else {
                panic!("{number} is taken")
            };
            assert!(told.contains("argument --parallel: must be from 1 to 64"), "{told}");
        }
    }

    #[test]
    fn a_secret_that_others_can_see_is_noticed() {
        let open = read(&format!("{EXAMPLE} --dest-token=x --origin-token=")).unwrap();

        assert_eq!(open.open_secrets(), ["--dest-token"]);
        assert_eq!(open.origin.token.as_deref(), Some(""));
    }

    #[test]
    fn what_is_kept_of_the_arguments_has_no_secret_and_leads_to_the_same_files() {
        let secrets = "--origin-token=hunter2 --dest-token hunter2 --postgres-passwd hunter2";
        let read = read(&format!("{EXAMPLE} {secrets} --log-file logs/ --scratch-dir /s")).unwrap();

        let text = serde_json::to_string(&read.settled().unwrap()).unwrap();
        let back: Arguments = serde_json::from_str(&text).unwrap();

        assert!(!text.contains("hunter2"), "{text}");
        assert!(back.mappings.is_absolute() && back.mappings.ends_with(&read.mappings));
        assert!(back.log_prefix.unwrap().ends_with("/logs/"));
        assert_eq!((back.scratch, back.force), (Some(PathBuf::from("/s")), true));
        assert_eq!((back.destination.token, back.destination.api), (None, ApiType::Gitlab));
    }

    #[test]
    fn the_arguments_are_told_as_on_the_page() {
        insta::assert_snapshot!(program(ORIGINAL).help());
    }
}
