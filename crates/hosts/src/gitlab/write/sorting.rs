//! What issues and change requests are sorted by: labels and milestones, a project's own and those
//! of the group that it is in.

use super::{Done, GitlabSink, Task, below, known, odd, project::split, said::is_refusal};
use crate::gitlab::{
    api::Path,
    call::Change,
    map::{GROUP_MILESTONES, milestone_number},
    wire,
};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{Identity, Label, Milestone, OpenState, Time},
    port::Outcome,
};
use serde_json::{Map, Value, json};

/// The colour of a label that has none.
const NO_COLOR: &str = "#6699cc";

/// A label's name as the server takes it: a comma stands between names.
pub(super) fn label_name(name: &str) -> String {
    name.replace(',', ";")
}

pub(super) fn day(at: Option<Time>) -> Option<String> {
    at.map(|it| it.instant().strftime("%Y-%m-%d").to_string())
}

/// What issues and change requests are sorted by.
pub(super) struct Sorted<'a> {
    pub(super) labels: &'a [String],
    pub(super) milestone: Option<u64>,
    pub(super) assignees: &'a [Identity],
}

impl GitlabSink {
    pub(super) async fn label(&self, path: &str, task: &mut Task<'_>, it: &Label) -> Done {
        let name = label_name(&task.title(&it.name));
        if name != it.name {
            task.lose("name", "holds a comma, which the server keeps for itself");
        }
        let color = it.color.as_ref().map_or(NO_COLOR.to_owned(), |it| format!("#{it}"));
        let description = it.description.as_ref().map(|it| task.plain("description", it.as_str()));
        let mut body = json!({ "name": name, "color": color, "description": description });
        if let Some(priority) = it.priority {
            body["priority"] = priority.into();
        }
        if let Some(id) = task.id() {
            self.change_label(path, id, body).await?;
            return Ok((name, Outcome::Updated));
        }
        if it.inherited {
            let found = self.label_called(path, &name).await?;
            if found.is_some_and(|it| it.is_project_label == Some(false)) {
                return Ok((name, Outcome::Adopted));
            }
            let mut shared = body.clone();
            if let Some(fields) = shared.as_object_mut() {
                // A priority is a project's own.
                fields.remove("priority");
            }
            if self.make_above::<wire::Label>(path, "labels", &shared).await?.is_some() {
                return Ok((name, Outcome::Created));
            }
            task.lose("inherited", "it was made in the project: the group above takes none");
        }
        let below = below(path, &["labels"]);
        let made: Result<wire::Label, _> =
            self.api.post(Change::new(&below, "make a label"), &body).await;
        match made {
            Ok(_) => Ok((name, Outcome::Created)),
            // The group above, or whoever was quicker, has one of that name.
            Err(error) if error.kind == HostErrorKind::Conflict => {
                self.change_label(path, &name, body).await?;
                Ok((name, Outcome::Adopted))
            }
            Err(error) => Err(error),
        }
    }

