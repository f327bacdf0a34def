//! Issues, and what they are sorted by.

use super::{Done, GiteaSink, Path, Task, known::Left, text::moment};
use crate::gitea::{api::Listing, call::Change, server::Product, wire};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{Issue, Label, Milestone, OpenState, Time},
    port::Outcome,
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Colour of a label that has none.
const GREY: &str = "#cccccc";

/// The server's word for a state.
pub(super) fn word(state: OpenState) -> &'static str {
    match state {
        OpenState::Open => "open",
        OpenState::Closed => "closed",
    }
}

/// What issues and change requests have in common beside their texts.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    pub(super) labels: Vec<i64>,
    pub(super) milestone: Option<i64>,
    pub(super) assignees: Vec<String>,
}

impl GiteaSink {
    pub(super) async fn issue(&self, path: Path<'_>, task: &mut Task<'_>, issue: &Issue) -> Done {
        let sorted =
            self.sorted(path, task, (&issue.labels, issue.milestone, &issue.assignees)).await?;
        let due = issue.due_at.and_then(moment);
        let (title, body) = (task.title(&issue.title), task.body(issue.body.as_ref()));
        told_nowhere(task, issue);
        if let Some(existing) = task.existing {
            let number = existing.0.clone();
            let mut body = json!({
                "title": title, "body": body, "state": word(issue.state),
                "assignees": sorted.assignees, "milestone": sorted.milestone.unwrap_or(0),
                "due_date": due, "unset_due_date": due.is_none(),
            });
            self.stamp(&mut body, issue.updated_at).await?;
            let below = path.below(&["issues", &number]);
            self.api.patch(Change::new(&below, "change an issue"), &body).await?;
            self.label_issue(path, &number, &sorted.labels).await?;
            return Ok((number, Outcome::Updated));
        }
        let mut body = json!({
            "title": title, "body": body, "closed": issue.state == OpenState::Closed,
            "assignees": sorted.assignees, "labels": sorted.labels,
        });
        set(&mut body, "milestone", sorted.milestone.map(Value::from));
        set(&mut body, "due_date", due.clone().map(Value::from));
        let below = path.below(&["issues"]);
        let change = Change::new(&below, "make an issue");
        let made: wire::Issue = self.post_signed(change, &body, issue.author.as_ref()).await?;
        let number = made.number.ok_or_else(|| unnumbered("make an issue"))?.to_string();
        let (labels, rest) = rest_of(&made, (sorted, due), issue);
        if labels.is_some() || !rest.is_empty() {
            let left = Left::Issue { labels, rest };
            self.known.of(path, |it| it.begun.insert(number.clone(), left));
        }
        Ok((number, Outcome::Created))
    }

    /// Adds what whoever wrote the issue had no right to add.
    pub(super) async fn complete_issue(
        &self,
        path: Path<'_>,
        number: &str,
        (labels, rest): (Option<&[i64]>, &Map<String, Value>),
        issue: &Issue,
    ) -> Result<(), HostError> {
        if let Some(labels) = labels {
            self.label_issue(path, number, labels).await?;
        }
        if rest.is_empty() {
            return Ok(());
        }
        let mut body = Value::Object(rest.clone());
        self.stamp(&mut body, issue.updated_at).await?;
        let below = path.below(&["issues", number]);
        self.api.patch(Change::new(&below, "complete an issue"), &body).await
    }

    /// Says when something changed last, to a server that listens.
    ///
    /// Source: Forgejo, `modules/structs/issue.go`, `EditIssueOption.Updated`.
    pub(super) async fn stamp(&self, body: &mut Value, at: Option<Time>) -> Result<(), HostError> {
        if self.server().await?.product == Product::Forgejo {
            set(body, "updated_at", at.and_then(moment).map(Value::from));
        }
        Ok(())
    }

    /// Puts an issue's labels in place of those it has.
    pub(super) async fn label_issue(
        &self,
        path: Path<'_>,
        number: &str,
        labels: &[i64],
    ) -> Result<(), HostError> {
        let below = path.below(&["issues", number, "labels"]);
        let change = Change::new(&below, "label an issue");
        self.api.put(change, Some(&json!({ "labels": labels }))).await
    }

    /// What names and numbers of the source are here.
    pub(super) async fn sorted(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        (labels, milestone, assignees): (
            &[String],
            Option<u64>,
            &[packhorse_core::model::Identity],
        ),
    ) -> Result<Sorted, HostError> {
        let mut ids = Vec::new();
        for name in labels {
            match self.label_id(path, name).await? {
                Some(id) if ids.contains(&id) => {}
                Some(id) => ids.push(id),
                None => task.lose("labels", format!("there is no label `{name}`")),
            }
        }
        let milestone = match milestone {
            Some(id) if self.has_milestone(path, id).await? => i64::try_from(id).ok(),
            Some(_) => {
                task.lose("milestone", "the milestone is not there");
                None
            }
            None => None,
        };
        let assignees = self.assignable(path, task, assignees).await?;
        Ok(Sorted { labels: ids, milestone, assignees })
    }

