//! Where the large files of a remote are.
//!
//! Source: git-lfs, docs/api/server-discovery.md.

use super::LfsError;
use packhorse_core::{GitRemote, GitUrl};
use std::path::PathBuf;
use url::Url;

/// What a person and a repository say about where large files are.
#[derive(Clone, Debug, Default)]
pub struct EndpointOptions {
    /// `lfs.url` of the repository's own `.lfsconfig`, which anybody who may
    /// commit can write.
    pub configured: Option<String>,
    /// Hosts that `configured` may name beside the remote's own.
    pub allowed_hosts: Vec<String>,
}

/// Where the large files of a remote are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// On this machine, below this directory.
    Store(PathBuf),
    /// At a server.
    Server(Url),
    /// At a server that is asked for over ssh first.
    Ssh(SshEndpoint),
}

/// What `git-lfs-authenticate` is asked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshEndpoint {
    /// `user@host`.
    pub target: String,
    /// The port, where it is not ssh's own.
    pub port: Option<u16>,
    /// The repository, as the remote spells it.
    pub path: String,
    /// Where the server is unless the answer names another place.
    pub guess: Url,
}

impl Endpoint {
    /// Finds out where the large files of `remote` are.
    ///
    /// # Errors
    ///
    /// [`LfsError::Elsewhere`] when the repository names a host that is not
    /// allowed, [`LfsError::NoEndpoint`] when the address means nothing.
    pub fn of(remote: &GitRemote, options: &EndpointOptions) -> Result<Self, LfsError> {
        let Some(configured) = options.configured.as_deref() else {
            return Self::guess(&remote.url);
        };
        let (url, _) = GitUrl::parse(configured);
        let elsewhere =
            || LfsError::Elsewhere { remote: remote.url.to_string(), url: url.to_string() };
        // SECURITY: whoever may commit could lead us, and what we send, anywhere.
        let host = host(&url).ok_or_else(elsewhere)?;
        let is_own = host_of(&remote.url).is_some_and(|it| it == host);
        if !is_own && !options.allowed_hosts.iter().any(|it| it.eq_ignore_ascii_case(&host)) {
            return Err(elsewhere());
        }
        match Url::parse(url.as_str()) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(Self::Server(url)),
            Ok(_) | Err(_) => Self::guess(&url),
        }
    }

    /// What a remote's address says by itself.
    fn guess(url: &GitUrl) -> Result<Self, LfsError> {
        if let Some(path) = url.as_path() {
            let work_tree = path.join(".git");
            let directory = if work_tree.is_dir() { work_tree } else { path.to_owned() };
            return Ok(Self::Store(directory.join("lfs")));
        }
        let refuse = |why| LfsError::NoEndpoint { remote: url.to_string(), why };
        if let Some(ssh) = scp_like(url.as_str()) {
            return ssh.checked().map(Self::Ssh).map_err(refuse);
        }
        let parsed = Url::parse(url.as_str()).map_err(|_| refuse("it is no address"))?;
        let host = parsed.host_str().ok_or_else(|| refuse("it names no host"))?;
        match parsed.scheme() {
            "http" | "https" => Ok(Self::Server(with_suffix(&parsed))),
            // As git-lfs does: the protocol has no place for large files.
            "git" => match https(host, parsed.path()) {
                Some(url) => Ok(Self::Server(url)),
                None => Err(refuse("it is no address")),
            },
            "ssh" | "git+ssh" | "ssh+git" => {
                let guess = https(host, parsed.path()).ok_or_else(|| refuse("it is no address"))?;
                let target = match parsed.username() {
                    "" => host.to_owned(),
                    user => format!("{user}@{host}"),
                };
                let ssh = SshEndpoint {
                    target,
                    port: parsed.port(),
                    path: parsed.path().to_owned(),
                    guess,
                };
                ssh.checked().map(Self::Ssh).map_err(refuse)
            }
            _ => Err(refuse("Git LFS has no such protocol")),
        }
    }
}

impl SshEndpoint {
    /// SECURITY: nothing that ssh could take for an option or the far shell for a command.
    fn checked(self) -> Result<Self, &'static str> {
        let is_plain =
            |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-' | '@' | ':');
        let target = self.target.trim_matches(['[', ']']);
        if self.target.starts_with('-') || target.is_empty() || !target.chars().all(is_plain) {
            return Err("its host name is none");
        }
        if self.path.starts_with('-') || self.path.chars().any(char::is_control) {
            return Err("its path is none");
        }
        Ok(self)
    }

    /// The arguments of `ssh`, with the operation `download` or `upload`.
    pub(super) fn arguments(&self, operation: &str) -> Vec<String> {
        let mut arguments = vec!["-o".to_owned(), "BatchMode=yes".to_owned()];
        if let Some(port) = self.port {
            arguments.extend(["-p".to_owned(), port.to_string()]);
        }
        let quoted = format!("'{}'", self.path.replace('\'', r"'\''"));
        arguments.extend(["--".to_owned(), self.target.clone()]);
        arguments.push(format!("git-lfs-authenticate {quoted} {operation}"));
        arguments
    }
}

