//! One record as it is at the source and at the destination.

use super::{
    look::find,
    page::{Head, Page, Refusal, send, sentence},
    session::Session,
    words,
};
use crate::{
    Service,
    native::{error::Problem, job::Found, losses::Links, routes::Asked},
    places::Opening,
    work,
};
use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use packhorse_core::{
    Carriage, Lane, Object, ObjectKind, Scope,
    error::chain,
    port::{ItemQuery, Source},
};
use serde_json::Value;
use std::{collections::BTreeSet, sync::Arc, time::Duration};

/// Projects and fields that a page names.
const MOST: usize = 500;

/// Longest value of a field that is shown, in characters.
const LONGEST: usize = 20_000;

/// How long either side is looked through for one record.
const PATIENCE: Duration = Duration::from_secs(20);

struct Row {
    field: String,
    source: String,
    target: String,
    differs: bool,
}

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    page: Page,
    head: Head,
    projects: Vec<String>,
    kinds: Vec<(&'static str, String)>,
    project: String,
    kind: String,
    id: String,
    said: Option<String>,
    what: String,
    source_url: Option<String>,
    target_url: Option<String>,
    rows: Vec<Row>,
}

/// The page, with a record when one is named.
pub(super) async fn show(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    session: Session,
) -> Result<Response, Refusal> {
    let (found, job) = find(&service, &session, &id).await?;
    let asked = Asked(query.as_deref());
    let text = |name: &str| asked.text(name).unwrap_or_default();
    let history = service.journal.history(found.view.id).await.map_err(Problem::from)?;
    let projects = history.projects().await.map_err(Problem::from)?;
    let kinds = ObjectKind::ALL.iter().filter(|it| it.carriage() == Carriage::Record);
    let mut page = ComparePage {
        page: Page::of(&session, format!("Compare, job {id}"), "jobs"),
        head: Head::of(&service, &job, "compare"),
        projects: projects.into_iter().take(MOST).map(|it| it.source).collect(),
        kinds: kinds.map(|it| (it.name(), words::kind(it.name()))).collect(),
        project: text("project"),
        kind: asked.text("kind").unwrap_or_else(|| ObjectKind::Issue.name().to_owned()),
        id: text("id"),
        said: None,
        what: String::new(),
        source_url: None,
        target_url: None,
        rows: Vec::new(),
    };
    if let (Some(kind), false) = (ObjectKind::named(&page.kind), page.id.is_empty()) {
        match compare(&service, &found, (&page.project, kind, &page.id)).await {
            Ok(compared) => {
                page.what = format!("{}, {}#{}", words::kind(kind.name()), page.project, page.id);
                (page.rows, page.source_url, page.target_url) = compared;
            }
            Err(why) => page.said = Some(sentence(&why)),
        }
    }
    Ok(send(&page))
}

type Compared = (Vec<Row>, Option<String>, Option<String>);

async fn compare(
    service: &Service,
    found: &Found,
    (project, kind, id): (&str, ObjectKind, &str),
) -> Result<Compared, String> {
    let told = |error: &dyn std::error::Error| error.to_string();
    let scope = Scope::from_key(project);
    let lane = Lane::new(scope.clone(), kind);
    let query = ItemQuery::Origins(vec![id.to_owned()]);
    let items = service.journal.items(found.view.route, &lane, &query).await;
    let item = items.map_err(|error| told(&error))?.into_iter().next();
    let links = Links::of(service, found).await.map_err(|it| it.detail().to_owned())?;
    let scratch = service.scratch().map_err(|error| told(&error))?;
    // Nothing is made at the destination.
    let ends = work::ends(service, &found.part, &found.view, (scratch.path(), Opening::Plan));
    let ends = ends.await.map_err(|error| chain(&error))?;
    let source = one(&*ends.source, &lane, id).await?;
    let source = source.ok_or_else(|| {
        "the source has no such record, or it did not come up in the time that a page may take"
            .to_owned()
    })?;
    let target = match &item {
        None => None,
        Some(item) => {
            let path = links.target_path(project).unwrap_or(project);
            let lane = Lane::new(Scope::from_key(path), kind);
            let reader = (ends.reader)().map_err(|error| chain(&error))?;
            one(&*reader, &lane, &item.target.0).await?
        }
    };
    let target_url = item.and_then(|it| links.target(&scope, kind, &it.target.0));
    Ok((rows(&source, target.as_ref()), links.source(&scope, kind, id), target_url))
}

/// Looks a lane through for one record.
async fn one(source: &dyn Source, lane: &Lane, id: &str) -> Result<Option<Object>, String> {
    let look = async {
        source.probe().await?;
        let mut at = None;
        loop {
            let page = source.read(lane, at.as_ref()).await?;
            let found = page.records.into_iter().find(|it| it.origin.id == id);
            match (found, page.next) {
                (Some(found), _) => return Ok(Some(found.object)),
                (None, None) => return Ok(None),
                (None, next) => at = next,
            }
        }
    };
    let looked: Result<_, packhorse_core::HostError> =
        tokio::time::timeout(PATIENCE, look).await.unwrap_or(Ok(None));
    looked.map_err(|error| chain(&error))
}

fn rows(source: &Object, target: Option<&Object>) -> Vec<Row> {
    let fields = |object: &Object| object.fields(serde_json::value::Serializer).unwrap_or_default();
    let (source, target) = (fields(source), target.map(fields).unwrap_or_default());
    let names = |of: &Value| of.as_object().map(|it| it.keys().cloned().collect::<Vec<_>>());
    let all: BTreeSet<String> =
        [&source, &target].into_iter().filter_map(names).flatten().collect();
    let rows = all.into_iter().take(MOST).map(|field| {
        let (a, b) = (&source[field.as_str()], &target[field.as_str()]);
        Row { source: shown(a), target: shown(b), differs: a != b, field }
    });
    rows.filter(|it| !(it.source.is_empty() && it.target.is_empty())).collect()
}

/// A value as lines: what is empty says nothing, text stands as it is.
fn shown(value: &Value) -> String {
    let text = lines(value);
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

fn lines(value: &Value) -> String {
    let is_plain = |it: &Value| !it.is_array() && !it.is_object();
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(list) if list.iter().all(is_plain) => {
            list.iter().map(lines).collect::<Vec<_>>().join(", ")
        }
        Value::Array(list) => list.iter().map(lines).collect::<Vec<_>>().join("\n\n"),
        Value::Object(fields) => {
            let shown = fields.iter().map(|(name, it)| (name, lines(it)));
            let shown = shown.filter(|(_, it)| !it.is_empty()).map(|(name, it)| {
                let separator = if it.contains('\n') { "\n" } else { " " };
                format!("{name}:{separator}{it}")
            });
            shown.collect::<Vec<_>>().join("\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_shown_in_lines_without_what_is_empty() {
        assert_eq!(shown(&json!(["bug", "ui"])), "bug, ui");
        assert_eq!(shown(&json!({"login": "ann", "name": null, "tags": []})), "login: ann");
        assert_eq!(shown(&json!({"text": "a\nb"})), "text:\na\nb");
        assert_eq!(shown(&json!([{"a": 1}, {"b": true}])), "a: 1\n\nb: true");
        assert_eq!(shown(&json!("x".repeat(LONGEST + 5))).chars().count(), LONGEST + 1);
    }
}
