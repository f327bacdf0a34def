//! `packhorse.toml`: hosts by name, and where their tokens are.

use super::{
    archives::{ArchivesKey, KeyEntry},
    limits::LimitsEntry,
    secret::Reference,
    service::{ServeEntry, store},
};
use crate::{cli::Globals, error::AppError, registry};
use packhorse_core::{GitCredentials, Location, Secret};
use packhorse_net::budget::Limits;
use packhorse_storage::Storage;
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};
use url::Url;

/// Name of the file, in the working directory or below the user's own configuration.
const FILE: &str = "packhorse.toml";

/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// The hosts of a configuration.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hosts {
    #[serde(default)]
    hosts: BTreeMap<String, Entry>,
    #[serde(default)]
    pub(super) serve: ServeEntry,
    #[serde(skip)]
    file: PathBuf,
}

/// A host by name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// Id of the host's kind, such as `gitea`.
    #[serde(rename = "type")]
    kind: String,
    /// Address of its first page.
    url: String,
    /// Whom the token or password belongs to; most hosts know from the token.
    username: Option<String>,
    /// Where the token or password is.
    token: Option<Reference>,
    /// Where more are that may do the same.
    #[serde(default)]
    tokens: Vec<Reference>,
    /// The store from which it fetches archives that are handed over to it.
    archives: Option<String>,
    /// The key of S3 that it is told for that, where it wants one.
    #[serde(rename = "archives-key")]
    archives_key: Option<KeyEntry>,
    /// What it is asked at most, with each token.
    limits: Option<LimitsEntry>,
}

impl Hosts {
    /// Reads the file that was named, or the first that there is; none is as good as an empty one.
    pub(crate) fn read(globals: &Globals) -> Result<Self, AppError> {
        let named = globals.config.clone();
        let is_named = named.is_some();
        let Some(file) = named.or_else(found) else { return Ok(Self::default()) };
        let fail = |what: &str| AppError::usage(format!("{what} `{}`", file.display()));
        let size = match fs::metadata(&file) {
            Ok(it) => it.len(),
            Err(error) if is_named => {
                return Err(fail("could not read the configuration").because(error));
            }
            Err(_) => return Ok(Self::default()),
        };
        if size > MAX_FILE {
            return Err(fail("too large for a configuration is")
                .hint(format!("it has {size} bytes; the most is {MAX_FILE}")));
        }
        let text = fs::read_to_string(&file)
            .map_err(|error| fail("could not read the configuration").because(error))?;
        let hosts = Self::parse(&text, file)?;
        hosts.keep_limits()?;
        Ok(hosts)
    }

    fn parse(text: &str, file: PathBuf) -> Result<Self, AppError> {
        let mut hosts: Self = toml::from_str(text).map_err(|error| {
            // SECURITY: the parser's own message quotes the line, which may hold a token.
            let line = error.span().map_or(1, |it| text[..it.start].matches('\n').count() + 1);
            AppError::usage(format!("could not read `{}`, line {line}", file.display()))
                .hint(error.message().to_owned())
                .hint("docs/guides/configuration.md shows what stands in it")
        })?;
        hosts.file = file;
        for (name, entry) in &hosts.hosts {
            hosts.check(name, entry)?;
        }
        hosts.check_limits()?;
        Ok(hosts)
    }

    /// Refuses limits that cannot be, and two that say otherwise of one server: it counts requests
    /// whatever we call it.
    fn check_limits(&self) -> Result<(), AppError> {
        let mut of_servers: BTreeMap<String, (&str, Limits)> = BTreeMap::new();
        for (name, entry) in &self.hosts {
            let Some(limits) = self.limits(name, entry)? else { continue };
            let Ok(url) = Url::parse(&entry.url) else { continue };
            let server = url.origin().ascii_serialization();
            match of_servers.get(&server) {
                Some((other, said)) if *said != limits => {
                    let what = format!("`{other}` and `{name}` of `{}`", self.file.display());
                    return Err(AppError::usage(format!("hosts {what} have different limits"))
                        .hint(format!("both are {server}: write the same `limits` for both")));
                }
                Some(_) => {}
                None => drop(of_servers.insert(server, (name, limits))),
            }
        }
        Ok(())
    }