/// Reads `user@host:path`.
fn scp_like(text: &str) -> Option<SshEndpoint> {
    if text.contains("://") {
        return None;
    }
    let (target, path) = text.split_once(':')?;
    let host = target.rsplit_once('@').map_or(target, |it| it.1);
    let guess = https(host, path)?;
    Some(SshEndpoint { target: target.to_owned(), port: None, path: path.to_owned(), guess })
}

fn https(host: &str, path: &str) -> Option<Url> {
    let url = format!("https://{host}/{}", path.trim_start_matches('/'));
    Url::parse(&url).ok().map(|it| with_suffix(&it))
}

/// Appends `.git/info/lfs`, or what of it is not there yet.
fn with_suffix(url: &Url) -> Url {
    let mut url = url.clone();
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    let path = format!("{path}.git/info/lfs");
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

fn host_of(url: &GitUrl) -> Option<String> {
    match scp_like(url.as_str()) {
        Some(ssh) => ssh.guess.host_str().map(str::to_owned),
        None => host(url),
    }
}

fn host(url: &GitUrl) -> Option<String> {
    Url::parse(url.as_str()).ok()?.host_str().map(str::to_ascii_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(url: &str) -> GitRemote {
        GitRemote { url: GitUrl::parse(url).0, credentials: None }
    }

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let found = Endpoint::of(&remote(url), &EndpointOptions::default()).unwrap();

        let found = match found {
            Endpoint::Store(path) => path.display().to_string(),
            Endpoint::Server(url) => url.to_string(),
            Endpoint::Ssh(ssh) => format!("{} {}", ssh.guess, ssh.arguments("upload").join(" ")),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_server_is_guessed_from_the_remote() {
        let lfs = "https://git.example/a/b.git/info/lfs";
        check("https://git.example/a/b", lfs);
        check("https://git.example/a/b.git", lfs);
        check("https://git.example/a/b.git/", lfs);
        check("git://git.example/a/b.git", lfs);
        check("http://git.example:3000/a/b", "http://git.example:3000/a/b.git/info/lfs");
        check("/srv/git/b.git", "/srv/git/b.git/lfs");
    }

    #[test]
    fn over_ssh_the_server_is_asked_for() {
        check(
            "git@git.example:a/b.git",
            "https://git.example/a/b.git/info/lfs -o BatchMode=yes -- git@git.example \
             git-lfs-authenticate 'a/b.git' upload",
        );
        check(
            "ssh://git@git.example:2222/a/b.git",
            "https://git.example/a/b.git/info/lfs -o BatchMode=yes -p 2222 -- git@git.example \
             git-lfs-authenticate '/a/b.git' upload",
        );
    }

    #[test]
    fn a_remote_that_would_be_an_option_is_refused() {
        for url in
            ["-oProxyCommand=x:a/b", "ssh://-oProxyCommand=x/a", "a b:c", "git@h:-x", "h:a\nb"]
        {
            assert!(Endpoint::of(&remote(url), &EndpointOptions::default()).is_err(), "{url}");
        }
    }

    #[test]
    fn a_repository_may_name_its_own_host_and_allowed_ones_alone() {
        let of = |configured: &str, allowed: &[&str]| {
            let options = EndpointOptions {
                configured: Some(configured.to_owned()),
                allowed_hosts: allowed.iter().map(|it| (*it).to_owned()).collect(),
            };
            Endpoint::of(&remote("git@git.example:a/b.git"), &options)
        };
        let own = "https://git.example/other/lfs";
        let other = "https://lfs.example/a";

        assert_eq!(of(own, &[]).unwrap(), Endpoint::Server(own.parse().unwrap()));
        assert_eq!(of(other, &["LFS.example"]).unwrap(), Endpoint::Server(other.parse().unwrap()));
        for url in [other, "http://169.254.169.254/x", "/etc", "file:///etc", "x", "a:b"] {
            let error = of(url, &["else.example"]).unwrap_err();
            assert!(matches!(error, LfsError::Elsewhere { .. }), "{url}");
        }
    }
}