    /// Whether a milestone of that id, by which the server counts, is the project's.
    async fn has_milestone(&self, path: Path<'_>, id: u64) -> Result<bool, HostError> {
        if self.known.of(path, |it| it.milestones.contains(&id)) {
            return Ok(true);
        }
        let text = id.to_string();
        let below = path.below(&["milestones", &text]);
        let found: Option<wire::Milestone> = self.api.find(&below, "look for a milestone").await?;
        if found.is_some() {
            self.known.of(path, |it| it.milestones.insert(id));
        }
        Ok(found.is_some())
    }

    /// The id of a label, as far as this run knows them; they are listed where it knows none.
    ///
    /// What was made behind our back is not among them, which `find` looks for.
    async fn known_label(&self, path: Path<'_>, name: &str) -> Result<Option<i64>, HostError> {
        let known = self.known.of(path, |it| it.labels.as_ref().map(|it| it.get(name).copied()));
        match known {
            Some(known) => Ok(known),
            None => self.label_id(path, name).await,
        }
    }

    /// The id of a label of the project, or of its owner.
    pub(super) async fn label_id(
        &self,
        path: Path<'_>,
        name: &str,
    ) -> Result<Option<i64>, HostError> {
        let known = self.known.of(path, |it| it.labels.as_ref().map(|it| it.get(name).copied()));
        if let Some(Some(known)) = known {
            return Ok(Some(known));
        }
        // One that was made meanwhile may be missing in what is known.
        let mut labels = HashMap::new();
        let (own, owners) = (path.below(&["labels"]), ["orgs", path.owner, "labels"]);
        for below in [owners.as_slice(), own.as_slice()] {
            let mut next = Some(1);
            while let Some(number) = next {
                let found: Result<Listing<wire::Label>, _> =
                    self.api.list(below, &[], number, "look for labels").await;
                let found = match found {
                    // A person owns the project, or the server has no labels above projects.
                    Err(error) if error.kind == HostErrorKind::NotFound => break,
                    other => other?,
                };
                labels.extend(found.items.into_iter().filter_map(|it| Some((it.name?, it.id?))));
                next = found.next;
            }
        }
        let id = labels.get(name).copied();
        self.known.of(path, |it| it.labels = Some(labels));
        Ok(id)
    }

    pub(super) async fn label(&self, path: Path<'_>, task: &mut Task<'_>, label: &Label) -> Done {
        let operation = "make a label";
        let name = task.plain("name", &label.name);
        if name.trim().is_empty() {
            return task.drop("a label has a name there");
        }
        let color = label.color.as_ref().map_or(GREY.to_owned(), |it| format!("#{it}"));
        let description = label.description.as_ref().map(|it| it.as_str().to_owned());
        let body = json!({
            "name": name, "color": color, "description": description.unwrap_or_default(),
            "exclusive": label.exclusive.unwrap_or_default(),
            "is_archived": label.archived.unwrap_or_default(),
        });
        let old = task.existing.map(|it| it.0.clone());
        let there = match &old {
            Some(old) => self.label_id(path, old).await?,
            None => None,
        };
        let there = match there {
            Some(id) => Some(id),
            None => self.known_label(path, &name).await?,
        };
        if label.inherited && there.is_none() && self.is_within(path.owner) {
            let below = ["orgs", path.owner, "labels"];
            let made = self.api.post::<wire::Label>(Change::new(&below, operation), &body).await;
            match made {
                Ok(made) => return Ok(self.labelled(path, name, made.id, Outcome::Created)),
                Err(error)
                    if matches!(error.kind, HostErrorKind::NotFound | HostErrorKind::Forbidden) => {
                }
                Err(error) => return Err(error),
            }
        }
        if label.inherited && there.is_none() {
            task.lose("inherited", "became a label of the project");
        }
        let Some(id) = there else {
            let below = path.below(&["labels"]);
            let made: wire::Label = self.api.post(Change::new(&below, operation), &body).await?;
            return Ok(self.labelled(path, name, made.id, Outcome::Created));
        };
        let text = id.to_string();
        let below = path.below(&["labels", &text]);
        let outcome = if old.is_some() { Outcome::Updated } else { Outcome::Adopted };
        match self.api.patch(Change::new(&below, "change a label"), &body).await {
            // It is the owner's, and stays as it is.
            Err(error) if error.kind == HostErrorKind::NotFound => {
                if !label.inherited {
                    task.lose("*", "the project's owner has a label of that name, which stays");
                }
            }
            other => other?,
        }
        if let Some(old) = old.filter(|it| *it != name) {
            self.known.of(path, |it| it.labels.as_mut().map(|it| it.remove(&old)));
        }
        Ok(self.labelled(path, name, Some(id), outcome))
    }

