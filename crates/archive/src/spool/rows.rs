//! What the spool holds, in the order in which the archive wants it.

use super::{Spool, SpoolError};
use crate::container::ArchiveError;
use packhorse_core::{
    Cursor, Lane, Object, ObjectKind, Origin, Record, Scope,
    port::{KindCount, Page},
};
use rusqlite::{OptionalExtension, Row, params};

/// A page ends after that many records …
const PAGE_RECORDS: usize = 500;
/// … or after that many bytes of them.
const PAGE_BYTES: usize = 2 << 20;

/// A statement for each kind: while the comments on something are visited, the reactions to each
/// of them are looked for, and a statement that is in use would be parsed anew.
fn children_of(kind: ObjectKind) -> String {
    format!(
        "SELECT target, origin, body FROM records
         WHERE scope = ?1 AND kind = '{kind}' AND parent = ?2 ORDER BY rowid"
    )
}

/// Two halves, because an index finds its way to a number and a row within that, and not to a pair:
/// where records have no numbers, each page would be looked for from the first record on.
const PAGE: &str = "SELECT target, origin, body, place, rowid FROM records
        WHERE scope = (SELECT id FROM scopes WHERE path = ?1) AND kind = ?2
            AND place = ?3 AND rowid > ?4
    UNION ALL
    SELECT target, origin, body, place, rowid FROM records
        WHERE scope = (SELECT id FROM scopes WHERE path = ?1) AND kind = ?2 AND place > ?3
    ORDER BY place, rowid LIMIT ?5";

/// A project, or what stands beside all of them, in the spool.
#[derive(Clone, Debug)]
pub(crate) struct ScopeRow {
    pub(crate) id: i64,
    pub(crate) path: String,
}

/// A record in the spool.
#[derive(Debug)]
pub(crate) struct Stored {
    /// The id under which it will be read.
    pub(crate) target: String,
    /// The id under which its bytes were saved.
    pub(crate) origin: String,
    pub(crate) object: Object,
}

/// A blob in the spool.
#[derive(Clone, Debug)]
pub(crate) struct StoredBlob {
    pub(crate) sha256: String,
    pub(crate) size: u64,
}

impl Spool {
    /// Makes ready for being read page by page.
    pub(crate) fn index_places(&self) -> Result<(), SpoolError> {
        Ok(self.database().execute_batch(
            "CREATE INDEX IF NOT EXISTS records_by_place ON records (scope, kind, place);",
        )?)
    }

    /// Makes ready for an archive to be made of it: embedded records are looked up by what they
    /// are embedded in as well.
    pub(crate) fn index(&self) -> Result<(), SpoolError> {
        self.index_places()?;
        Ok(self.database().execute_batch(
            "CREATE INDEX IF NOT EXISTS records_by_parent ON records (scope, kind, parent)
                 WHERE parent IS NOT NULL;",
        )?)
    }

