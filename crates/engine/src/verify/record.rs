//! One record of a job, at both ends.

use super::{Inspection, VerifyError, lane::Pair, pages::Pages};
use packhorse_core::{
    HostError, Lane, Object, ObjectKind, Record, Scope, TargetId,
    fingerprint::Difference,
    port::{Item, ItemQuery, Source},
};
use std::time::Duration;
use tokio::time::timeout;

/// Which record is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which<'a> {
    /// The one with that id at the source.
    Origin(&'a str),
    /// The one with that id at the destination.
    Target(&'a str),
}

/// What an end shows of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// It is there.
    There(Object),
    /// It is not there, or nobody knows what it would be called there.
    Missing,
    /// It did not come up in the time that was given: ends list, and cannot be asked for one record.
    Late,
}

impl Seen {
    /// The record, where it is there.
    pub fn object(&self) -> Option<&Object> {
        match self {
            Self::There(it) => Some(it),
            Self::Missing | Self::Late => None,
        }
    }
}

/// A record of a job at both ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Facing {
    /// Its id at the source, where that is known.
    pub origin: Option<String>,
    /// Its id at the destination, where the job wrote it.
    pub target: Option<String>,
    /// As the source has it.
    pub source: Seen,
    /// As the destination has it.
    pub found: Seen,
    /// Fields in which the destination does not have what was to be written there. What the
    /// transforms make of a record, and what the destination has no place for, is none of them.
    pub differences: Vec<Difference>,
}

impl Inspection<'_> {
    /// A record of one kind in a scope of the source, which is `target` at the destination.
    pub(crate) async fn record(
        &self,
        (scope, target): (&Scope, &Scope),
        kind: ObjectKind,
        which: Which<'_>,
        patience: Duration,
    ) -> Result<Facing, VerifyError> {
        let (home, item) = self.item(scope, kind, which).await?;
        let (origin, there) = match (which, &item) {
            (_, Some(item)) => (Some(item.origin.id.clone()), Some(item.target.0.clone())),
            (Which::Origin(id), None) => (Some(id.to_owned()), None),
            (Which::Target(id), None) => (None, Some(id.to_owned())),
        };
        let (source, found) = futures::try_join!(
            look(self.source, listed(scope, kind), origin.as_deref(), patience),
            look(self.reader, listed(target, kind), there.as_deref(), patience),
        )?;
        let mut differences = Vec::new();
        if let (Looked::There(source), Looked::There(found)) = (&source, &found)
            && item.is_some()
        {
            let (target, paths) = (Lane::new(target.clone(), kind), self.paths.clone());
            let pair = Pair { origin: home, target, paths };
            differences = self.differences(&pair, source, found).await?;
        }
        let (source, found) = (source.into_seen(), found.into_seen());
        Ok(Facing { origin, target: there, source, found, differences })
    }

    /// What the journal has of a record, and in which lane; a project's own record is in its own
    /// scope or beside all projects.
    async fn item(
        &self,
        scope: &Scope,
        kind: ObjectKind,
        which: Which<'_>,
    ) -> Result<(Lane, Option<Item>), VerifyError> {
        let home = Lane::new(scope.clone(), kind);
        let mut lanes = vec![home.clone()];
        if kind == ObjectKind::Project {
            lanes.push(Lane::new(Scope::Shared, kind));
        }
        for lane in lanes {
            let query = match which {
                Which::Origin(id) => ItemQuery::Origins(vec![id.to_owned()]),
                Which::Target(id) => ItemQuery::Targets(vec![TargetId(id.to_owned())]),
            };
            let items = self.journal.items(self.route, &lane, &query).await?;
            if let Some(item) = items.into_iter().next() {
                return Ok((lane, Some(item)));
            }
        }
        Ok((home, None))
    }

    /// The fields in which a record is not what was to be written.
    async fn differences(
        &self,
        pair: &Pair,
        source: &Record,
        found: &Record,
    ) -> Result<Vec<Difference>, VerifyError> {
        let kind = pair.origin.kind;
        let target = found.origin.id.clone();
        let masks = self.masks(&pair.origin, &self.mask(kind), [target.clone()]).await?;
        let linked = self.linked(pair, vec![source.clone()]).await?;
        let Some(expected) = linked.into_iter().next() else { return Ok(Vec::new()) };
        let expected = self.transformed(&pair.origin.scope, expected);
        let mut fields = masks.of(&target).differences(&expected.object, &found.object);
        // A source may not tell the size and the hash of bytes that a destination knows.
        fields.retain(|it| !(it.field.starts_with("blob.") && it.expected.is_null()));
        Ok(fields)
    }
}

/// The lane in which an end lists records: projects' own ones stand beside all projects.
fn listed(scope: &Scope, kind: ObjectKind) -> Lane {
    let scope = if kind == ObjectKind::Project { &Scope::Shared } else { scope };
    Lane::new(scope.clone(), kind)
}

/// What came of looking for a record.
enum Looked {
    There(Record),
    Missing,
    Late,
}

impl Looked {
    fn into_seen(self) -> Seen {
        match self {
            Self::There(record) => Seen::There(record.object),
            Self::Missing => Seen::Missing,
            Self::Late => Seen::Late,
        }
    }
}

/// Looks a lane through for one record, and no longer than that.
async fn look(
    end: &dyn Source,
    lane: Lane,
    id: Option<&str>,
    patience: Duration,
) -> Result<Looked, HostError> {
    let Some(id) = id else { return Ok(Looked::Missing) };
    let search = async {
        let mut pages = Pages::of(end, &lane);
        while let Some(records) = pages.next().await? {
            if let Some(found) = records.into_iter().find(|it| it.origin.id == id) {
                return Ok(Looked::There(found));
            }
        }
        Ok(Looked::Missing)
    };
    timeout(patience, search).await.unwrap_or(Ok(Looked::Late))
}
