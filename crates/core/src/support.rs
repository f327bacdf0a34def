//! What a host can do with each kind of object.
//!
//! Promised by a table, narrowed by a probe, intersected by the plan, enforced
//! by the engine, tested by the suites, and printed into `docs/hosts.md`.

use crate::{catalogue::ObjectKind, limits::Limits, model::Markup};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A field that one side cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Field as named in the model.
    pub field: &'static str,
    /// What becomes of it, one clause for the plan: "becomes a line in the body".
    pub why: &'static str,
}

/// What a host can do with one kind of object, in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// All of it.
    Full,
    /// Most of it; the gaps go into the plan and the host table.
    Partial(&'static [Gap]),
    /// Not as records: it travels with the repository, from server to server.
    ///
    /// For [`ObjectKind::LfsObject`] alone. Such a lane is empty, and what is in it is found in
    /// history and asked for at the server that stands beside the repository.
    WithGit,
    /// None of it, and why.
    None(&'static str),
}

impl Support {
    /// Whether anything of the kind can pass as a record.
    pub const fn is_some(self) -> bool {
        matches!(self, Self::Full | Self::Partial(_))
    }

    /// The fields that do not pass.
    pub const fn gaps(self) -> &'static [Gap] {
        match self {
            Self::Partial(gaps) => gaps,
            Self::Full | Self::WithGit | Self::None(_) => &[],
        }
    }
}

/// When the engine may note a write as settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settle {
    /// After each record: for slow destinations, where repeating a page would cost.
    Record,
    /// After a page and a `flush`, in one transaction: for the local store and archives.
    Page,
}

/// What a destination keeps of every record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeps {
    /// Who wrote it. Where not, a line in the body says so.
    pub authors: bool,
    /// When it was written. Where not, the same line says so.
    pub times: bool,
    /// Numbers of issues and change requests.
    pub numbers: bool,
}

impl Keeps {
    /// Everything.
    pub const ALL: Self = Self { authors: true, times: true, numbers: true };
}

/// How a host numbers issues and change requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// As it is told.
    Kept,
    /// One after the other, from one row for both.
    OneRow,
    /// One after the other, from a row for each.
    TwoRows,
}

/// How addresses below an endpoint's [`Capabilities::web_url`] name a project, and texts people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addresses {
    /// `/acme/app`; people as its markup says.
    #[default]
    Paths,
    /// `/projects/ACME/repos/app`, and `/users/alice/repos/app` for `~alice/app`; people by their
    /// logins: Bitbucket Data Center.
    Repositories,
}

/// Where people look for objects, and how addresses there name them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Web {
    /// How addresses name projects.
    pub layout: Addresses,
    /// What they begin with, such as `https://github.com`.
    pub url: String,
}

/// What one endpoint can do: a host's promise, narrowed by `probe`.
#[derive(Clone, Debug)]
pub struct Capabilities {
    kinds: BTreeMap<ObjectKind, Support>,
    /// What it keeps of every record it takes.
    pub keeps: Keeps,
    /// How it numbers; where numbers follow from the order of writing, the engine sees to the order.
    pub numbering: Numbering,
    /// Limits of its fields.
    pub limits: Limits,
    /// When its writes are settled.
    pub settle: Settle,
    /// Stable name of this very endpoint: the same for the same store or server, whoever asks.
    pub identity: String,
    /// Address under which people link to objects here, such as `https://github.com`.
    pub web_url: Option<String>,
    /// How addresses name what is here.
    pub addresses: Addresses,
    /// Where people looked for what is here before it came: texts may still lead there.
    pub former: Vec<Web>,
    /// Markup that texts are shown in here; `None` where any is kept as it is.
    pub markup: Option<Markup>,
    /// Changes whenever anything in the endpoint changes; `None` where that cannot be told cheaply.
    ///
    /// Two equal versions promise equal content, so that a run between two
    /// unchanged ends need not read either.
    pub version: Option<String>,
}

impl Capabilities {
    /// Builds the table from a host's exhaustive `support` function.
    pub fn promised(support: fn(ObjectKind) -> Support, identity: impl Into<String>) -> Self {
        Self {
            kinds: ObjectKind::ALL.iter().map(|&kind| (kind, support(kind))).collect(),
            keeps: Keeps::ALL,
            numbering: Numbering::Kept,
            limits: Limits::default(),
            settle: Settle::Record,
            identity: identity.into(),
            web_url: None,
            addresses: Addresses::default(),
            former: Vec::new(),
            markup: None,
            version: None,
        }
    }

    /// Wherever texts of this endpoint may lead to its objects, without a slash at the end.
    pub fn webs(&self) -> Vec<Web> {
        let own = self.web_url.clone().map(|url| Web { layout: self.addresses, url });
        let mut webs: Vec<Web> = Vec::new();
        for web in own.into_iter().chain(self.former.iter().cloned()) {
            let web = Web { url: web.url.trim_end_matches('/').to_owned(), ..web };
            if !web.url.is_empty() && !webs.contains(&web) {
                webs.push(web);
            }
        }
        webs
    }

    /// Takes away what this endpoint turned out not to do.
    #[must_use]
    pub fn without(mut self, kind: ObjectKind, why: &'static str) -> Self {
        self.kinds.insert(kind, Support::None(why));
        self
    }

    /// What is known of a kind.
    pub fn of(&self, kind: ObjectKind) -> Support {
        self.kinds.get(&kind).copied().unwrap_or(Support::None("unknown kind"))
    }
}
