//! A host that takes a whole archive by itself, in a job of its own that is watched from here.

use crate::{
    catalogue::{Carriage, ObjectKind},
    error::HostError,
    model::Visibility,
    record::TargetId,
    secret::Secret,
    support::Gap,
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// How projects are put into archives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// All of them into one.
    Together,
    /// Each into its own.
    Each,
}

/// What of its projects an archive holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Everything.
    Whole,
    /// Repositories alone.
    Git,
    /// Everything else.
    Records,
}

impl Part {
    /// Whether records of a kind belong into it.
    pub const fn holds(self, kind: ObjectKind) -> bool {
        let is_git = matches!(kind.carriage(), Carriage::Git);
        match self {
            Self::Whole => true,
            Self::Git => is_git,
            Self::Records => !is_git,
        }
    }

    /// Stable name, used in files' names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Git => "git",
            Self::Records => "records",
        }
    }
}

/// Whether a host fetches archives from a store of somebody's own, and with what right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fetches {
    /// It does not: it is given them.
    Nothing,
    /// By addresses that are signed.
    Signed,
    /// By a key of the store's, which has to be one of S3.
    Keyed,
}

/// An archive in a bucket of S3, and a key that opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketObject {
    /// Region of the bucket, such as `eu-central-1`.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// What the archive is called in it.
    pub name: String,
    /// Id of the key.
    pub key_id: String,
    /// The key's secret part.
    ///
    /// SECURITY: it opens all that the key may read.
    pub key: Secret,
}

/// What a host wants archives to be like, and what its import makes of them.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Id of their format.
    pub format: &'static str,
    /// How projects are put into them.
    pub packing: Packing,
    /// The parts in which it wants what it takes at a time, one archive each.
    pub parts: &'static [Part],
    /// How their names end; empty for a directory.
    pub suffix: &'static str,
    /// Jobs of the host's that may run side by side.
    pub at_once: usize,
    /// Whether it fetches archives from a store of somebody's own.
    pub fetches: Fetches,
    /// Whether it wants to know whom archives name, and who may see what is in them.
    pub names: bool,
    /// What its import does not keep of records of a kind, though it is in the archive, or its API
    /// does not show.
    pub gaps: fn(ObjectKind) -> &'static [Gap],
}

/// An archive's sums, by which a copy of it is known to be whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Bytes.
    pub bytes: u64,
    /// MD5 in lower-case hexadecimal, which the hosts' own pages ask for.
    pub md5: String,
    /// SHA-256 in lower-case hexadecimal.
    pub sha256: String,
}

/// Whom an archive names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Logins of accounts.
    pub users: BTreeSet<String>,
    /// Teams, by organization and slug.
    pub teams: BTreeSet<(String, String)>,
}

/// An archive that is to be put where a host finds it.
#[derive(Clone, Copy, Debug)]
pub struct Handed<'a> {
    /// Full path of its project at the host; `None` for one with several.
    pub project: Option<&'a str>,
    /// What of its projects it holds.
    pub part: Part,
    /// Where it is here.
    pub archive: &'a Path,
    /// Whether it goes into a store of somebody's own, from which the host fetches it.
    pub is_stored: bool,
    /// Whom it names; nobody, where the host does not want to know.
    pub names: &'a Names,
}

/// An archive where the host finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// Where it is here.
    pub archive: PathBuf,
    /// What of its projects it holds.
    pub part: Part,
    /// What the host calls it.
    pub name: String,
    /// Its sums; none for a directory.
    pub sums: Option<Sums>,
    /// What somebody has to do before the job can begin, where we cannot.
    pub to_do: Option<String>,
}

/// What a host takes in one job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parcel {
    /// Full path of the project at the host; `None` for all that the archive holds.
    pub project: Option<String>,
    /// Its archives, in the order of [`Wanted::parts`].
    pub archives: Vec<Delivered>,
    /// Where the host fetches them, in the same order; empty where it is given them.
    ///
    /// SECURITY: whoever has such an address has the archive.
    pub addresses: Vec<Secret>,
    /// The same for a host that fetches them by a key.
    pub objects: Vec<BucketObject>,
    /// Who may see the project at the source, as far as that is known.
    pub visibility: Option<Visibility>,
}

