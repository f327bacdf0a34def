//! Lines of the manifest (section 7), in canonical form.

use packhorse_core::Web;
use serde::{Deserialize, Serialize};

/// A member of the archive. Fields stand in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MemberLine {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) records: Option<u64>,
    pub(super) sha256: String,
    pub(super) size: u64,
}

/// The records of a scope and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LaneLine {
    pub(super) kind: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) project: Option<String>,
    pub(super) records: u64,
}

/// The sums.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct EndLine {
    pub(super) bytes: u64,
    pub(super) members: u64,
    pub(super) records: u64,
    pub(super) version: String,
}

/// A line of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    Member(MemberLine),
    Lane(LaneLine),
    End(EndLine),
}

/// The first member (section 3).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) addresses: Vec<Web>,
    pub(super) format: String,
    pub(super) version: String,
    pub(super) writer: String,
}

/// The state of a repository (section 6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RepositoryState {
    pub(super) bundle: bool,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) head: Option<String>,
    pub(super) object_format: String,
    pub(super) refs: u64,
    pub(super) refs_digest: String,
}

/// The bytes that belong to a record (section 4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BlobLine {
    pub(super) sha256: String,
    pub(super) size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_the_page_shows_them() {
        let line = Line::Lane(LaneLine {
            kind: "issue".into(),
            project: Some("acme/widgets".into()),
            records: 12,
        });

        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"lane":{"kind":"issue","project":"acme/widgets","records":12}}"#
        );
    }
}
