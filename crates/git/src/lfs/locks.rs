//! Locks of files, where both ends have them.
//!
//! A lock is made anew at the destination: who made it and when cannot be set,
//! so it belongs to whoever carries it, which is a loss of its own.
//!
//! Source: git-lfs, docs/api/locking.md.

use super::{
    LfsError, LfsRoute,
    batch::{self, MAX_ANSWER, Operation, plain},
    end::End,
    server::{Server, has_no_lfs, protocol},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Locks in one answer.
const LOCKS_A_PAGE: &str = "100";

/// Most locks that are carried.
const MAX_LOCKS: usize = 100_000;

/// Longest path that is carried, in bytes. Source: PATH_MAX of Linux.
const MAX_PATH: usize = 4096;

/// What became of locks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CarriedLocks {
    /// Locks that were made; each has lost its owner and its time.
    pub made: Vec<Lock>,
    /// Locks that the destination had.
    pub present: u64,
    /// Locks that the destination refused, and why.
    pub refused: Vec<(Lock, String)>,
    /// The end that has no locks.
    pub unsupported: Option<LockEnd>,
}

/// An end of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockEnd {
    /// The source: there was nothing to carry.
    Source,
    /// The destination: whatever the source has is lost.
    Destination,
}

/// A lock as the source has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The locked file, from the root of the repository.
    pub path: String,
    /// Who has locked it.
    pub owner: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    locks: Vec<WireLock>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
struct WireLock {
    path: String,
    owner: Option<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    name: Option<String>,
}

#[derive(Serialize)]
struct NewLock<'a> {
    path: &'a str,
}

impl LfsRoute {
    /// Makes the source's locks at the destination.
    ///
    /// # Errors
    ///
    /// When an end cannot be reached, or answers something else than locks. An
    /// end without locks is no error: see [`CarriedLocks::unsupported`].
    pub async fn carry_locks(&self) -> Result<CarriedLocks, LfsError> {
        let from = self.end(&self.from, &self.options.from, Operation::Download)?;
        let to = self.end(&self.to, &self.options.to, Operation::Upload)?;
        let mut carried = CarriedLocks::default();
        let locks = match &from {
            End::Server(server) => list(server).await?,
            End::Store(_) | End::Shelf(_) => None,
        };
        let Some(locks) = locks else {
            carried.unsupported = Some(LockEnd::Source);
            return Ok(carried);
        };
        for lock in locks {
            let made = match &to {
                End::Server(server) => make(server, &lock).await?,
                End::Store(_) | End::Shelf(_) => Made::Unsupported,
            };
            match made {
                Made::New => carried.made.push(lock),
                Made::Present => carried.present += 1,
                Made::Refused(why) => carried.refused.push((lock, why)),
                Made::Unsupported => {
                    carried.unsupported = Some(LockEnd::Destination);
                    let why = "the destination has no locks".to_owned();
                    carried.refused.push((lock, why));
                }
            }
        }
        Ok(carried)
    }
}

/// All locks; `None` where the server has no such thing.
async fn list(server: &Server) -> Result<Option<Vec<Lock>>, LfsError> {
    let mut locks = Vec::new();
    let mut seen = HashSet::new();
    let mut cursor = String::new();
    loop {
        let mut query = vec![("limit", LOCKS_A_PAGE)];
        if !cursor.is_empty() {
            query.push(("cursor", &cursor));
        }
        let answer = server.get("locks", &query, "list the locks of large files").await?;
        if has_no_lfs(answer.status) {
            return Ok(None);
        }
        let url = answer.url.clone();
        let page: Page = answer.success().await?.json(MAX_ANSWER).await?;
        let read = |it: WireLock| Lock { path: it.path, owner: it.owner.and_then(|it| it.name) };
        locks.extend(page.locks.into_iter().map(read));
        let refuse = |why: &str| protocol(&url, &batch::Malformed(why.to_owned()));
        if locks.len() > MAX_LOCKS {
            return Err(refuse("it has more than 100,000 locks"));
        }
        cursor = match page.next_cursor {
            Some(next) if !next.is_empty() => next,
            Some(_) | None => return Ok(Some(locks)),
        };
        if !seen.insert(cursor.clone()) {
            return Err(refuse("its list of locks has no end"));
        }
    }
}

enum Made {
    New,
    Present,
    Refused(String),
    Unsupported,
}

async fn make(server: &Server, lock: &Lock) -> Result<Made, LfsError> {
    if lock.path.len() > MAX_PATH || lock.path.chars().any(char::is_control) {
        return Ok(Made::Refused("its path is none".to_owned()));
    }
    let answer = server.post("locks", &NewLock { path: &lock.path }, "lock a large file").await?;
    let status = answer.status;
    if status.is_success() {
        return Ok(Made::New);
    }
    if status == StatusCode::CONFLICT {
        return Ok(Made::Present);
    }
    if has_no_lfs(status) {
        return Ok(Made::Unsupported);
    }
    let error = match answer.success().await {
        Ok(_) => return Ok(Made::New),
        Err(error) => error,
    };
    let is_about_us = status == StatusCode::UNAUTHORIZED || status.is_server_error();
    if is_about_us || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(error.into());
    }
    Ok(Made::Refused(plain(&error.to_string())))
}
