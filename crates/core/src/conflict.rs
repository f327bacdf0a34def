//! What stands in the way of a project, and what somebody decided about it.

use serde::{Deserialize, Serialize};

/// What a conflict is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// Its path is another's at the destination.
    Name,
    /// The project that it is merged into has issues or change requests of its own.
    Numbers,
    /// Several projects of the source would get its path.
    Twice,
    /// It was named, and the source does not have it.
    Missing,
    /// Nothing to decide on, only to look at.
    #[default]
    Note,
}

impl About {
    /// All that somebody can decide on.
    pub const ALL: [Self; 4] = [Self::Name, Self::Numbers, Self::Twice, Self::Missing];

    /// Stable name, used in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Numbers => "numbers",
            Self::Twice => "twice",
            Self::Missing => "missing",
            Self::Note => "note",
        }
    }

    /// What can be chosen, at any destination.
    pub const fn choices(self) -> &'static [Choice] {
        match self {
            Self::Name => &[Choice::Map, Choice::Rename, Choice::Merge, Choice::Skip],
            Self::Numbers => &[Choice::Rename, Choice::Merge, Choice::Skip],
            Self::Twice => &[Choice::Map, Choice::Rename, Choice::Skip],
            Self::Missing => &[Choice::Skip],
            Self::Note => &[],
        }
    }
}

/// What can be done about a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Nothing is carried, and what refers to the project leads to the one that is there.
    Map,
    /// It gets another path; of numbers: what is carried gets the next ones that are free.
    Rename,
    /// It is carried into the project that is there; of numbers: what has the same is replaced.
    Merge,
    /// The project is not carried.
    Skip,
}

impl Choice {
    /// All choices.
    pub const ALL: [Self; 4] = [Self::Map, Self::Rename, Self::Merge, Self::Skip];

    /// Stable name, used in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Map => "map",
            Self::Rename => "rename",
            Self::Merge => "merge",
            Self::Skip => "skip",
        }
    }
}

/// What somebody decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolution {
    /// Full path of the project at the source.
    pub project: String,
    /// What it is about.
    pub about: About,
    /// What was chosen.
    pub choice: Choice,
    /// Full path at the destination, for [`Choice::Rename`] and [`Choice::Map`].
    pub target: Option<String>,
    /// Where that was said, for messages: `line 7 of conflicts.csv`.
    pub said: String,
}