    fn labelled(
        &self,
        path: Path<'_>,
        name: String,
        id: Option<i64>,
        outcome: Outcome,
    ) -> (String, Outcome) {
        self.known.of(path, |it| {
            it.labels.as_mut().zip(id).map(|(labels, id)| labels.insert(name.clone(), id))
        });
        (name, outcome)
    }

    pub(super) async fn milestone(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        milestone: &Milestone,
    ) -> Done {
        let title = task.title(&milestone.title);
        let description = milestone.description.as_ref().map(|it| it.as_str().to_owned());
        let due = milestone.due_at.and_then(moment);
        let mut body = json!({
            "title": title, "description": description.unwrap_or_default(),
            "state": word(milestone.state),
        });
        set(&mut body, "due_on", due.map(Value::from));
        if milestone.inherited {
            task.lose("inherited", "became a milestone of the project");
        }
        let (id, outcome) = match task.existing {
            Some(existing) => (Some(existing.0.clone()), Outcome::Updated),
            None => (self.find_milestone(path, &title).await?, Outcome::Adopted),
        };
        let (id, outcome) = match id {
            Some(id) => {
                let below = path.below(&["milestones", &id]);
                self.api.patch(Change::new(&below, "change a milestone"), &body).await?;
                (id, outcome)
            }
            None => {
                let below = path.below(&["milestones"]);
                let operation = "make a milestone";
                let made: wire::Milestone =
                    self.api.post(Change::new(&below, operation), &body).await?;
                let id = made.id.ok_or_else(|| unnumbered(operation))?;
                (id.to_string(), Outcome::Created)
            }
        };
        Ok((id, outcome))
    }

    pub(super) async fn find_milestone(
        &self,
        path: Path<'_>,
        title: &str,
    ) -> Result<Option<String>, HostError> {
        let below = path.below(&["milestones"]);
        let mut next = Some(1);
        while let Some(number) = next {
            let query = [("state", "all"), ("name", title)];
            let found: Listing<wire::Milestone> =
                self.api.list(&below, &query, number, "look for a milestone").await?;
            let is_it = |it: &&wire::Milestone| it.title.as_deref() == Some(title);
            if let Some(id) = found.items.iter().find(is_it).and_then(|it| it.id) {
                return Ok(Some(id.to_string()));
            }
            next = found.next;
        }
        Ok(None)
    }
}

/// What of an issue is not there although it was said when it was made: all its labels, and fields.
fn rest_of(
    made: &wire::Issue,
    (sorted, due): (Sorted, Option<String>),
    issue: &Issue,
) -> (Option<Vec<i64>>, Map<String, Value>) {
    let mut rest = Map::new();
    if made.milestone.is_none() {
        rest.extend(sorted.milestone.map(|it| ("milestone".to_owned(), it.into())));
    }
    let n_assigned = made.assignees.as_ref().map_or(0, Vec::len);
    if n_assigned < sorted.assignees.len() {
        rest.insert("assignees".to_owned(), json!(sorted.assignees));
    }
    if made.due_date.is_none() {
        rest.extend(due.map(|it| ("due_date".to_owned(), it.into())));
    }
    if made.state.as_deref() != Some(word(issue.state)) {
        rest.insert("state".to_owned(), word(issue.state).into());
    }
    let n_labels = made.labels.as_ref().map_or(0, Vec::len);
    ((n_labels < sorted.labels.len()).then_some(sorted.labels), rest)
}

/// Sets a field that has a value.
pub(super) fn set(body: &mut Value, field: &str, value: Option<Value>) {
    if let (Value::Object(map), Some(value)) = (body, value) {
        map.insert(field.to_owned(), value);
    }
}

/// An answer that does not say what it made.
pub(super) fn unnumbered(operation: &'static str) -> HostError {
    HostError::new(HostErrorKind::Protocol, operation).with("answer", "it names no id")
}

/// What an issue says that no server of this kind is told.
fn told_nowhere(task: &mut Task<'_>, issue: &Issue) {
    if issue.confidential {
        task.lose("confidential", "everybody who sees the project's issues will see it");
    }
}