    /// Refuses a name that is a kind, a kind that there is not, and an address that shows a token.
    fn check(&self, name: &str, entry: &Entry) -> Result<(), AppError> {
        let fail = |what: String| {
            AppError::usage(format!("host `{name}` of `{}` {what}", self.file.display()))
        };
        if registry::all().any(|it| it.is_named(name)) {
            return Err(fail("is called as a kind of host is".into()).hint("give it another name"));
        }
        let is_name = name.starts_with(|it: char| it.is_ascii_lowercase())
            && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !is_name {
            return Err(fail("has a name that cannot stand in a location".into())
                .hint("use small letters, digits and hyphens"));
        }
        if !registry::all().any(|it| it.is_named(&entry.kind)) {
            let ids: Vec<_> = registry::all().map(|it| it.id).collect();
            return Err(fail(format!("is of the kind `{}`, which there is not", entry.kind))
                .hint(format!("known are {}", ids.join(", "))));
        }
        if packhorse_core::GitUrl::parse(&entry.url).1.is_some() {
            return Err(fail("has a user or a token in its address".into())
                .hint("write `username` and `token` beside it"));
        }
        if entry.archives_key.is_some()
            && !entry.archives.as_ref().is_some_and(|it| it.starts_with("s3://"))
        {
            return Err(fail("has a key to no bucket of S3".into())
                .hint("`archives-key` stands beside `archives = \"s3://…\"`"));
        }
        if entry.archives_key.as_ref().is_some_and(|it| it.secret.is_asked_for()) {
            return Err(fail("has a key for archives that is asked for".into())
                .hint("it is needed for each project: name a file or an environment variable"));
        }
        let secrets = entry.references().chain(entry.archives_key.iter().map(|it| &it.secret));
        if secrets.into_iter().any(|it| matches!(it, Reference::Plain(_))) {
            only_ours(&self.file)?;
        }
        Ok(())
    }

    /// What a host is asked at most, where its table says so.
    fn limits(&self, name: &str, entry: &Entry) -> Result<Option<Limits>, AppError> {
        let limits = entry.limits.as_ref().map(LimitsEntry::limits).transpose();
        limits.map_err(|why| {
            let file = self.file.display();
            AppError::usage(format!("`limits` of host `{name}` of `{file}` {why}"))
                .hint("write limits = { requests = 400, seconds = 10, at_once = 4 }")
        })
    }

    /// Has everything in this process ask hosts no more than their tables say.
    fn keep_limits(&self) -> Result<(), AppError> {
        for (name, entry) in &self.hosts {
            let Some(limits) = self.limits(name, entry)? else { continue };
            let place = format!("{}:{}", entry.kind, entry.url.trim_end_matches('/')).parse()?;
            if !packhorse_hosts::limit(&place, &limits) {
                let file = self.file.display();
                return Err(AppError::usage(format!(
                    "`limits` of host `{name}` of `{file}` are of no use"
                ))
                .hint("only hosts with an API have limits"));
            }
        }
        Ok(())
    }

    /// Names of the hosts.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.hosts.keys().map(String::as_str)
    }

    /// Fetches a secret that the file says the place of.
    pub(super) fn secret(&self, of: &Reference, what: &str) -> Result<Secret, AppError> {
        if matches!(of, Reference::Plain(_)) {
            only_ours(&self.file)?;
        }
        of.resolve(what, &self.file)
    }

    /// Whether the file names the host that a place is at.
    pub(crate) fn names_place(&self, place: &Location) -> bool {
        self.entry(place).is_some()
    }

    /// Addresses of the hosts.
    pub(crate) fn urls(&self) -> impl Iterator<Item = &str> {
        self.hosts.values().map(|it| it.url.as_str())
    }

    /// Reads a location as a person wrote it; what is left of the colon may be a host's name here.
    pub(crate) fn locate(&self, text: &str) -> Result<Location, AppError> {
        // A name alone is all of it.
        let whole = self.hosts.contains_key(text).then(|| format!("{text}:/"));
        let mut location: Location = whole.as_deref().unwrap_or(text).parse()?;
        if let Some(entry) = self.hosts.get(&location.host) {
            let rest = location.rest.trim_matches('/');
            let url = entry.url.trim_end_matches('/');
            location.rest = if rest.is_empty() { url.to_owned() } else { format!("{url}/{rest}") };
            location.host.clone_from(&entry.kind);
        } else if let Some(address) = packhorse_hosts::short::address(&location) {
            location.rest = address;
        }
        Ok(location)
    }

    /// The host that a place is at; the longest address is the nearest.
    fn entry(&self, of: &Location) -> Option<(&String, &Entry)> {
        self.hosts.iter().filter(|(_, it)| it.covers(of)).max_by_key(|(_, it)| it.url.len())
    }

    /// The store from which a host fetches archives, where the file names one.
    pub(crate) fn archives(&self, of: &Location) -> Result<Option<Storage>, AppError> {
        let found = self.entry(of).and_then(|(name, it)| Some((name, it.archives.as_deref()?)));
        found.map(|(name, address)| store(&format!("hosts.{name}"), address)).transpose()
    }

    /// The key by which a host fetches archives from that store, where the file names one.
    pub(crate) fn archives_key(&self, of: &Location) -> Result<Option<ArchivesKey>, AppError> {
        let found = self.entry(of).and_then(|(name, it)| Some((name, it.archives_key.as_ref()?)));
        let Some((name, KeyEntry { id, secret, region })) = found else { return Ok(None) };
        let secret =
            secret.resolve(&format!("the key for archives of host `{name}`"), &self.file)?;
        Ok(Some(ArchivesKey { id: id.clone(), secret, region: region.clone() }))
    }

    /// How many tokens the file names for a place.
    pub(crate) fn tokens(&self, of: &Location) -> usize {
        self.entry(of).map_or(0, |(_, entry)| entry.references().count())
    }

    /// What the file says of the right to use a place: one, or several that may do the same.
    pub(crate) fn credentials(&self, of: &Location) -> Result<Vec<GitCredentials>, AppError> {
        let Some((name, entry)) = self.entry(of) else { return Ok(Vec::new()) };
        let one = |reference: &Reference| {
            let password = reference.resolve(&format!("the token of host `{name}`"), &self.file)?;
            let own = reference.username().or(entry.username.as_deref());
            // The name that stands for nobody: a token alone.
            Ok(GitCredentials { username: own.unwrap_or("git").to_owned(), password })
        };
        entry.references().map(one).collect()
    }
}

