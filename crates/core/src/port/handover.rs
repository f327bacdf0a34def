//! A host that takes a whole archive by itself, in a job of its own that is watched from here.

use crate::{error::HostError, record::TargetId};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::path::Path;

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

/// An archive where the host finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// What the host calls it.
    pub name: String,
    /// Its sums.
    pub sums: Sums,
    /// What somebody has to do before the job can begin, where we cannot.
    pub to_do: Option<String>,
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

/// A host that takes archives.
///
/// Like the other ports it neither loops nor waits: whoever calls asks again.
#[async_trait]
pub trait HandOver: Send + Sync {
    /// Id of the format of the archives that it takes.
    fn format(&self) -> &'static str;

    /// Why a project of that path would not arrive as itself; `None` where it would.
    async fn refuses(&self, project: &str) -> Result<Option<String>, HostError>;

    /// Puts an archive where the host finds it. Doing so again does no harm.
    async fn deliver(&self, archive: &Path) -> Result<Delivered, HostError>;

    /// Makes the host begin. Not to be repeated: each call begins a job.
    async fn begin(&self, delivered: &Delivered) -> Result<TargetId, HostError>;

    /// How far a job is.
    async fn progress(&self, job: &TargetId) -> Result<ImportProgress, HostError>;

    /// A page of what the host says of a job, from a place on.
    async fn messages(&self, job: &TargetId, from: u64) -> Result<ImportMessages, HostError>;

    /// Asks the host to stop a job; one that has ended is left as it is.
    async fn cancel(&self, job: &TargetId) -> Result<(), HostError>;
}
