//! What an archive will hold, until it is written: records in a database, blobs
//! and repositories beside it.
//!
//! Hosts embed some records in others that come before them, so nothing can be
//! written until everything is there. The spool is the partial state: what was
//! flushed is found again by any process, and the archive is made of it in one
//! pass. Formats whose records cannot be read in the order of lanes are read
//! into one, too.

mod front;
mod intake;
pub(crate) mod losses;
mod rows;
mod seed;
mod sink;
mod source;
mod tally;

pub(crate) use intake::Intake;
pub(crate) use losses::Prepared;
pub(crate) use rows::{ScopeRow, Stored};
pub(crate) use seed::seed_from;
pub(crate) use sink::{Layout, SpoolSink, placed};
pub(crate) use source::{
    Contents, Reading, SpoolSource, Surveyed, copy, identity, version_of_files,
};
pub(crate) use tally::tally;

use data_encoding::HEXLOWER;
use packhorse_core::{Object, ObjectKind, Origin, RepoKind, Scope};
use rusqlite::{Connection, OptionalExtension, config::DbConfig, params};
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Records of that many bytes are flushed without being asked, so that memory stays bounded.
const MAX_BUFFER: usize = 16 << 20;

/// What is the format's own in a spool.
pub(crate) struct Shape {
    /// Marks the file as ours.
    pub(crate) application_id: i64,
    /// What an object is embedded in, if in anything but the project.
    pub(crate) parent: fn(&Object) -> Option<String>,
    /// Takes a complete archive into an empty spool.
    pub(crate) seed: fn(&mut Spool, &Path) -> Result<(), SpoolError>,
}

/// A parent is what a record is embedded in; `place` says where it stands among its siblings.
const SCHEMA: &str = "
    CREATE TABLE scopes (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
    CREATE TABLE records (
        scope INTEGER NOT NULL, kind TEXT NOT NULL, target TEXT NOT NULL,
        origin TEXT NOT NULL, place INTEGER NOT NULL, parent TEXT, body BLOB NOT NULL,
        UNIQUE (scope, kind, target));
    CREATE INDEX records_by_origin ON records (scope, kind, origin) WHERE origin <> target;
    CREATE TABLE blobs (
        scope INTEGER NOT NULL, kind TEXT NOT NULL, origin TEXT NOT NULL,
        sha256 TEXT NOT NULL, size INTEGER NOT NULL, at TEXT,
        PRIMARY KEY (scope, kind, origin)) WITHOUT ROWID;
";

/// Version of a spool that holds all of the archive that was there before it.
const BEGUN: i64 = 1;

/// What an earlier run left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Nothing that can be gone on with.
    Nothing,
    /// A spool that holds everything that it began with.
    Begun,
}

/// Looks at what an earlier run left, before any of it is removed.
///
/// SECURITY: a directory that is somebody else's, or that another run still writes to, stays.
fn left(directory: &Path, database: &Path, application_id: i64) -> Result<Left, SpoolError> {
    if fs::read_dir(directory)?.next().is_none() {
        return Ok(Left::Nothing);
    }
    let foreign = || SpoolError::Foreign(directory.display().to_string());
    if !database.is_file() {
        return Err(foreign());
    }
    let db = Connection::open(database)?;
    db.busy_timeout(Duration::ZERO)?;
    let pragma = |name| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    match (pragma("application_id")?, pragma("user_version")?) {
        (id, BEGUN) if id == application_id => Ok(Left::Begun),
        // A run that was killed at once has marked nothing yet.
        (id, _) if id == application_id || id == 0 => Ok(Left::Nothing),
        _ => Err(foreign()),
    }
}

