//! The `git` program, with nothing of the caller's around it.
//!
//! The only place in the workspace that starts programs. Every call has an
//! environment of its own making, so that neither the caller's configuration,
//! credential helpers and aliases nor hooks can change what happens, and
//! configuration that could start a program is set to harmless values, which
//! wins over what a repository says of itself.

use crate::{error::GitError, guard};
use packhorse_core::{GitCredentials, GitRemote, HostError};
use packhorse_net::{Live, Options, Reach};
use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, OnceLock},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

/// Oldest Git whose output we read.
///
/// 2.31 brought configuration by `GIT_CONFIG_COUNT`, 2.36 `--atomic` fetches,
/// 2.39 is the oldest that the tests run with.
pub const MINIMUM_GIT: &str = "2.39.0";

/// Most of a program's last words that is kept, in bytes.
const MAX_STDERR: usize = 16 << 10;

/// Most output that [`GitCommand::output`] takes, in bytes.
const MAX_OUTPUT: u64 = 256 << 20;

/// Variables of the caller that are passed on: the search path, temporary
/// files, and how to get through to the network.
const PASSED_ON: &[&str] = &[
    "PATH",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
    "ALL_PROXY",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
];

/// Settings that win over every other, also over a repository's own.
///
/// Each `command` that Git may start by configuration is set to nothing, save
/// `uploadpack.packObjectsHook`, which Git never takes from a repository.
/// Source: git-config(1).
const SETTINGS: &[(&str, &str)] = &[
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.sshCommand", "ssh -o BatchMode=yes"),
    ("core.askPass", ""),
    ("core.pager", "cat"),
    ("core.editor", "false"),
    ("core.alternateRefsCommand", "true"),
    ("core.protectHFS", "true"),
    ("core.protectNTFS", "true"),
    ("credential.helper", ""),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("receive.autogc", "false"),
    ("receive.denyDeleteCurrent", "ignore"),
    ("uploadpack.allowAnySHA1InWant", "true"),
    ("uploadpack.allowFilter", "true"),
    ("protocol.allow", "never"),
    ("fetch.writeCommitGraph", "false"),
    ("fetch.recurseSubmodules", "false"),
    ("http.followRedirects", "initial"),
    ("safe.bareRepository", "all"),
    ("safe.directory", "*"),
    ("init.defaultBranch", "main"),
    ("init.templateDir", ""),
    ("advice.detachedHead", "false"),
    ("transfer.bundleURI", "false"),
];

/// The `git` program, and the client for what is asked over HTTP without it.
#[derive(Clone)]
pub struct Git {
    program: PathBuf,
    network: Arc<OnceLock<Live>>,
    /// Where programs may lead, if not where all of the process may.
    reach: Option<Reach>,
}

impl std::fmt::Debug for Git {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Git").field("program", &self.program).finish_non_exhaustive()
    }
}

impl Git {
    /// Finds the program and checks its age, once for the process.
    ///
    /// # Errors
    ///
    /// [`GitError::GitMissing`] and [`GitError::GitTooOld`].
    pub async fn find() -> Result<Self, GitError> {
        static FOUND: OnceLock<Git> = OnceLock::new();
        if let Some(git) = FOUND.get() {
            return Ok(git.clone());
        }
        let git = Self::at(located("git"));
        let text = git.command(["version"]).text().await;
        if matches!(text, Err(GitError::System { .. })) {
            return Err(GitError::GitMissing);
        }
        let text = text?;
        let found = text.split_whitespace().nth(2).unwrap_or_default();
        if number(found) < number(MINIMUM_GIT) {
            return Err(GitError::GitTooOld { found: found.to_owned() });
        }
        Ok(FOUND.get_or_init(|| git).clone())
    }

