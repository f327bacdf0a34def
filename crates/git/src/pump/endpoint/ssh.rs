//! Where a repository is behind ssh.
//!
//! Source: git-clone(1), "Git URLs": `ssh://[user@]host[:port]/path`, where
//! `/~` leads to a home directory, and `[user@]host:path`.

/// A repository behind ssh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// `user@host`, or the host alone.
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) path: String,
}

impl Address {
    /// Reads an address; `None` when it is none of ssh's.
    ///
    /// SECURITY: nothing that ssh would take for an option passes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let schemes = ["ssh://", "git+ssh://", "ssh+git://"];
        let address = match schemes.iter().find_map(|it| text.strip_prefix(it)) {
            Some(rest) => Self::of_url(rest)?,
            None if text.contains("://") => return None,
            None => {
                let (host, path) = match text.strip_prefix('[') {
                    Some(rest) => rest.split_once("]:")?,
                    None => text.split_once(':')?,
                };
                Self { host: host.to_owned(), port: None, path: path.to_owned() }
            }
        };
        let is_safe = |it: &str| !it.is_empty() && !it.starts_with('-') && !it.contains('\0');
        let has_name = address.host.rsplit('@').next().is_some_and(is_safe);
        (has_name && is_safe(&address.host) && is_safe(&address.path)).then_some(address)
    }

    fn of_url(rest: &str) -> Option<Self> {
        let (host, path) = rest.split_at(rest.find('/')?);
        let path = if path.starts_with("/~") { &path[1..] } else { path };
        let (user, host) = match host.rsplit_once('@') {
            Some((user, host)) => (format!("{user}@"), host),
            None => (String::new(), host),
        };
        let (host, port) = match host.strip_prefix('[') {
            Some(host) => {
                let (host, port) = host.split_once(']')?;
                (host, port.strip_prefix(':'))
            }
            None => host.split_once(':').map_or((host, None), |(host, port)| (host, Some(port))),
        };
        let port = port.map(str::parse).transpose().ok()?;
        Some(Self { host: format!("{user}{host}"), port, path: path.to_owned() })
    }

    /// What ssh is called with, up to what it shall run.
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> =
            ["-o", "BatchMode=yes", "-o", "SendEnv=GIT_PROTOCOL"].map(str::to_owned).into();
        if let Some(port) = self.port {
            arguments.extend(["-p".to_owned(), port.to_string()]);
        }
        arguments.push(self.host.clone());
        arguments
    }

    /// The path as a shell reads it as one word, whatever is in it; Git itself reads `~user`.
    pub(super) fn quoted_path(&self) -> String {
        format!("'{}'", self.path.replace('\'', r"'\''").replace('!', r"'\!'"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, host: &str, port: Option<u16>, path: &str) {
        let expected = Address { host: host.into(), port, path: path.into() };
        assert_eq!(Address::parse(text), Some(expected), "{text}");
    }

    #[test]
    fn both_forms_are_read() {
        check("git@h.example:acme/app.git", "git@h.example", None, "acme/app.git");
        check(
            "ssh://git@h.example:2222/acme/app.git",
            "git@h.example",
            Some(2222),
            "/acme/app.git",
        );
        check("ssh://h.example/~me/app", "h.example", None, "~me/app");
        check("ssh://git@[::1]:22/a", "git@::1", Some(22), "/a");
        check("[::1]:a", "::1", None, "a");
    }

    #[test]
    fn nothing_becomes_an_option_or_a_second_word() {
        for bad in [
            "ssh://-oProxyCommand=x/a",
            "-oProxyCommand=x:a",
            "h:-a",
            "u@-h:a",
            "h:",
            "ssh://h:99999/a",
        ] {
            assert_eq!(Address::parse(bad), None, "{bad}");
        }
        let address = Address::parse("h:a'; rm -rf b!").unwrap();
        assert_eq!(address.quoted_path(), r"'a'\''; rm -rf b'\!''");
    }
}
