//! Names of members (section 2).

use data_encoding::HEXLOWER;
use packhorse_core::{ObjectKind, RepoKind, Scope};

pub(super) const HEAD: &str = "packhorse.json";
pub(super) const MANIFEST: &str = "manifest.ndjson";
pub(super) const BLOBS: &str = "blobs/sha256/";

/// Longest path of a project, in bytes.
const MAX_PATH: usize = 1_024;

/// What a member is, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Head,
    Manifest,
    Chunk {
        scope: Scope,
        kind: ObjectKind,
        number: u32,
        revisions: bool,
    },
    /// Records of a kind that is not known here.
    UnknownKind {
        kind: String,
    },
    Blob {
        sha256: String,
    },
    Bundle {
        project: String,
        repo: RepoKind,
        number: u32,
    },
    Repository {
        project: String,
        repo: RepoKind,
        number: u32,
    },
    /// Of a later minor version.
    Unknown,
}

/// A project's path as one part of a name; `None` when it is no path.
pub(super) fn encode(path: &str) -> Option<String> {
    if path.is_empty() || path.len() > MAX_PATH {
        return None;
    }
    let mut name = String::with_capacity(path.len() + 8);
    for (n, byte) in path.bytes().enumerate() {
        let plain = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if plain && !(n == 0 && byte == b'.') {
            name.push(byte.into());
        } else {
            name += &format!("%{byte:02X}");
        }
    }
    Some(name)
}

/// A name for a project's directory on this machine: the encoding, or a hash where that is too
/// long for a file system.
pub(super) fn file_name(path: &str) -> Option<String> {
    use sha2::{Digest, Sha256};
    let name = encode(path)?;
    if name.len() <= 200 {
        return Some(name);
    }
    Some(HEXLOWER.encode(&Sha256::digest(path)))
}

/// The path of that part; `None` when the encoding is not the one that is written.
pub(super) fn decode(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let pair = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&pair).ok()?, 16).ok()?
            }
            other => other,
        });
    }
    let path = String::from_utf8(bytes).ok()?;
    (encode(&path).as_deref() == Some(name)).then_some(path)
}

/// Directory of a scope's records of a kind.
pub(super) fn lane(scope: &Scope, kind: ObjectKind) -> Option<String> {
    Some(match scope {
        Scope::Shared => format!("records/shared/{kind}"),
        Scope::Project(path) => format!("records/projects/{}/{kind}", encode(path)?),
    })
}

/// Directory of a project's repository.
pub(super) fn repository(project: &str, repo: RepoKind) -> Option<String> {
    Some(format!("repositories/{}/{}", encode(project)?, repo.name()))
}

/// Name of a blob.
pub(super) fn blob(sha256: &str) -> String {
    format!("{BLOBS}{sha256}")
}

/// What a member is; `None` when its name is almost right, which is wrong.
pub(super) fn parse(name: &str) -> Option<Name> {
    let parts: Vec<&str> = name.split('/').collect();
    Some(match parts[..] {
        [HEAD] => Name::Head,
        [MANIFEST] => Name::Manifest,
        ["records", "shared", kind, file] => chunk(Scope::Shared, kind, file)?,
        ["records", "projects", project, kind, file] => {
            chunk(Scope::Project(decode(project)?), kind, file)?
        }
        ["blobs", "sha256", hex] => {
            let is_hex = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
            let is_hash = hex.len() == 64 && hex.bytes().all(is_hex);
            is_hash.then(|| Name::Blob { sha256: hex.to_owned() })?
        }
        ["repositories", project, repo, file] => {
            let repo = [RepoKind::Code, RepoKind::Wiki].into_iter().find(|it| it.name() == repo)?;
            let project = decode(project)?;
            match file.split_once('.')? {
                (n, "bundle") => Name::Bundle { project, repo, number: number(n)? },
                (n, "json") => Name::Repository { project, repo, number: number(n)? },
                _ => return None,
            }
        }
        _ => Name::Unknown,
    })
}

fn chunk(scope: Scope, kind: &str, file: &str) -> Option<Name> {
    let (n, revisions) = match file.split_once('.')? {
        (n, "ndjson") => (n, false),
        (n, "revisions.ndjson") => (n, true),
        _ => return None,
    };
    let number = number(n)?;
    Some(match ObjectKind::named(kind) {
        Some(kind) => Name::Chunk { scope, kind, number, revisions },
        None => Name::UnknownKind { kind: kind.to_owned() },
    })
}

fn number(text: &str) -> Option<u32> {
    let number = text.parse().ok()?;
    (number > 0 && format!("{number:06}") == text).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_as_the_page_shows_them() {
        assert_eq!(encode("acme/widgets").unwrap(), "acme%2Fwidgets");
        assert_eq!(encode(".github").unwrap(), "%2Egithub");
        assert_eq!(decode("acme%2fwidgets"), None);
        assert_eq!(decode("acme/widgets"), None);
    }

    #[test]
    fn what_is_almost_right_is_wrong() {
        for name in [
            "records/shared/user/1.ndjson",
            "records/shared/user/000001.json",
            "blobs/sha256/ABC",
            "repositories/a/docs/000001.json",
            "records/projects/%41/issue/000001.ndjson",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
        assert_eq!(parse("notes/x"), Some(Name::Unknown));
    }

    proptest! {
        #[test]
        fn every_path_comes_back(path in "\\PC{1,60}") {
            let name = encode(&path).unwrap();
            prop_assert!(!name.contains('/') && !name.starts_with('.'));
            prop_assert_eq!(decode(&name), Some(path));
        }
    }
}