    /// The program at that path, unchecked.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), network: Arc::default(), reach: None }
    }

    /// Reaches hosts over HTTP with these settings.
    ///
    /// # Errors
    ///
    /// When a certificate or proxy of theirs cannot be used.
    pub fn reaching(self, options: &Options) -> Result<Self, HostError> {
        // Some servers of HTTP/2 cut a connection that sends many small frames.
        let live = Live::new(&Options { http1_only: true, ..options.clone() })?;
        let (network, reach) = (Arc::new(OnceLock::from(live)), options.reach.clone());
        Ok(Self { network, reach, ..self })
    }

    /// The client, whose connections all clones share.
    pub(crate) fn network(&self) -> Result<Live, HostError> {
        if let Some(live) = self.network.get() {
            return Ok(live.clone());
        }
        let live = Live::new(&Options { http1_only: true, ..Options::default() })?;
        Ok(self.network.get_or_init(|| live).clone())
    }

    /// Where programs may lead, where anything was said about that.
    pub(crate) fn reach(&self) -> Option<Reach> {
        self.reach.clone().or_else(Reach::current)
    }

    /// A command with these arguments, in no repository.
    pub fn command<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> GitCommand {
        let arguments: Vec<String> =
            arguments.into_iter().map(|it| it.as_ref().to_owned()).collect();
        GitCommand {
            program: self.program.clone(),
            repository: None,
            arguments,
            settings: Vec::new(),
            variables: vec![("GIT_ALLOW_PROTOCOL", "file".to_owned())],
            secrets: Vec::new(),
            place: None,
            reach: self.reach(),
        }
    }

    /// The `ssh` program, for one half of Git's transport at its other end.
    ///
    /// It never asks, and reads its user's own configuration and keys.
    pub fn ssh<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> GitCommand {
        let mut command = self.command(arguments);
        command.program = located("ssh");
        command
    }

    /// A command in a bare repository.
    pub fn inside<S: AsRef<str>>(
        &self,
        repository: &Path,
        arguments: impl IntoIterator<Item = S>,
    ) -> GitCommand {
        let mut command = self.command(arguments);
        command.repository = Some(repository.to_owned());
        command
    }
}

/// The protocol that Git may use for a remote, as `GIT_ALLOW_PROTOCOL` names it.
fn protocol(remote: &GitRemote) -> &str {
    match remote.url.as_str().split_once("://") {
        _ if remote.url.as_path().is_some() => "file",
        Some((scheme @ ("http" | "https" | "ssh" | "git"), _)) => scheme,
        Some(_) => "none",
        None => "ssh",
    }
}

/// Where a program is on the search path; the bare name when it is not there.
///
/// Starting a program by its place is much cheaper: with a bare name and a changed environment the
/// standard library has to copy this process's whole address space for each child. And a relative
/// entry of the search path never counts.
fn located(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::env::split_paths(&path).filter(|it| it.is_absolute());
    let is_program = |it: &PathBuf| {
        it.metadata().is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
    };
    places.map(|it| it.join(program)).find(is_program).unwrap_or_else(|| PathBuf::from(program))
}

/// Major, minor, patch.
fn number(version: &str) -> (u32, u32, u32) {
    let mut parts = version.split('.').map(|it| it.parse().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next())
}

/// A call of `git`, ready to start.
pub struct GitCommand {
    program: PathBuf,
    repository: Option<PathBuf>,
    arguments: Vec<String>,
    settings: Vec<(String, String)>,
    variables: Vec<(&'static str, String)>,
    secrets: Vec<String>,
    place: Option<String>,
    reach: Option<Reach>,
}

/// SECURITY: settings and secrets are not shown.
impl std::fmt::Debug for GitCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitCommand").field("arguments", &self.arguments).finish_non_exhaustive()
    }
}

