//! Where a token is.

use super::hosts::only_ours;
use crate::error::AppError;
use packhorse_core::Secret;
use serde::Deserialize;
use std::{
    env, fmt, fs,
    io::{IsTerminal, stdin},
    path::{Path, PathBuf},
};

/// Largest file that is taken for a token, in bytes.
const MAX_TOKEN: u64 = 64 << 10;

/// Where a token is, or the token itself.
#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Reference {
    /// In an environment variable.
    Env {
        /// Its name.
        env: String,
        /// Whose it is, where tokens of a pool belong to several accounts.
        username: Option<String>,
    },
    /// In a file of its own, which only its owner reads.
    File {
        /// Its path; a relative one begins where the configuration is.
        file: PathBuf,
        /// Whose it is, where tokens of a pool belong to several accounts.
        username: Option<String>,
    },
    /// Asked for on the terminal, without showing it.
    Prompt {
        /// Whether to ask; without, there is no token.
        prompt: bool,
    },
    /// In clear, in a configuration that only its owner reads.
    Plain(String),
}

/// SECURITY: shows where a token is, and never the token.
impl fmt::Debug for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env { env, .. } => write!(f, "Env({env})"),
            Self::File { file, .. } => write!(f, "File({})", file.display()),
            Self::Prompt { .. } => f.write_str("Prompt"),
            Self::Plain(_) => f.write_str("Plain(…)"),
        }
    }
}

impl Reference {
    /// Whose token it is, where that was said of this one.
    pub(super) fn username(&self) -> Option<&str> {
        match self {
            Self::Env { username, .. } | Self::File { username, .. } => username.as_deref(),
            Self::Prompt { .. } | Self::Plain(_) => None,
        }
    }

    /// Whether it is to be typed, each time.
    pub(super) fn is_asked_for(&self) -> bool {
        matches!(self, Self::Prompt { prompt: true })
    }

    /// Fetches it; `what` it is, in words such as "the token of host `work`".
    pub(super) fn resolve(&self, what: &str, configuration: &Path) -> Result<Secret, AppError> {
        match self {
            Self::Env { env, .. } => env::var(env).map(Secret::new).map_err(|_| {
                AppError::usage(format!("{what} is to be in `{env}`"))
                    .hint(format!("no environment variable `{env}` is set: `export {env}=…`"))
            }),
            Self::File { file, .. } => {
                let beside = configuration.parent().unwrap_or(Path::new("")).join(file);
                from_file(what, &beside)
            }
            Self::Prompt { prompt: true } => ask(what),
            Self::Prompt { prompt: false } => Err(AppError::usage(format!("{what} is nowhere"))
                .hint("say where it is, or leave it out to go without")),
            Self::Plain(token) => Ok(Secret::new(token.clone())),
        }
    }
}

fn from_file(what: &str, file: &Path) -> Result<Secret, AppError> {
    let fail = || AppError::usage(format!("could not read {what} in `{}`", file.display()));
    let size = fs::metadata(file).map_err(|error| fail().because(error))?.len();
    if size > MAX_TOKEN {
        return Err(fail().hint(format!("it has {size} bytes; the most is {MAX_TOKEN}")));
    }
    only_ours(file)?;
    let text = fs::read_to_string(file).map_err(|error| fail().because(error))?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

fn ask(what: &str) -> Result<Secret, AppError> {
    if !stdin().is_terminal() {
        return Err(AppError::usage(format!("{what} is asked for"))
            .hint("there is no terminal here; put it into a file or an environment variable"));
    }
    let typed = rpassword::prompt_password(format!("{what}: "));
    typed
        .map(Secret::new)
        .map_err(|error| AppError::failed(format!("could not read {what}")).because(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_in_a_file_is_read_without_its_line_end_when_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        fs::write(&file, "hunter2\n").unwrap();
        let reference = Reference::File { file: PathBuf::from("token"), username: None };
        let resolve = || reference.resolve("the token", &directory.path().join("packhorse.toml"));

        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        let error = resolve().unwrap_err().to_string();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();

        assert!(error.contains("others may read it") && !error.contains("hunter2"), "{error}");
        assert_eq!(resolve().unwrap().expose(), "hunter2");
    }

    #[test]
    fn a_reference_does_not_show_its_token() {
        assert_eq!(format!("{:?}", Reference::Plain("hunter2".into())), "Plain(…)");
    }
}
