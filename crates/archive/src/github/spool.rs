//! What an archive will hold, until it is written: records in a database, blobs
//! and repositories beside it.
//!
//! GitHub embeds labels, roles, reactions and release assets in records that
//! come before them, so nothing can be written until everything is there. The
//! spool is the partial state: what was flushed is found again by any process,
//! and the archive is made of it in one pass.

use super::{losses::Prepared, seed::seed};
use packhorse_core::{
    Object, ObjectKind, Origin, RepoKind, Scope,
    model::{Grantee, Member, Place},
};
use rusqlite::{Connection, OptionalExtension, params};
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

/// Marks the file as ours: `PkGh` in ASCII.
const APPLICATION_ID: i64 = 0x506b_4768;

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
        sha256 TEXT NOT NULL, size INTEGER NOT NULL,
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
fn left(directory: &Path, database: &Path) -> Result<Left, SpoolError> {
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
        (APPLICATION_ID, BEGUN) => Ok(Left::Begun),
        // A run that was killed at once has marked nothing yet.
        (APPLICATION_ID | 0, _) => Ok(Left::Nothing),
        _ => Err(foreign()),
    }
}

/// Why the spool could not do something.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
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
    #[error("the archive could not be written")]
    Archive(#[from] crate::container::ArchiveError),
    #[error("the repository could not be made")]
    Repository(#[from] packhorse_git::GitError),
    #[error("a stored {0} is damaged")]
    Record(ObjectKind, #[source] serde_json::Error),
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
pub(super) struct Spool {
    directory: PathBuf,
    db: Connection,
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
}

/// Directory of the spool of an archive.
pub(super) fn directory(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

impl Spool {
    /// Opens the spool beside an archive; what an earlier run left is kept if `resume` says so.
    ///
    /// An archive that is complete already is taken into a new spool.
    ///
    /// SECURITY: only its owner may look into it: it holds what private projects hold.
    pub(super) fn open(archive: &Path, resume: bool) -> Result<Self, SpoolError> {
        let directory = directory(archive);
        let database = directory.join("spool.sqlite");
        if directory.exists() {
            let left = left(&directory, &database)?;
            if !resume || left != Left::Begun {
                fs::remove_dir_all(&directory)?;
            }
        }
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        fs::create_dir_all(directory.join("blobs"))?;
        fs::create_dir_all(directory.join("repositories"))?;
        let db = Connection::open(&database)?;
        db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.set_prepared_statement_cache_capacity(32);
        let found: i64 = db.pragma_query_value(None, "application_id", |row| row.get(0))?;
        let is_new = found == 0;
        if is_new {
            db.execute_batch(&format!(
                "BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
            ))?;
        } else if found != APPLICATION_ID {
            return Err(SpoolError::Foreign(directory.display().to_string()));
        }
        let (rows, renamed, links) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let mut spool = Self { directory, db, rows, renamed, links, n_taken: 0, n_bytes: 0 };
        if is_new {
            if archive.exists() {
                seed(&mut spool, archive)?;
            }
            spool.db.pragma_update(None, "user_version", BEGUN)?;
        }
        Ok(spool)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.directory
    }

    /// The database, with everything in it that was flushed.
    pub(super) fn database(&self) -> &Connection {
        &self.db
    }

    /// Where a blob of that SHA-256 is.
    pub(super) fn blob(&self, sha256: &str) -> PathBuf {
        self.directory.join("blobs").join(sha256)
    }

    /// Where a project's repository is, or would be.
    pub(super) fn repository(&self, project: &str, repo: RepoKind) -> PathBuf {
        let name = hex(&Sha256::digest(project));
        self.directory.join("repositories").join(format!("{}.{}.git", &name[..32], repo.name()))
    }

    /// The target of the record of that origin, flushed or not.
    pub(super) fn find(
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
    pub(super) fn is_taken(
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
    pub(super) fn put(
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
            parent: parent(object),
            body: prepared.body,
        };
        self.rows.insert(key, Some(row));
        Ok(())
    }

    /// Whether so much waits for a flush that nothing more should be taken in before it.
    pub(super) const fn is_full(&self) -> bool {
        self.n_bytes > MAX_BUFFER
    }

    /// Takes a record away.
    pub(super) fn remove(&mut self, scope: &Scope, origin: &Origin, target: &str) {
        self.renamed.remove(&(scope.key().to_owned(), origin.kind, origin.id.clone()));
        self.rows.insert((scope.key().to_owned(), origin.kind, target.to_owned()), None);
    }

    /// Notes which bytes belong to a record; durable after [`Spool::flush`], as the bytes are.
    pub(super) fn link(&mut self, scope: &Scope, origin: &Origin, (sha256, size): (String, u64)) {
        let (scope, origin) = (scope.key().to_owned(), origin.clone());
        self.links.push(Link { scope, origin, sha256, size });
    }

    /// Makes everything that was taken in durable.
    pub(super) fn flush(&mut self) -> Result<(), SpoolError> {
        if self.rows.is_empty() && self.links.is_empty() {
            return Ok(());
        }
        let transaction = self.db.transaction()?;
        store_rows(&transaction, &self.rows)?;
        {
            let mut link = transaction.prepare_cached(
                "INSERT OR REPLACE INTO blobs (scope, kind, origin, sha256, size)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for it in &self.links {
                let scope = scope_row(&transaction, &it.scope)?;
                let kind = it.origin.kind.name();
                link.execute(params![scope, kind, it.origin.id, it.sha256, it.size])?;
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
    pub(super) fn know(&mut self, project: &str) -> Result<(), SpoolError> {
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

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|it| format!("{it:02x}")).collect()
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

/// What an object is embedded in, if in anything but the project.
fn parent(object: &Object) -> Option<String> {
    if let Object::Reaction(it) = object {
        Some(super::map::id::subject(&it.subject))
    } else if let Object::ReleaseAsset(it) = object {
        Some(it.release.clone())
    } else if let Object::Member(it) = object {
        Some(home(it))
    } else {
        None
    }
}

/// What a role is embedded in.
fn home(member: &Member) -> String {
    match (&member.place, &member.grantee) {
        (Place::Project, _) => "project".to_owned(),
        (Place::Organization(path), _) => format!("organization:{path}"),
        (Place::Team { organization, slug }, _) => format!("team:{organization}/{slug}"),
        (Place::ProjectAt(_), Grantee::Team { organization, slug }) => {
            format!("team:{organization}/{slug}")
        }
        (Place::ProjectAt(path), Grantee::User(_) | Grantee::Group(_)) => format!("nowhere:{path}"),
    }
}