/// Why the spool could not do something.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SpoolError {
    #[error("`{0}` is not a spool of this program")]
    Foreign(String),
    #[error("another run writes this archive")]
    Busy(#[source] rusqlite::Error),
    #[error("the spool's database refused")]
    Database(#[source] rusqlite::Error),
    #[error("the disk refused")]
    Disk(#[from] io::Error),
    #[error("{expected} were announced, {found} came")]
    Announced { expected: String, found: String },
    #[error("the source's bytes broke off")]
    Arriving(#[source] io::Error),
    #[error(transparent)]
    Archive(#[from] crate::container::ArchiveError),
    #[error("the repository could not be made")]
    Repository(#[from] packhorse_git::GitError),
    #[error("a stored {0} is damaged")]
    Record(ObjectKind, #[source] serde_json::Error),
    #[error("{0}")]
    Place(&'static str),
    #[error("a task was ended")]
    Ended,
}

impl From<rusqlite::Error> for SpoolError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};

        match error.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked) => Self::Busy(error),
            Some(_) | None => Self::Database(error),
        }
    }
}

/// A record on its way into the database.
#[derive(Clone, Debug)]
struct Row {
    /// How many records came before it.
    nth: u64,
    origin: String,
    place: i64,
    parent: Option<String>,
    body: Vec<u8>,
}

/// Scope, kind and target of a record.
type Key = (String, ObjectKind, String);

/// The spool of one archive.
#[derive(Debug)]
pub(crate) struct Spool {
    directory: PathBuf,
    db: Connection,
    parent: fn(&Object) -> Option<String>,
    rows: BTreeMap<Key, Option<Row>>,
    /// Targets of buffered records whose origin is called otherwise.
    renamed: BTreeMap<Key, String>,
    links: Vec<Link>,
    n_taken: u64,
    n_bytes: usize,
}

/// Which bytes belong to a record.
#[derive(Debug)]
struct Link {
    scope: String,
    origin: Origin,
    sha256: String,
    size: u64,
    /// Where they are, if not in the spool.
    at: Option<String>,
}

/// Directory of the spool of an archive.
pub(crate) fn directory(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

fn connect(database: &Path) -> Result<Connection, SpoolError> {
    let db = Connection::open(database)?;
    // For children there is one of each kind.
    db.set_prepared_statement_cache_capacity(32 + ObjectKind::ALL.len());
    // Else a statement that a value could be used to plan is parsed anew for each value, as those
    // are that find a record's children by an index of records that have a parent.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(db)
}

impl Spool {
    /// Opens the spool beside an archive; what an earlier run left is kept if `resume` says so.
    ///
    /// An archive that is complete already is taken into a new spool.
    ///
    /// SECURITY: only its owner may look into it: it holds what private projects hold.
    pub(crate) fn open(archive: &Path, resume: bool, shape: &Shape) -> Result<Self, SpoolError> {
        let directory = directory(archive);
        let database = directory.join("spool.sqlite");
        if directory.exists() {
            let left = left(&directory, &database, shape.application_id)?;
            if !resume || left != Left::Begun {
                fs::remove_dir_all(&directory)?;
            }
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        fs::create_dir_all(directory.join("blobs"))?;
        fs::create_dir_all(directory.join("repositories"))?;
        let db = connect(&database)?;
        db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        let found: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let is_new = found == 0;
        if is_new {
            db.execute_batch(&format!(
                "BEGIN; {SCHEMA} PRAGMA application_id = {}; COMMIT;",
                shape.application_id
            ))?;
        } else if found != shape.application_id {
            return Err(SpoolError::Foreign(directory.display().to_string()));
        }
        let (rows, renamed, links) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let parent = shape.parent;
        let mut spool =
            Self { directory, db, parent, rows, renamed, links, n_taken: 0, n_bytes: 0 };
        if is_new {
            if archive.exists() {
                (shape.seed)(&mut spool, archive)?;
            }
            spool.db.pragma_update(None, "user_version", BEGUN)?;
        }
        Ok(spool)
    }

    /// A spool in a directory of its own, which nobody goes on with.
    pub(crate) fn passing(directory: &Path, shape: &Shape) -> Result<Self, SpoolError> {
        let db = connect(&directory.join("spool.sqlite"))?;
        db.pragma_update(None, "journal_mode", "OFF")?;
        db.pragma_update(None, "synchronous", "OFF")?;
        db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        db.execute_batch(SCHEMA)?;
        Ok(Self {
            directory: directory.to_owned(),
            db,
            parent: shape.parent,
            rows: BTreeMap::new(),
            renamed: BTreeMap::new(),
            links: Vec::new(),
            n_taken: 0,
            n_bytes: 0,
        })
    }

    /// Takes in a record as it is.
    pub(crate) fn take(
        &mut self,
        scope: &Scope,
        id: &str,
        object: &Object,
    ) -> Result<(), SpoolError> {
        let body = packhorse_core::fingerprint::exact(object);
        let (target, losses) = (id.to_owned(), Vec::new());
        self.put(scope, id, object, Prepared { target, body, losses, is_left_out: false })
    }

    /// Bytes of records that are not flushed.
    fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.directory
    }

    /// The database, with everything in it that was flushed.
    pub(crate) fn database(&self) -> &Connection {
        &self.db
    }

    /// Where a blob of that SHA-256 is.
    pub(crate) fn blob(&self, sha256: &str) -> PathBuf {
        self.directory.join("blobs").join(sha256)
    }

    /// Where a project's repository is, or would be.
    pub(crate) fn repository(&self, project: &str, repo: RepoKind) -> PathBuf {
        let name = HEXLOWER.encode(&Sha256::digest(project));
        self.directory.join("repositories").join(format!("{}.{}.git", &name[..32], repo.name()))
    }

    /// The target of the record of that origin, flushed or not.
    pub(crate) fn find(
        &self,
        scope: &Scope,
        origin: &Origin,
    ) -> Result<Option<String>, SpoolError> {
        let key = (scope.key().to_owned(), origin.kind, origin.id.clone());
        if let Some(target) = self.renamed.get(&key) {
            return Ok(Some(target.clone()));
        }
        match self.rows.get(&key) {
            Some(Some(row)) if row.origin == origin.id => return Ok(Some(origin.id.clone())),
            Some(None) => return Ok(None),
            Some(Some(_)) | None => {}
        }
        // Nearly every record is called at the destination as it was at its origin.
        for condition in ["target = ?3 AND origin = target", "origin = ?3 AND origin <> target"] {
            let mut statement = self.db.prepare_cached(&format!(
                "SELECT target FROM records JOIN scopes ON scopes.id = scope
                 WHERE path = ?1 AND kind = ?2 AND {condition}"
            ))?;
            let row = params![scope.key(), origin.kind.name(), origin.id];
            let found: Option<String> = statement.query_row(row, |row| row.get(0)).optional()?;
            if let Some(target) = found {
                let buffered = self.rows.get(&(key.0, key.1, target.clone()));
                return Ok((!matches!(buffered, Some(None))).then_some(target));
            }
        }
        Ok(None)
    }

    /// Whether a target is taken by a record of another origin.
    pub(crate) fn is_taken(
        &self,
        scope: &Scope,
        kind: ObjectKind,
        target: &str,
        origin: &str,
    ) -> Result<bool, SpoolError> {
        if let Some(row) = self.rows.get(&(scope.key().to_owned(), kind, target.to_owned())) {
            return Ok(row.as_ref().is_some_and(|it| it.origin != origin));
        }
        let mut statement = self.db.prepare_cached(
            "SELECT origin FROM records JOIN scopes ON scopes.id = scope
             WHERE path = ?1 AND kind = ?2 AND target = ?3",
        )?;
        let row = params![scope.key(), kind.name(), target];
        let found: Option<String> = statement.query_row(row, |row| row.get(0)).optional()?;
        Ok(found.is_some_and(|it| it != origin))
    }

    /// Takes in a record; it is durable after [`Spool::flush`].
    pub(crate) fn put(
        &mut self,
        scope: &Scope,
        origin: &str,
        object: &Object,
        prepared: Prepared,
    ) -> Result<(), SpoolError> {
        if self.is_full() {
            self.flush()?;
        }
        let key = (scope.key().to_owned(), object.kind(), prepared.target);
        if key.2 != origin {
            let by_origin = (key.0.clone(), key.1, origin.to_owned());
            self.renamed.insert(by_origin, key.2.clone());
        }
        self.n_bytes += prepared.body.len() + key.2.len();
        self.n_taken += 1;
        let row = Row {
            nth: self.n_taken,
            origin: origin.to_owned(),
            place: place(object),
            parent: (self.parent)(object),
            body: prepared.body,
        };
        self.rows.insert(key, Some(row));
        Ok(())
    }

    /// Whether so much waits for a flush that nothing more should be taken in before it.
    pub(crate) const fn is_full(&self) -> bool {
        !self.has_room(0)
    }

    /// Whether so many bytes more can be taken in before a flush.
    pub(crate) const fn has_room(&self, bytes: usize) -> bool {
        self.n_bytes.saturating_add(bytes) <= MAX_BUFFER
    }

    /// Takes a record away.
    pub(crate) fn remove(&mut self, scope: &Scope, origin: &Origin, target: &str) {
        self.renamed.remove(&(scope.key().to_owned(), origin.kind, origin.id.clone()));
        self.rows.insert((scope.key().to_owned(), origin.kind, target.to_owned()), None);
    }

    /// Notes which bytes belong to a record; durable after [`Spool::flush`], as the bytes are.
    pub(crate) fn link(&mut self, scope: &Scope, origin: &Origin, (sha256, size): (String, u64)) {
        let (scope, origin) = (scope.key().to_owned(), origin.clone());
        self.links.push(Link { scope, origin, sha256, size, at: None });
    }

    /// Notes where in an archive the bytes of a record are.
    pub(crate) fn link_at(
        &mut self,
        scope: &Scope,
        origin: &Origin,
        (sha256, size): (String, u64),
        at: String,
    ) {
        let (scope, origin) = (scope.key().to_owned(), origin.clone());
        self.links.push(Link { scope, origin, sha256, size, at: Some(at) });
    }

    /// Makes everything that was taken in durable.
    pub(crate) fn flush(&mut self) -> Result<(), SpoolError> {
        if self.rows.is_empty() && self.links.is_empty() {
            return Ok(());
        }
        let transaction = self.db.transaction()?;
        store_rows(&transaction, &self.rows)?;
        {
            let mut link = transaction.prepare_cached(
                "INSERT OR REPLACE INTO blobs (scope, kind, origin, sha256, size, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            for it in &self.links {
                let scope = scope_row(&transaction, &it.scope)?;
                let kind = it.origin.kind.name();
                link.execute(params![scope, kind, it.origin.id, it.sha256, it.size, it.at])?;
            }
        }
        transaction.commit()?;
        self.rows.clear();
        self.renamed.clear();
        self.links.clear();
        self.n_bytes = 0;
        Ok(())
    }

    /// Makes sure that a project has a row, so that what belongs to it is found.
    pub(crate) fn know(&mut self, project: &str) -> Result<(), SpoolError> {
        scope_row(&self.db, project).map(drop)
    }
}

fn store_rows(db: &Connection, rows: &BTreeMap<Key, Option<Row>>) -> Result<(), SpoolError> {
    let mut put = db.prepare_cached(
        "INSERT INTO records (scope, kind, target, origin, place, parent, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET origin = excluded.origin, place = excluded.place,
             parent = excluded.parent, body = excluded.body",
    )?;
    let mut remove =
        db.prepare_cached("DELETE FROM records WHERE scope = ?1 AND kind = ?2 AND target = ?3")?;
    // As they came: the archive keeps the source's order where records have no number.
    let mut rows: Vec<_> = rows.iter().collect();
    rows.sort_by_key(|(_, row)| row.as_ref().map_or(0, |it| it.nth));
    let mut scope = (None, 0);
    for ((path, kind, target), row) in rows {
        if scope.0 != Some(path) {
            scope = (Some(path), scope_row(db, path)?);
        }
        let (scope, kind) = (scope.1, kind.name());
        match row {
            Some(it) => {
                put.execute(params![scope, kind, target, it.origin, it.place, it.parent, it.body])?
            }
            None => remove.execute(params![scope, kind, target])?,
        };
    }
    Ok(())
}

fn scope_row(db: &Connection, path: &str) -> Result<i64, SpoolError> {
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO scopes (path) VALUES (?1)")?;
    insert.execute([path])?;
    let mut select = db.prepare_cached("SELECT id FROM scopes WHERE path = ?1")?;
    Ok(select.query_row([path], |row| row.get(0))?)
}

/// Where an object stands among its siblings: by number where it has one, else as it came.
fn place(object: &Object) -> i64 {
    let number = if let Object::Issue(it) = object {
        it.number
    } else if let Object::ChangeRequest(it) = object {
        it.number
    } else if let Object::Milestone(it) = object {
        it.number
    } else if let Object::Discussion(it) = object {
        it.number
    } else {
        0
    };
    i64::try_from(number).unwrap_or(i64::MAX)
}
