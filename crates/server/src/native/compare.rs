//! One record of a job, as it is at the source and at the destination.

use super::{
    act::{FROM_SEALED, TO_SEALED},
    error::Problem,
    job::Found,
    losses::{self, Links, Wanted},
    routes::Asked,
    wire::{ComparedField, Comparison, FieldState, Standing},
};
use crate::{Service, places::Opening, work};
use futures::{StreamExt, TryStreamExt};
use http::StatusCode;
use packhorse_core::{Carriage, Object, ObjectKind, Scope, error::chain};
use packhorse_engine::verify::{Facing, Seen, Which};
use serde_json::Value;
use std::{collections::BTreeSet, time::Duration};

/// How long either side is looked through for one record.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fields that are told.
const MOST_FIELDS: usize = 500;

/// Losses of one record that are told.
const MOST_LOSSES: usize = 100;

/// Failures that are looked through at most.
const MOST_FAILURES: usize = 20_000;

/// The record that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct One {
    /// Full path of the project at the source; `None` for what stands beside all projects.
    pub(crate) project: Option<String>,
    pub(crate) kind: ObjectKind,
    pub(crate) id: String,
    /// Whether the id is the destination's.
    pub(crate) is_target: bool,
}

impl One {
    /// The record that a query names.
    pub(crate) fn of(asked: &Asked<'_>) -> Result<Self, Problem> {
        let wrong = |why: &str| Problem::new(StatusCode::BAD_REQUEST, why.to_owned());
        let name = asked.text("kind").ok_or_else(|| wrong("`kind` is missing"))?;
        let kind = ObjectKind::named(&name).ok_or_else(|| wrong("`kind` is no kind"))?;
        if kind.carriage() == Carriage::Git {
            return Err(wrong("repositories are compared by their refs when a job is verified"));
        }
        let id = asked.text("id").ok_or_else(|| wrong("`id` is missing"))?;
        let is_target = match asked.text("side").as_deref() {
            None | Some("source") => false,
            Some("destination") => true,
            Some(_) => return Err(wrong("`side` is `source` or `destination`")),
        };
        Ok(Self { project: asked.text("project"), kind, id, is_target })
    }

    fn scope(&self) -> Scope {
        self.project.clone().map_or(Scope::Shared, Scope::Project)
    }
}

/// Looks a record up on both sides, and holds them against each other.
pub(crate) async fn compare(
    service: &Service,
    found: &Found,
    one: &One,
) -> Result<Comparison, Problem> {
    if is_without_token(found) {
        return Err(Problem::conflict(
            "the job's token was forgotten when it ended, so its places cannot be looked into",
        ));
    }
    if service.stored_archive(&found.part, &found.view)?.is_some() {
        return Err(Problem::conflict(
            "the job's archive is in an object store; download it, and compare the file",
        ));
    }
    let scratch = service.scratch()?;
    // Nothing is made at the destination.
    let ends = work::ends(service, &found.part, &found.view, (scratch.path(), Opening::Plan));
    let ends = ends.await.map_err(|error| Problem::conflict(chain(&error)))?;
    let which = if one.is_target { Which::Target(&one.id) } else { Which::Origin(&one.id) };
    let (project, job) = (one.project.as_deref(), (&*service.journal, &found.view));
    let facing = packhorse_engine::record(job, &ends, project, (one.kind, which), PATIENCE).await;
    let facing = facing.map_err(|error| Problem::conflict(chain(&error)))?;
    told(service, found, one, facing).await
}

/// Whether the job came with a token, which is not there any more.
fn is_without_token(found: &Found) -> bool {
    let part = &found.part;
    let is_gone =
        |field: &str, sealed: &Option<Vec<u8>>| part.body[field] == true && sealed.is_none();
    is_gone(FROM_SEALED, &part.sealed) || is_gone(TO_SEALED, &part.sealed_target)
}

async fn told(
    service: &Service,
    found: &Found,
    one: &One,
    facing: Facing,
) -> Result<Comparison, Problem> {
    let (links, scope) = (Links::of(service, found).await?, one.scope());
    let url = |id: &Option<String>, is_target: bool| {
        let id = id.as_ref()?;
        let link = if is_target { Links::target } else { Links::source };
        link(&links, &scope, one.kind, id)
    };
    let (losses, failure) = match &facing.origin {
        Some(id) => {
            (losses_of(service, found, one, id).await?, failure_of(service, found, one, id).await?)
        }
        None => (Vec::new(), None),
    };
    Ok(Comparison {
        project: one.project.clone(),
        kind: one.kind.name().to_owned(),
        source_url: url(&facing.origin, false),
        target_url: url(&facing.target, true),
        standing: standing(&facing),
        fields: fields(&facing),
        losses,
        failure,
        id: facing.origin,
        target_id: facing.target,
    })
}