impl Entry {
    /// Where its tokens are, the one that Git uses first.
    fn references(&self) -> impl Iterator<Item = &Reference> {
        self.token.iter().chain(&self.tokens)
    }

    /// Whether a place is at this host.
    ///
    /// SECURITY: a token goes only to an address that begins with the whole address it is for.
    fn covers(&self, place: &Location) -> bool {
        let same_kind =
            registry::all().any(|it| it.is_named(&self.kind) && it.is_named(&place.host));
        let rest = place.rest.strip_prefix(self.url.trim_end_matches('/'));
        same_kind && rest.is_some_and(|it| it.is_empty() || it.starts_with('/'))
    }
}

/// The first file that there is.
fn found() -> Option<PathBuf> {
    let home = env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".config")));
    let own = home.map(|it| it.join("packhorse").join(FILE));
    [Some(PathBuf::from(FILE)), own].into_iter().flatten().find(|it| it.is_file())
}

/// SECURITY: a file that holds a secret in clear may be read by its owner alone.
pub(super) fn only_ours(file: &Path) -> Result<(), AppError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(file).map(|it| it.permissions().mode());
    match mode {
        Ok(mode) if mode & 0o077 == 0 => Ok(()),
        Ok(_) => Err(AppError::usage(format!(
            "`{}` holds a token, and others may read it",
            file.display()
        ))
        .hint(format!("say `chmod 600 {}`", file.display()))
        .hint("or name the token's place: token = { env = \"…\" } or { file = \"…\" }")),
        Err(error) => {
            Err(AppError::failed(format!("could not look at `{}`", file.display())).because(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const TEXT: &str = r#"
        [hosts.work]
        type = "gitea"
        url = "https://git.example/"
        username = "alice"
        token = { env = "PACKHORSE_TEST_TOKEN_THAT_IS_NOT_SET" }

        [hosts.below]
        type = "gitea"
        url = "https://git.example/below"
    "#;

    fn hosts(text: &str) -> Result<Hosts, AppError> {
        Hosts::parse(text, PathBuf::from("packhorse.toml"))
    }

    #[track_caller]
    fn check_place(text: &str, expected: &str) {
        assert_eq!(hosts(TEXT).unwrap().locate(text).unwrap().to_string(), expected);
    }

    #[track_caller]
    fn check_refused(text: &str, why: &str) {
        let error = hosts(text).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn a_name_stands_for_an_address() {
        check_place("work:acme/app", "gitea:https://git.example/acme/app");
        check_place("work:/", "gitea:https://git.example");
        check_place("work", "gitea:https://git.example");
        check_place("work:/acme#acme/app", "gitea:https://git.example/acme#acme/app");
        check_place("gitea:https://other.example/a", "gitea:https://other.example/a");
    }

    #[test]
    fn a_path_alone_is_at_the_public_service_and_has_its_tokens() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        fs::write(&file, "one").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let text = "[hosts.hub]\ntype = \"github\"\nurl = \"https://github.com\"\n\
                    token = { file = \"token\" }\n";
        let hosts = Hosts::parse(text, directory.path().join("packhorse.toml")).unwrap();

        let place = hosts.locate("github:acme#acme/app").unwrap();

        assert_eq!(place.to_string(), "github:https://github.com/acme#acme/app");
        assert_eq!(hosts.credentials(&place).unwrap()[0].password.expose(), "one");
        let group = hosts.locate("gitlab:acme/tools").unwrap();
        assert_eq!(group.to_string(), "gitlab:https://gitlab.com/acme/tools");
    }

    #[test]
    fn a_token_is_for_its_own_address_alone() {
        let hosts = hosts(TEXT).unwrap();
        let covered = |text: &str| {
            let place = text.parse().unwrap();
            hosts.hosts["work"].covers(&place)
        };

        assert!(covered("gitea:https://git.example/acme"));
        assert!(covered("gitea:https://git.example"));
        assert!(!covered("gitea:https://git.example.evil.example/acme"));
        assert!(!covered("gitea:http://git.example/acme"));
        assert!(!covered("git:https://git.example/acme"));
    }

    #[test]
    fn a_token_that_is_not_there_is_told_by_its_place() {
        let hosts = hosts(TEXT).unwrap();
        let error = hosts.credentials(&hosts.locate("work:acme").unwrap()).unwrap_err();
        assert!(error.to_string().contains("PACKHORSE_TEST_TOKEN_THAT_IS_NOT_SET"), "{error}");
        let below = hosts.locate("below:acme").unwrap();
        assert_eq!(hosts.credentials(&below).unwrap(), []);
    }

    #[test]
    fn several_tokens_are_a_pool_in_their_order() {
        let directory = tempfile::tempdir().unwrap();
        for (name, token) in [("a", "one"), ("b", "two")] {
            let file = directory.path().join(name);
            fs::write(&file, token).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        let text = "[hosts.work]\ntype = \"gitea\"\nurl = \"https://git.example\"\n\
                    username = \"alice\"\n\
                    tokens = [{ file = \"a\" }, { file = \"b\", username = \"bob\" }]\n";
        let hosts = Hosts::parse(text, directory.path().join("packhorse.toml")).unwrap();

        let pool = hosts.credentials(&hosts.locate("work:acme").unwrap()).unwrap();

        let pool: Vec<_> =
            pool.iter().map(|it| (it.username.as_str(), it.password.expose())).collect();
        assert_eq!(pool, [("alice", "one"), ("bob", "two")]);
    }

    #[test]
    fn mistakes_are_told_and_never_show_a_token() {
        check_refused("[hosts.work]\ntype = \"gitty\"\nurl = \"https://h\"", "which there is not");
        check_refused("[hosts.local]\ntype = \"gitea\"\nurl = \"https://h\"", "as a kind of host");
        check_refused("[hosts.Work]\ntype = \"gitea\"\nurl = \"https://h\"", "cannot stand");
        check_refused("[hosts.w]\ntype = \"gitea\"\nurl = \"https://a:b@h\"", "in its address");
        let limited = |limits: &str| {
            format!("[hosts.w]\ntype = \"gitea\"\nurl = \"https://h\"\nlimits = {{ {limits} }}")
        };
        let keyed = |archives: &str, secret: &str| {
            format!(
                "[hosts.w]\ntype = \"gitlab\"\nurl = \"https://h\"\narchives = \"{archives}\"\n\
                 archives-key = {{ id = \"a\", region = \"b\", secret = {{ {secret} }} }}"
            )
        };
        check_refused(&keyed("gs://bucket", "env = \"KEY\""), "to no bucket of S3");
        check_refused(&keyed("s3://bucket", "prompt = true"), "that is asked for");
        check_refused(&limited("seconds = 10"), "not how many requests");
        check_refused(&limited("requests = 1, seconds = 86401"), "the most is 86400");
        check_refused(&limited("requests = 0"), "line 4");
        let again = |limits: &str| {
            let first = limited("requests = 1").replace("://h", "://h/git");
            format!("{first}\n{}", limited(limits).replace("hosts.w", "hosts.x"))
        };
        check_refused(&again("requests = 2"), "`w` and `x`");
        assert!(hosts(&again("requests = 1")).is_ok());
        let error = hosts("[hosts.w]\ntoken = \"hunter2").unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains("hunter2"), "{error}");
    }
}