    /// All projects, by path.
    pub(crate) fn projects(&self) -> Result<Vec<ScopeRow>, SpoolError> {
        let mut statement = self
            .database()
            .prepare_cached("SELECT id, path FROM scopes WHERE path <> '' ORDER BY path")?;
        let rows =
            statement.query_map([], |row| Ok(ScopeRow { id: row.get(0)?, path: row.get(1)? }))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What stands beside all projects; `None` when nothing does.
    pub(crate) fn shared(&self) -> Result<Option<ScopeRow>, SpoolError> {
        let mut statement =
            self.database().prepare_cached("SELECT id, path FROM scopes WHERE path = ''")?;
        let row = |row: &Row<'_>| Ok(ScopeRow { id: row.get(0)?, path: row.get(1)? });
        Ok(statement.query_row([], row).optional()?)
    }

    /// Visits the records of a kind: by number where they have one, else as they came.
    pub(crate) fn each(
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
    pub(crate) fn all(
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
    pub(crate) fn children(
        &self,
        scope: &ScopeRow,
        kind: ObjectKind,
        parent: &str,
    ) -> Result<Vec<Stored>, SpoolError> {
        let mut children = Vec::new();
        self.each_child(scope, kind, parent, |it| {
            children.push(it);
            Ok(())
        })?;
        Ok(children)
    }

    /// Visits the records that are embedded in another, as they came.
    pub(crate) fn each_child(
        &self,
        scope: &ScopeRow,
        kind: ObjectKind,
        parent: &str,
        mut visit: impl FnMut(Stored) -> Result<(), SpoolError>,
    ) -> Result<(), SpoolError> {
        let mut statement = self.database().prepare_cached(&children_of(kind))?;
        let mut rows = statement.query(params![scope.id, parent])?;
        while let Some(row) = rows.next()? {
            visit(stored(kind, row)?)?;
        }
        Ok(())
    }

    /// The record of that id.
    pub(crate) fn record(
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
    pub(crate) fn orphaned(
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

    /// Embeds records whose parent has no record in what `home` tells, where it tells any.
    pub(crate) fn adopt(
        &self,
        scope: &ScopeRow,
        kind: ObjectKind,
        of: (&str, ObjectKind),
        home: impl Fn(&Object) -> Option<String>,
    ) -> Result<(), SpoolError> {
        let mut adopt = self.database().prepare_cached(
            "UPDATE records SET parent = ?4 WHERE scope = ?1 AND kind = ?2 AND target = ?3",
        )?;
        for id in self.orphaned(scope, kind, of)? {
            for it in self.children(scope, kind, &format!("{}{id}", of.0))? {
                if let Some(home) = home(&it.object) {
                    adopt.execute(params![scope.id, kind.name(), it.target, home])?;
                }
            }
        }
        Ok(())
    }

    /// Embeds records that answer each other in a ring, and what answers those, in what `home`
    /// tells: nothing leads to any of them.
    ///
    /// `prefix` is what stands before the id of a parent that is of the same kind.
    pub(crate) fn open_rings(
        &self,
        scope: &ScopeRow,
        kind: ObjectKind,
        prefix: &str,
        home: impl Fn(&Object) -> Option<String>,
    ) -> Result<(), SpoolError> {
        let mut find = self.database().prepare_cached(
            "WITH RECURSIVE answers(target, above) AS MATERIALIZED (
                 SELECT target, substr(parent, length(?3) + 1) FROM records
                 WHERE scope = ?1 AND kind = ?2 AND substr(parent, 1, length(?3)) = ?3),
             led_to(target) AS (
                 SELECT target FROM answers
                 WHERE above NOT IN (SELECT target FROM answers)
                 UNION
                 SELECT r.target FROM led_to JOIN records r
                 ON r.scope = ?1 AND r.kind = ?2 AND r.parent = ?3 || led_to.target)
             SELECT target FROM answers WHERE target NOT IN (SELECT target FROM led_to)",
        )?;
        let mut adopt = self.database().prepare_cached(
            "UPDATE records SET parent = ?4 WHERE scope = ?1 AND kind = ?2 AND target = ?3",
        )?;
        let row = params![scope.id, kind.name(), prefix];
        let ringed: Vec<String> =
            find.query_map(row, |row| row.get(0))?.collect::<Result<_, _>>()?;
        for target in ringed {
            let Some(it) = self.record(scope, kind, &target)? else { continue };
            if let Some(home) = home(&it.object) {
                adopt.execute(params![scope.id, kind.name(), target, home])?;
            }
        }
        Ok(())
    }

    /// The largest number that an issue or a change request has; 0 where there is none.
    pub(crate) fn largest_number(&self, scope: &ScopeRow) -> Result<u64, SpoolError> {
        let mut statement = self.database().prepare_cached(
            "SELECT coalesce(max(place), 0) FROM records WHERE scope = ?1 AND kind IN (?2, ?3)",
        )?;
        let kinds = [ObjectKind::Issue, ObjectKind::ChangeRequest].map(ObjectKind::name);
        let largest: i64 =
            statement.query_row(params![scope.id, kinds[0], kinds[1]], |row| row.get(0))?;
        Ok(u64::try_from(largest).unwrap_or_default())
    }

    /// Origins of a project's records of a kind whose parent has no record.
    pub(crate) fn strays(
        &self,
        project: &str,
        kind: ObjectKind,
    ) -> Result<Vec<String>, SpoolError> {
        // A parent is written as its kind, a slash, and its target.
        let mut statement = self.database().prepare_cached(
            "SELECT r.origin FROM records r JOIN scopes ON scopes.id = r.scope
             WHERE scopes.path = ?1 AND r.kind = ?2
               AND NOT EXISTS (SELECT 1 FROM records p WHERE p.scope = r.scope
                   AND p.kind = substr(r.parent, 1, instr(r.parent, '/') - 1)
                   AND p.target = substr(r.parent, instr(r.parent, '/') + 1))
             ORDER BY r.rowid",
        )?;
        let row = params![project, kind.name()];
        let origins = statement.query_map(row, |row| row.get(0))?;
        Ok(origins.collect::<Result<_, _>>()?)
    }

    /// A page of a lane: by number where records have one, else as they came.
    pub(crate) fn page(&self, lane: &Lane, at: Option<&Cursor>) -> Result<Page, SpoolError> {
        let (place, row) = match at {
            None => (i64::MIN, 0),
            Some(cursor) => parse(cursor)?,
        };
        let mut statement = self.database().prepare_cached(PAGE)?;
        let wanted = params![lane.scope.key(), lane.kind.name(), place, row, PAGE_RECORDS + 1];
        let mut rows = statement.query(wanted)?;
        let (mut page, mut n_bytes, mut last) = (Page::default(), 0, String::new());
        while let Some(row) = rows.next()? {
            if page.records.len() == PAGE_RECORDS || n_bytes > PAGE_BYTES {
                page.next = Some(Cursor(last));
                break;
            }
            n_bytes += row.get_ref(2)?.as_blob().map_or(0, <[u8]>::len);
            last = format!("{}.{}", row.get::<_, i64>(3)?, row.get::<_, i64>(4)?);
            let found = stored(lane.kind, row)?;
            page.records.push(Record::new(found.target, found.object));
        }
        Ok(page)
    }

    /// A page of the list of projects; `only` restricts it to one.
    pub(crate) fn project_page(
        &self,
        at: Option<&Cursor>,
        only: Option<&str>,
    ) -> Result<Page, SpoolError> {
        let mut statement = self.database().prepare_cached(
            "SELECT target, origin, body, path FROM records JOIN scopes ON scopes.id = scope
             WHERE kind = ?1 AND path > ?2 AND path = coalesce(?3, path)
             ORDER BY path LIMIT ?4",
        )?;
        let after = at.map_or("", |it| it.0.as_str());
        let kind = ObjectKind::Project;
        let mut rows = statement.query(params![kind.name(), after, only, PAGE_RECORDS + 1])?;
        let (mut page, mut last) = (Page::default(), String::new());
        while let Some(row) = rows.next()? {
            if page.records.len() == PAGE_RECORDS {
                page.next = Some(Cursor(last));
                break;
            }
            last = row.get(3)?;
            let found = stored(kind, row)?;
            page.records.push(Record::new(last.clone(), found.object));
        }
        Ok(page)
    }

    /// How many records of each kind there are in a scope, and the bytes of their files.
    pub(crate) fn counts(&self, scope: &Scope) -> Result<Vec<KindCount>, SpoolError> {
        let mut statement = self.database().prepare_cached(
            "SELECT r.kind, count(*), (SELECT sum(size) FROM blobs b
                 WHERE b.scope = r.scope AND b.kind = r.kind)
             FROM records r JOIN scopes ON scopes.id = r.scope
             WHERE path = ?1 GROUP BY r.kind",
        )?;
        let mut rows = statement.query([scope.key()])?;
        let mut counts = Vec::new();
        while let Some(row) = rows.next()? {
            let name: String = row.get(0)?;
            let Some(kind) = ObjectKind::named(&name) else { continue };
            counts.push(KindCount { kind, records: Some(row.get(1)?), bytes: row.get(2)? });
        }
        Ok(counts)
    }

    /// Origins of a project's records of a kind that none of another kind is embedded in.
    pub(crate) fn childless(
        &self,
        project: &str,
        (kind, child): (ObjectKind, ObjectKind),
    ) -> Result<Vec<String>, SpoolError> {
        let mut statement = self.database().prepare_cached(
            "SELECT r.origin FROM records r JOIN scopes ON scopes.id = r.scope
             WHERE scopes.path = ?1 AND r.kind = ?2
               AND NOT EXISTS (SELECT 1 FROM records c WHERE c.scope = r.scope AND c.kind = ?3
                   AND c.parent = r.kind || '/' || r.target)
             ORDER BY r.rowid",
        )?;
        let row = params![project, kind.name(), child.name()];
        let origins = statement.query_map(row, |row| row.get(0))?;
        Ok(origins.collect::<Result<_, _>>()?)
    }

    /// SHA-256 of the bytes of a record, in lower-case hexadecimal.
    pub(crate) fn blob_hash(
        &self,
        scope: &Scope,
        origin: &Origin,
    ) -> Result<Option<String>, SpoolError> {
        let mut statement = self.database().prepare_cached(
            "SELECT sha256 FROM blobs JOIN scopes ON scopes.id = scope
             WHERE path = ?1 AND kind = ?2 AND origin = ?3",
        )?;
        let row = params![scope.key(), origin.kind.name(), origin.id];
        Ok(statement.query_row(row, |row| row.get(0)).optional()?)
    }

    /// Where in the archive the bytes of a record are.
    pub(crate) fn blob_place(
        &self,
        scope: &Scope,
        origin: &Origin,
    ) -> Result<Option<String>, SpoolError> {
        let mut statement = self.database().prepare_cached(
            "SELECT at FROM blobs JOIN scopes ON scopes.id = scope
             WHERE path = ?1 AND kind = ?2 AND origin = ?3",
        )?;
        let row = params![scope.key(), origin.kind.name(), origin.id];
        Ok(statement.query_row(row, |row| row.get(0)).optional()?.flatten())
    }

    /// The blob that was saved for a record.
    pub(crate) fn blob_of(
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

fn parse(cursor: &Cursor) -> Result<(i64, i64), SpoolError> {
    let parsed = cursor.0.split_once('.');
    let parsed = parsed.and_then(|(place, row)| Some((place.parse().ok()?, row.parse().ok()?)));
    parsed.ok_or_else(|| {
        let detail = format!("`{}` is no place in a listing", cursor.0);
        ArchiveError::Inconsistent { member: "cursor".to_owned(), detail }.into()
    })
}

fn stored(kind: ObjectKind, row: &Row<'_>) -> Result<Stored, SpoolError> {
    let body = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
    let object = Object::from_fields(kind, body).map_err(|it| SpoolError::Record(kind, it))?;
    Ok(Stored { target: row.get(0)?, origin: row.get(1)?, object })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spool::Shape;

    /// How SQLite looks for what a statement asks for.
    fn plan(spool: &Spool, sql: &str) -> Vec<String> {
        let mut plan = spool.db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let n = plan.parameter_count();
        let rows = plan.query_map(rusqlite::params_from_iter(vec![0; n]), |row| row.get("detail"));
        rows.unwrap().map(Result::unwrap).collect()
    }

    fn spool() -> (tempfile::TempDir, Spool) {
        let directory = tempfile::tempdir().unwrap();
        let shape = Shape { application_id: 1, parent: |_| None, seed: |_, _| Ok(()) };
        let spool = Spool::passing(directory.path(), &shape).unwrap();
        spool.index().unwrap();
        (directory, spool)
    }

    #[test]
    fn a_page_begins_where_the_one_before_it_ended() {
        let (_directory, spool) = spool();

        let plan = plan(&spool, PAGE);

        let looks = |how: &str| plan.iter().any(|it| it.ends_with(how));
        assert!(looks("records_by_place (scope=? AND kind=? AND place=? AND rowid>?)"), "{plan:?}");
        assert!(looks("records_by_place (scope=? AND kind=? AND place>?)"), "{plan:?}");
        assert!(!plan.iter().any(|it| it.contains("TEMP B-TREE")), "{plan:?}");
    }

    #[test]
    fn what_finds_children_is_parsed_once_and_not_for_each_parent() {
        let (_directory, spool) = spool();
        let mut find = spool.db.prepare(&children_of(ObjectKind::Comment)).unwrap();

        for parent in 0..10 {
            find.exists(params![1, format!("issue/{parent}")]).unwrap();
        }

        assert_eq!(find.get_status(rusqlite::StatementStatus::RePrepare), 0);
    }
}