/// What a host knows of a job that may have been begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sought {
    /// It was begun.
    Begun(TargetId),
    /// It was not.
    NotBegun,
    /// The host cannot tell.
    Unknown,
}

/// Where a host's job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportStage {
    /// It has not ended.
    Running,
    /// It has ended well.
    Done,
    /// It has ended, and something did not arrive.
    Failed,
    /// It was stopped.
    Cancelled,
}

/// How far a host's job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportProgress {
    /// Where it stands.
    pub stage: ImportStage,
    /// The same in the host's word.
    pub word: String,
    /// What the host says of it.
    pub message: Option<String>,
    /// How much of it is done, in percent.
    pub percentage: Option<u8>,
}

/// How bad something is that a host says of its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is as it should be.
    Note,
    /// Something arrived otherwise.
    Warning,
    /// Something did not arrive.
    Error,
}

/// What a host says of its job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportMessage {
    /// How bad it is.
    pub severity: Severity,
    /// What it is about, in the host's words.
    pub about: Option<String>,
    /// The kind of record that it is about, where that is told.
    #[serde(default)]
    pub kind: Option<ObjectKind>,
    /// The words.
    pub text: String,
}

/// A page of a host's messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportMessages {
    /// The messages, the oldest first.
    pub messages: Vec<ImportMessage>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<u64>,
}

/// A host that makes groups of archives, with what is at their level, before their projects come.
///
/// Like the other ports it neither loops nor waits. Such a host does not say when it is done: what
/// is there of each group is held against the archive.
#[async_trait]
pub trait GroupHandOver: Send + Sync {
    /// Id of the format of the archives.
    fn format(&self) -> &'static str;

    /// Why a group of that path would not arrive as itself; `None` where it would.
    async fn refuses(&self, group: &str) -> Result<Option<String>, HostError>;

    /// Makes the host begin: full path, name, archive. The group is there from then on.
    async fn begin(&self, group: &str, name: &str, archive: &Path) -> Result<(), HostError>;

    /// How many records of a kind a group has by itself, [`u64::MAX`] where they are too many to be
    /// counted; `None` where there is no such group. The account that asks may have a role in it.
    async fn count(&self, group: &str, kind: ObjectKind) -> Result<Option<u64>, HostError>;
}

/// A host that takes archives.
///
/// Like the other ports it neither loops nor waits: whoever calls asks again.
#[async_trait]
pub trait HandOver: Send + Sync {
    /// What archives have to be like.
    fn wants(&self) -> Wanted;

    /// Why a project of that path would not arrive as itself; `None` where it would.
    async fn refuses(&self, project: &str) -> Result<Option<String>, HostError>;

    /// Puts an archive where the host finds it, or says who has to. Doing so again does no harm.
    async fn deliver(&self, archive: Handed<'_>) -> Result<Delivered, HostError>;

    /// Looks for the job of a parcel whose beginning was not answered.
    async fn find(&self, parcel: &Parcel) -> Result<Sought, HostError>;

    /// Makes the host begin. Not to be repeated: each call begins a job.
    ///
    /// # Errors
    ///
    /// [`HostErrorKind::NotFound`](crate::HostErrorKind::NotFound) where what somebody has to do is
    /// not done yet: then nothing was begun.
    async fn begin(&self, parcel: &Parcel) -> Result<TargetId, HostError>;

    /// How far a job is.
    async fn progress(&self, job: &TargetId) -> Result<ImportProgress, HostError>;

    /// A page of what the host says of a job, from a place on.
    async fn messages(&self, job: &TargetId, from: u64) -> Result<ImportMessages, HostError>;

    /// Asks the host to stop a job; one that has ended is left as it is.
    ///
    /// # Errors
    ///
    /// [`HostErrorKind::Unsupported`](crate::HostErrorKind::Unsupported) where the host cannot stop.
    async fn cancel(&self, job: &TargetId) -> Result<(), HostError>;
}
