//! What the spool holds, in the order in which the archive wants it.

use super::spool::{Spool, SpoolError};
use packhorse_core::{Object, ObjectKind};
use rusqlite::{OptionalExtension, Row, params};

/// A project, or what stands beside all of them, in the spool.
#[derive(Clone, Debug)]
pub(super) struct ScopeRow {
    pub(super) id: i64,
    pub(super) path: String,
}

/// A record in the spool.
#[derive(Debug)]
pub(super) struct Stored {
    /// The id under which it will be read.
    pub(super) target: String,
    /// The id under which its bytes were saved.
    pub(super) origin: String,
    pub(super) object: Object,
}

/// A blob in the spool.
#[derive(Clone, Debug)]
pub(super) struct StoredBlob {
    pub(super) sha256: String,
    pub(super) size: u64,
}

impl Spool {
    /// Makes ready for reading: embedded records are looked up by what they are embedded in.
    pub(super) fn index(&self) -> Result<(), SpoolError> {
        Ok(self.database().execute_batch(
            "CREATE INDEX IF NOT EXISTS records_by_place ON records (scope, kind, place);
             CREATE INDEX IF NOT EXISTS records_by_parent ON records (scope, kind, parent)
                 WHERE parent IS NOT NULL;",
        )?)
    }

    /// All projects, by path.
    pub(super) fn projects(&self) -> Result<Vec<ScopeRow>, SpoolError> {
        let mut statement = self
            .database()
            .prepare_cached("SELECT id, path FROM scopes WHERE path <> '' ORDER BY path")?;
        let rows =
            statement.query_map([], |row| Ok(ScopeRow { id: row.get(0)?, path: row.get(1)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What stands beside all projects; `None` when nothing does.
    pub(super) fn shared(&self) -> Result<Option<ScopeRow>, SpoolError> {
        let mut statement =
            self.database().prepare_cached("SELECT id, path FROM scopes WHERE path = ''")?;
        let row = |row: &Row<'_>| Ok(ScopeRow { id: row.get(0)?, path: row.get(1)? });
        Ok(statement.query_row([], row).optional()?)
    }

    /// Visits the records of a kind: by number where they have one, else as they came.
    pub(super) fn each(
        &self,
        scope: &ScopeRow,
        kind: ObjectKind,
        mut visit: impl FnMut(Stored) -> Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        let mut statement = self.database().prepare_cached(
            "SELECT target, origin, body FROM records WHERE scope = ?1 AND kind = ?2
             ORDER BY place, rowid",
        )?;
        let mut rows = statement.query(params![scope.id, kind.name()])?;
        while let Some(row) = rows.next()? {
            visit(stored(kind, row)?)?;
        }
        Ok(())
    }

    /// All records of a kind that have no parent of their own: those embedded in a repository.
    pub(super) fn all(
        &self,
        scope: &ScopeRow,
        kind: ObjectKind,
    ) -> Result<Vec<Object>, SpoolError> {
        let mut all = Vec::new();
        self.each(scope, kind, |it| {
            all.push(it.object);
            Ok(())
        })?;
        Ok(all)
    }

    /// The records that are embedded in another.
    pub(super) fn children(
        &self,
        scope: &ScopeRow,
        kind: ObjectKind,
        parent: &str,
    ) -> Result<Vec<Stored>, SpoolError> {
        let mut statement = self.database().prepare_cached(
            "SELECT target, origin, body FROM records
             WHERE scope = ?1 AND kind = ?2 AND parent = ?3 ORDER BY rowid",
        )?;
        let mut rows = statement.query(params![scope.id, kind.name(), parent])?;
        let mut children = Vec::new();
        while let Some(row) = rows.next()? {
            children.push(stored(kind, row)?);
        }
        Ok(children)
    }

    /// The record of that id.
    pub(super) fn record(
        &self,
        scope: &ScopeRow,
        kind: ObjectKind,
        target: &str,
    ) -> Result<Option<Stored>, SpoolError> {
        let mut statement = self.database().prepare_cached(
            "SELECT target, origin, body FROM records
             WHERE scope = ?1 AND kind = ?2 AND target = ?3",
        )?;
        let mut rows = statement.query(params![scope.id, kind.name(), target])?;
        rows.next()?.map(|row| stored(kind, row)).transpose()
    }

    /// What records of a kind are embedded in, where it has no record of its own.
    ///
    /// `prefix` is what stands before the parent's id.
    pub(super) fn orphaned(
        &self,
        scope: &ScopeRow,
        kind: ObjectKind,
        (prefix, parent): (&str, ObjectKind),
    ) -> Result<Vec<String>, SpoolError> {
        let mut statement = self.database().prepare_cached(
            "SELECT DISTINCT substr(parent, length(?3) + 1) AS id FROM records
             WHERE scope = ?1 AND kind = ?2 AND substr(parent, 1, length(?3)) = ?3
               AND NOT EXISTS (SELECT 1 FROM records p WHERE p.scope = ?1 AND p.kind = ?4
                   AND p.target = substr(records.parent, length(?3) + 1))
             ORDER BY id",
        )?;
        let row = params![scope.id, kind.name(), prefix, parent.name()];
        let ids = statement.query_map(row, |row| row.get(0))?;
        Ok(ids.collect::<Result<_, _>>()?)
    }

    /// Origins of a project's reactions whose parent has no record.
    pub(super) fn stray_reactions(&self, project: &str) -> Result<Vec<String>, SpoolError> {
        // A parent is written as its kind, a slash, and its target.
        let mut statement = self.database().prepare_cached(
            "SELECT r.origin FROM records r JOIN scopes ON scopes.id = r.scope
             WHERE scopes.path = ?1 AND r.kind = ?2
               AND NOT EXISTS (SELECT 1 FROM records p WHERE p.scope = r.scope
                   AND p.kind = substr(r.parent, 1, instr(r.parent, '/') - 1)
                   AND p.target = substr(r.parent, instr(r.parent, '/') + 1))
             ORDER BY r.rowid",
        )?;
        let row = params![project, ObjectKind::Reaction.name()];
        let origins = statement.query_map(row, |row| row.get(0))?;
        Ok(origins.collect::<Result<_, _>>()?)
    }

    /// The blob that was saved for a record.
    pub(super) fn blob_of(
        &self,
        scope: &ScopeRow,
        kind: ObjectKind,
        origin: &str,
    ) -> Result<Option<StoredBlob>, SpoolError> {
        let mut statement = self.database().prepare_cached(
            "SELECT sha256, size FROM blobs WHERE scope = ?1 AND kind = ?2 AND origin = ?3",
        )?;
        let blob = |row: &Row<'_>| Ok(StoredBlob { sha256: row.get(0)?, size: row.get(1)? });
        Ok(statement.query_row(params![scope.id, kind.name(), origin], blob).optional()?)
    }
}

fn stored(kind: ObjectKind, row: &Row<'_>) -> Result<Stored, SpoolError> {
    let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    let object = Object::from_fields(kind, body).map_err(|it| SpoolError::Record(kind, it))?;
    Ok(Stored { target: row.get(0)?, origin: row.get(1)?, object })
}