impl GitCommand {
    /// Adds a setting that wins over the repository's.
    #[must_use]
    pub fn setting(mut self, key: &str, value: impl Into<String>) -> Self {
        self.settings.push((key.to_owned(), value.into()));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    /// Names what it works on, for errors.
    #[must_use]
    pub fn about(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Lets the call reach a remote, by that remote's protocol alone, and gives it its credentials.
    ///
    /// # Errors
    ///
    /// [`GitError::Unanswered`] when the remote is where this process may not reach.
    pub async fn with_remote(self, remote: &GitRemote) -> Result<Self, GitError> {
        let command = match self.reach.clone() {
            Some(reach) => guard::bound(self, remote, &reach).await?,
            None => self,
        };
        Ok(command.bound_to(remote))
    }

    /// SECURITY: credentials go through the child's environment, bound to the remote's
    /// own URL, so that they are in no argument list and go to no other host.
    fn bound_to(self, remote: &GitRemote) -> Self {
        let command = self.variable("GIT_ALLOW_PROTOCOL", protocol(remote));
        let mut command = command.about(remote.url.as_str());
        let Some(GitCredentials { username, password }) = &remote.credentials else {
            return command;
        };
        let basic = base64(format!("{username}:{}", password.expose()).as_bytes());
        let key = format!("http.{}.extraHeader", remote.url);
        // SECURITY: a redirect could take the header to another host.
        command = command.setting("http.followRedirects", "false");
        command = command.setting(&key, format!("Authorization: Basic {basic}"));
        command.secrets.extend([basic, password.expose().to_owned()]);
        command
    }

    /// Starts it with these streams; dropping the child kills it.
    ///
    /// # Errors
    ///
    /// [`GitError::System`] when it cannot be started.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that starts programs")]
    pub fn spawn(&self, stdin: Stdio, stdout: Stdio) -> Result<Child, GitError> {
        let mut command = Command::new(&self.program);
        command.env_clear();
        for name in PASSED_ON {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("LC_ALL", "C")
            .env("HOME", "/nonexistent")
            .env("XDG_CONFIG_HOME", "/nonexistent")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_ATTR_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("GIT_NO_LAZY_FETCH", "1")
            .env("GIT_PROXY_COMMAND", "")
            .env("GIT_PROTOCOL_FROM_USER", "0");
        let settings = SETTINGS.iter().map(|(key, value)| (*key, *value));
        let settings = settings.chain(self.settings.iter().map(|(k, v)| (k.as_str(), v.as_str())));
        let mut count = 0;
        for (n, (key, value)) in settings.enumerate() {
            command.env(format!("GIT_CONFIG_KEY_{n}"), key);
            command.env(format!("GIT_CONFIG_VALUE_{n}"), value);
            count = n + 1;
        }
        command.env("GIT_CONFIG_COUNT", count.to_string());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        match &self.repository {
            Some(repository) => command.env("GIT_DIR", repository),
            // SECURITY: not in the caller's directory, whose repository would have its say.
            None => command.current_dir("/"),
        };
        command
            .args(&self.arguments)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(GitError::system("start git"))
    }

    /// Runs it with `input` on its standard input and gives its whole output.
    ///
    /// # Errors
    ///
    /// See [`GitError`]; output beyond 256 MiB is [`GitError::Corrupt`].
    pub async fn run(&self, input: &[u8]) -> Result<Vec<u8>, GitError> {
        let (status, output, stderr) = self.finish(input).await?;
        if status.success() {
            return Ok(output);
        }
        Err(self.failure(&status.to_string(), &stderr))
    }

    /// Runs it and gives its exit status too: for calls whose failure says something.
    ///
    /// # Errors
    ///
    /// Only when it could not run.
    pub async fn finish(
        &self,
        input: &[u8],
    ) -> Result<(std::process::ExitStatus, Vec<u8>, String), GitError> {
        let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
        let mut child = self.spawn(stdin, Stdio::piped())?;
        let pipe = child.stdin.take();
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let feed = async {
            if let Some(mut pipe) = pipe {
                // A program that has heard enough closes the pipe; its status tells the rest.
                drop(pipe.write_all(input).await);
            }
        };
        let (_, output, stderr) = tokio::join!(feed, read_bounded(out), last_words(err));
        let status = child.wait().await.map_err(GitError::system("wait for git"))?;
        Ok((status, output?, self.redact(stderr)))
    }

    /// Runs it and gives its output as text.
    ///
    /// # Errors
    ///
    /// As [`GitCommand::run`].
    pub async fn text(&self) -> Result<String, GitError> {
        Ok(String::from_utf8_lossy(&self.run(&[]).await?).into_owned())
    }

    /// Waits for a child of this command whose streams the caller has used up.
    ///
    /// # Errors
    ///
    /// When it ended badly.
    pub async fn wait(&self, mut child: Child) -> Result<(), GitError> {
        let stderr = last_words(child.stderr.take()).await;
        let status = child.wait().await.map_err(GitError::system("wait for git"))?;
        if status.success() {
            return Ok(());
        }
        Err(self.failure(&status.to_string(), &self.redact(stderr)))
    }

    /// Turns a failure into what a caller can act on.
    pub(crate) fn failure(&self, status: &str, stderr: &str) -> GitError {
        let operation = self.arguments.first().cloned().unwrap_or_default();
        let has = |words: &[&str]| words.iter().any(|it| stderr.contains(it));
        let place = || self.place();
        if has(&[
            "Authentication failed",
            "could not read Username",
            "HTTP 401",
            "returned error: 403",
            "Permission denied (publickey",
        ]) {
            return GitError::Unauthorized { place: place() };
        }
        // Git says much of files and refs that are not found; only this is about a repository.
        let is_absent = |line: &str| {
            line.contains("epository") && (line.contains("not found") || line.contains("not exist"))
        };
        if has(&["does not appear to be a git repository", "returned error: 404"])
            || stderr.lines().any(is_absent)
        {
            return GitError::NoRepository { place: place() };
        }
        let stderr = stderr.trim().to_owned();
        GitError::Failed { operation, status: status.to_owned(), stderr }
    }

    fn place(&self) -> String {
        let repository = || self.repository.as_ref().map(|it| it.display().to_string());
        self.place.clone().or_else(repository).unwrap_or_else(|| "the repository".to_owned())
    }

    /// SECURITY: whatever Git says, no secret of ours is in it.
    fn redact(&self, mut text: String) -> String {
        for secret in self.secrets.iter().filter(|it| !it.is_empty()) {
            text = text.replace(secret.as_str(), "…");
        }
        text
    }
}

async fn read_bounded(pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, GitError> {
    let mut output = Vec::new();
    let Some(pipe) = pipe else { return Ok(output) };
    let read = pipe.take(MAX_OUTPUT + 1).read_to_end(&mut output).await;
    let read = read.map_err(GitError::system("read from git"))?;
    if read as u64 > MAX_OUTPUT {
        let detail = format!("more than {MAX_OUTPUT} bytes");
        return Err(GitError::Corrupt { what: "the output of git".into(), detail });
    }
    Ok(output)
}

/// Reads everything and keeps the end.
async fn last_words(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut pipe) = pipe else { return String::new() };
    let (mut kept, mut piece) = (Vec::new(), [0; 4096]);
    while let Ok(n @ 1..) = pipe.read(&mut piece).await {
        kept.extend_from_slice(&piece[..n]);
        if kept.len() > 2 * MAX_STDERR {
            kept.drain(..kept.len() - MAX_STDERR);
        }
    }
    let from = kept.len().saturating_sub(MAX_STDERR);
    String::from_utf8_lossy(&kept[from..]).into_owned()
}

/// Base64 as HTTP's Basic scheme wants it. Source: RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = [chunk[0], *chunk.get(1).unwrap_or(&0), *chunk.get(2).unwrap_or(&0)];
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for n in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * n)) as usize & 63];
            text.push(if n <= chunk.len() { digit.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_pads_as_the_standard_says() {
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")];

        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn versions_compare_by_number() {
        assert!(number("2.39.5") >= number(MINIMUM_GIT));
        assert!(number("2.9.1") < number(MINIMUM_GIT));
        assert!(number("2.46.0.windows.1") > number(MINIMUM_GIT));
    }
}