    /// Makes a label or a milestone in the group that a project is in; `None` where that takes
    /// none, or where it is not within what the address says.
    async fn make_above<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        list: &'static str,
        body: &Value,
    ) -> Result<Option<T>, HostError> {
        let Some(group) = split(path).0.filter(|it| self.is_within(it)) else { return Ok(None) };
        let change_path = ["groups", group, list];
        let change = Change::new(&change_path, "share something with the projects of a group");
        match self.api.post(change, body).await {
            // Somebody's own projects are in no group; or the token has no say in it.
            Err(error) if is_refusal(error.kind) => Ok(None),
            other => other.map(Some),
        }
    }

    async fn change_label(&self, path: &str, id: &str, mut body: Value) -> Result<(), HostError> {
        if body["name"] != *id {
            body["new_name"] = body["name"].take();
        }
        if let Some(fields) = body.as_object_mut() {
            fields.remove("name");
        }
        let below = below(path, &["labels", id]);
        let change = Change::new(&below, "change a label");
        match self.api.put::<wire::Label>(change, &body).await {
            // A label of the group above is not the project's to change.
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    pub(super) async fn label_called(
        &self,
        path: &str,
        name: &str,
    ) -> Result<Option<wire::Label>, HostError> {
        let query = [("include_ancestor_groups", "true")];
        self.api.find(&below(path, &["labels", name]), &query, "look for a label").await
    }

    pub(super) async fn milestone(&self, path: &str, task: &mut Task<'_>, it: &Milestone) -> Done {
        let title = task.title(&it.title);
        let text = task.text("description", it.description.as_ref());
        let body = json!({"title": title, "description": text, "start_date": day(it.start_at),
            "due_date": day(it.due_at)});
        let existing = match task.id() {
            Some(id) => self.milestone_numbered(path, id).await?,
            None => None,
        };
        if let Some(found) = existing {
            let number = milestone_number(&found).ok_or_else(|| odd("change a milestone"))?;
            let (Some(id), None) = (found.id, found.group_id) else {
                // Its group's, and not the project's to change.
                return Ok((number.to_string(), Outcome::Adopted));
            };
            let id = id.to_string();
            let below = below(path, &["milestones", &id]);
            let change = Change::new(&below, "change a milestone");
            let now: wire::Milestone = self.api.put(change, &body).await?;
            self.known_milestone(path, &now);
            self.settle_milestone(&below, &now, it.state).await?;
            return Ok((number.to_string(), Outcome::Updated));
        }
        if let Some(found) = self.milestone_called(path, &title).await?
            && found.group_id.is_some()
        {
            // The server takes no second one of that name below the group.
            if !it.inherited {
                task.lose("inherited", "the group above has a milestone of that name");
            }
            self.known_milestone(path, &found);
            let number = milestone_number(&found).ok_or_else(|| odd("make a milestone"))?;
            return Ok((number.to_string(), Outcome::Adopted));
        }
        if it.inherited {
            let made: Option<wire::Milestone> = self.make_above(path, "milestones", &body).await?;
            if let (Some(made), Some(group)) = (made, split(path).0) {
                let id = made.id.ok_or_else(|| odd("make a milestone"))?;
                self.known_milestone(path, &made);
                let own = id.to_string();
                let place = ["groups", group, "milestones", own.as_str()];
                self.settle_milestone(&place, &made, it.state).await?;
                return Ok(((GROUP_MILESTONES + id).to_string(), Outcome::Created));
            }
            task.lose("inherited", "it was made in the project: the group above takes none");
        }
        let list = below(path, &["milestones"]);
        let change = Change::new(&list, "make a milestone");
        let made: wire::Milestone = self.api.post(change, &body).await?;
        let (Some(id), Some(number)) = (made.id, made.iid) else {
            return Err(odd("make a milestone"));
        };
        self.known_milestone(path, &made);
        let id = id.to_string();
        self.settle_milestone(&below(path, &["milestones", &id]), &made, it.state).await?;
        Ok((number.to_string(), Outcome::Created))
    }

    /// Closes a milestone, or opens it, where it is not as it should be.
    async fn settle_milestone(
        &self,
        place: Path<'_>,
        now: &wire::Milestone,
        wanted: OpenState,
    ) -> Result<(), HostError> {
        let is_closed = now.state.as_deref() == Some("closed");
        let wants = wanted == OpenState::Closed;
        if is_closed == wants {
            return Ok(());
        }
        let event = json!({ "state_event": if wants { "close" } else { "activate" } });
        let change = Change::new(place, "close a milestone");
        self.api.put::<wire::Milestone>(change, &event).await.map(drop)
    }

    /// Remembers a milestone, so that what it is on need not ask.
    pub(super) fn known_milestone(&self, path: &str, it: &wire::Milestone) {
        let (Some(number), Some(id)) = (milestone_number(it), it.id) else { return };
        let title = it.title.clone().unwrap_or_default();
        self.known
            .of(path, |known| known.milestones.insert(number, known::Milestone { id, title }));
    }

    pub(super) async fn milestone_called(
        &self,
        path: &str,
        title: &str,
    ) -> Result<Option<wire::Milestone>, HostError> {
        // Versions before 16 know the older word alone.
        let query = [
            ("title", title),
            ("include_ancestors", "true"),
            ("include_parent_milestones", "true"),
        ];
        let list = below(path, &["milestones"]);
        let found: Vec<wire::Milestone> =
            self.api.select(&list, &query, "look for a milestone").await?;
        Ok(found.into_iter().find(|it| it.title.as_deref() == Some(title)))
    }

    /// A milestone by its number, where those of the group are above [`GROUP_MILESTONES`].
    pub(super) async fn milestone_numbered(
        &self,
        path: &str,
        number: &str,
    ) -> Result<Option<wire::Milestone>, HostError> {
        let operation = "look for a milestone";
        let of_group = number.parse::<u64>().ok().and_then(|it| it.checked_sub(GROUP_MILESTONES));
        if let (Some(id), Some(group)) = (of_group, split(path).0) {
            let id = id.to_string();
            return self.api.find(&["groups", group, "milestones", &id], &[], operation).await;
        }
        let query = [("iids[]", number)];
        let found: Vec<wire::Milestone> =
            self.api.select(&below(path, &["milestones"]), &query, operation).await?;
        Ok(found.into_iter().find(|it| it.iid.is_some_and(|it| it.to_string() == number)))
    }

    /// What names the milestone of that number besides it.
    pub(super) async fn milestone_of(
        &self,
        path: &str,
        number: u64,
    ) -> Result<Option<known::Milestone>, HostError> {
        let look = || self.known.of(path, |it| it.milestones.get(&number).cloned());
        if let Some(known) = look() {
            return Ok(Some(known));
        }
        if let Some(found) = self.milestone_numbered(path, &number.to_string()).await? {
            self.known_milestone(path, &found);
        }
        Ok(look())
    }

    /// The fields that issues and change requests share.
    pub(super) async fn sorting(
        &self,
        path: &str,
        task: &mut Task<'_>,
        it: Sorted<'_>,
    ) -> Result<Map<String, Value>, HostError> {
        let mut body = Map::new();
        let labels: Vec<String> = it.labels.iter().map(|it| label_name(it)).collect();
        body.insert("labels".into(), labels.join(",").into());
        let assignees = self.ids(task, "assignees", it.assignees.iter()).await?;
        body.insert("assignee_ids".into(), assignees.into());
        let milestone = match it.milestone {
            Some(number) => self.milestone_of(path, number).await?.map(|it| it.id),
            None => None,
        };
        if it.milestone.is_some() && milestone.is_none() {
            task.lose("milestone", "it is not here");
        }
        // Zero takes one away.
        let is_new = task.existing.is_none();
        let milestone = milestone.or((!is_new).then_some(0));
        body.extend(milestone.map(|it| ("milestone_id".to_owned(), it.into())));
        Ok(body)
    }
}
