//! One record as it is at the source and at the destination.

use super::{
    look::find,
    page::{Head, Page, Refusal, send, sentence},
    session::Session,
    words,
};
use crate::{
    Service,
    native::{
        compare::{One, compare},
        error::Problem,
        routes::Asked,
        wire::{ComparedField, Comparison, FieldState, Standing},
    },
};
use askama::Template;
use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use packhorse_core::{Carriage, ObjectKind};
use serde_json::Value;
use std::sync::Arc;

/// Projects that a page names.
const MOST: usize = 500;

/// Longest value of a field that is shown, in characters.
const LONGEST: usize = 20_000;

struct Row {
    field: String,
    source: String,
    target: String,
    differs: bool,
    is_converted: bool,
}

/// What a record lost.
struct Lost {
    field: String,
    detail: String,
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
    is_target: bool,
    said: Vec<String>,
    what: String,
    source_url: Option<String>,
    target_url: Option<String>,
    rows: Vec<Row>,
    losses: Vec<Lost>,
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
    let kinds = ObjectKind::ALL.iter().filter(|it| it.carriage() != Carriage::Git);
    let mut page = ComparePage {
        page: Page::of(&session, format!("Compare, job {id}"), "jobs"),
        head: Head::of(&service, &job, "compare"),
        projects: projects.into_iter().take(MOST).map(|it| it.source).collect(),
        kinds: kinds.map(|it| (it.name(), words::kind(it.name()))).collect(),
        project: text("project"),
        kind: asked.text("kind").unwrap_or_else(|| ObjectKind::Issue.name().to_owned()),
        id: text("id"),
        is_target: text("side") == "destination",
        said: Vec::new(),
        what: String::new(),
        source_url: None,
        target_url: None,
        rows: Vec::new(),
        losses: Vec::new(),
    };
    if !page.id.is_empty() {
        let compared = match One::of(&asked) {
            Ok(one) => compare(&service, &found, &one).await,
            Err(problem) => Err(problem),
        };
        match compared {
            Ok(compared) => page.tell(compared),
            Err(problem) => page.said.push(sentence(problem.detail())),
        }
    }
    Ok(send(&page))
}

impl ComparePage {
    fn tell(&mut self, it: Comparison) {
        self.what = format!("{}, {}#{}", words::kind(&it.kind), self.project, self.id);
        self.said.push(standing(it.standing).to_owned());
        self.said.extend(it.failure.map(|why| sentence(&format!("it did not arrive: {why}"))));
        (self.source_url, self.target_url) = (it.source_url, it.target_url);
        self.rows = it.fields.into_iter().map(row).collect();
        self.rows.retain(|it| !(it.source.is_empty() && it.target.is_empty()));
        let losses = it.losses.into_iter();
        self.losses = losses.map(|it| Lost { field: it.field, detail: it.detail }).collect();
    }
}

/// Where a record is, for people.
const fn standing(it: Standing) -> &'static str {
    match it {
        Standing::AsItShould => "The destination has what was to be written there.",
        Standing::Differs => "The destination does not have what was to be written there.",
        Standing::OnlyAtSource => {
            "The destination does not have it: it did not arrive, or somebody removed it since."
        }
        Standing::OnlyAtDestination => "The source has no such record any more.",
        Standing::Nowhere => {
            "The source has no such record, and neither has the destination. An id is what the \
             side that is chosen calls it."
        }
        Standing::Unknown => {
            "It did not come up in the time that a page may take: hosts list records, and cannot \
             be asked for one."
        }
    }
}

fn row(it: ComparedField) -> Row {
    Row {
        source: shown(&it.source),
        target: shown(&it.target),
        differs: it.state == FieldState::Differs,
        is_converted: it.state == FieldState::Converted,
        field: it.name,
    }
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