fn standing(facing: &Facing) -> Standing {
    match (&facing.source, &facing.found) {
        (Seen::Late, _) | (_, Seen::Late) => Standing::Unknown,
        (Seen::Missing, Seen::Missing) => Standing::Nowhere,
        (Seen::Missing, Seen::There(_)) => Standing::OnlyAtDestination,
        (Seen::There(_), Seen::Missing) => Standing::OnlyAtSource,
        (Seen::There(_), Seen::There(_)) if facing.differences.is_empty() => Standing::AsItShould,
        (Seen::There(_), Seen::There(_)) => Standing::Differs,
    }
}

/// What the journal lost of the record.
async fn losses_of(
    service: &Service,
    found: &Found,
    one: &One,
    id: &str,
) -> Result<Vec<super::wire::Loss>, Problem> {
    let wanted = Wanted {
        kind: Some(one.kind),
        text: Some(id.to_owned()),
        limit: MOST_LOSSES,
        ..Wanted::default()
    };
    let mut page = losses::page(service, found, &wanted).await?.losses;
    page.retain(|it| it.id == id && it.project == one.project);
    Ok(page)
}

/// Why the record did not arrive, where it failed.
async fn failure_of(
    service: &Service,
    found: &Found,
    one: &One,
    id: &str,
) -> Result<Option<String>, Problem> {
    let history = service.journal.history(found.view.id).await?;
    let scope = one.scope();
    let mut failures = history.all_failures().take(MOST_FAILURES);
    while let Some(it) = failures.try_next().await? {
        if it.scope == scope && it.kind == one.kind && it.id.as_deref() == Some(id) {
            return Ok(Some(it.reason));
        }
    }
    Ok(None)
}

/// The fields of both sides, side by side.
fn fields(facing: &Facing) -> Vec<ComparedField> {
    let read = |object: &Object| object.fields(serde_json::value::Serializer).unwrap_or_default();
    let source = facing.source.object().map(read).unwrap_or_default();
    let found = facing.found.object().map(read).unwrap_or_default();
    let are_both = source.is_object() && found.is_object();
    let names = |of: &Value| of.as_object().map(|it| it.keys().cloned().collect::<Vec<_>>());
    let all: BTreeSet<String> = [&source, &found].into_iter().filter_map(names).flatten().collect();
    let differs = |field: &str| {
        let top = |it: &str| it.split('.').next() == Some(field);
        facing.differences.iter().any(|it| top(&it.field))
    };
    let rows = all.into_iter().take(MOST_FIELDS).map(|name| {
        let (a, b) = (&source[name.as_str()], &found[name.as_str()]);
        let state = if !are_both || a == b {
            FieldState::Same
        } else if differs(&name) {
            FieldState::Differs
        } else {
            FieldState::Converted
        };
        ComparedField { source: a.clone(), target: b.clone(), state, name }
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{fingerprint::Difference, model::Label};

    fn label(name: &str, color: &str) -> Seen {
        let color = Some(color.to_owned());
        let label = Label { name: name.to_owned(), color, ..Label::default() };
        Seen::There(Object::from(label))
    }

    fn facing(source: Seen, found: Seen, differs: &[&str]) -> Facing {
        let difference = |field: &&str| Difference {
            field: (*field).to_owned(),
            expected: Value::Null,
            found: Value::Null,
        };
        let differences = differs.iter().map(difference).collect();
        Facing { origin: None, target: None, source, found, differences }
    }

    #[test]
    fn what_was_changed_on_the_way_is_told_from_what_is_not_as_it_should_be() {
        let facing = facing(label("bug", "a"), label("Bug", "b"), &["color"]);

        let state =
            |name: &str| fields(&facing).into_iter().find(|it| it.name == name).unwrap().state;

        assert_eq!(state("name"), FieldState::Converted);
        assert_eq!(state("color"), FieldState::Differs);
        assert_eq!(standing(&facing), Standing::Differs);
    }

    #[test]
    fn what_is_on_one_side_alone_stands_there() {
        let only = facing(label("bug", "a"), Seen::Missing, &[]);
        assert_eq!(standing(&only), Standing::OnlyAtSource);
        assert!(fields(&only).iter().all(|it| it.state == FieldState::Same && it.target.is_null()));
        let late = facing(Seen::Late, label("bug", "a"), &[]);
        assert_eq!(standing(&late), Standing::Unknown);
    }

    #[test]
    fn a_query_names_one_record() {
        let one = |query: &str| One::of(&Asked(Some(query)));

        let asked = one("project=acme%2Fapp&kind=issue&id=7&side=destination").unwrap();
        assert_eq!((asked.id.as_str(), asked.is_target), ("7", true));
        assert_eq!(one("kind=team&id=core").unwrap().project, None);
        for wrong in
            ["id=7", "kind=x&id=7", "kind=issue", "kind=issue&id=7&side=x", "kind=repository&id=7"]
        {
            assert!(one(wrong).is_err(), "{wrong}");
        }
    }
}
