//! Issues, snippets and boards.

use super::{
    Done, GitlabSink, Task, below, odd,
    project::visibility,
    signed::Signed,
    sorting::{Sorted, day, label_name},
};
use crate::gitlab::{
    api::{Listing, is_closed},
    call::Change,
    map, wire,
};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{Board, Issue, OpenState, Snippet, Time, Visibility},
    port::Outcome,
};
use serde_json::{Map, Value, json};

/// Whether the server took a date, of which it keeps milliseconds.
fn is_near(told: Option<Time>, asked: Option<Time>) -> bool {
    let (Some(told), Some(asked)) = (told, asked) else { return true };
    told.instant().as_second().abs_diff(asked.instant().as_second()) <= 1
}

impl GitlabSink {
    pub(super) async fn issue(&self, path: &str, task: &mut Task<'_>, it: &Issue) -> Done {
        let sorted =
            Sorted { labels: &it.labels, milestone: it.milestone, assignees: &it.assignees };
        let mut body = self.sorting(path, task, sorted).await?;
        body.insert("title".into(), task.title(&it.title).into());
        body.insert("description".into(), task.body(it.body.as_ref()).into());
        body.insert("confidential".into(), it.confidential.into());
        body.insert("due_date".into(), day(it.due_at).into());
        body.extend(it.weight.map(|it| ("weight".to_owned(), it.into())));
        let sort = it.issue_type.as_deref().unwrap_or("issue");
        let is_known = matches!(sort, "issue" | "incident" | "test_case" | "task");
        if is_known {
            body.insert("issue_type".into(), sort.into());
        } else {
            task.lose("issue_type", format!("the server knows no issues of the sort `{sort}`"));
        }
        if it.state_reason.is_some() {
            task.lose("state_reason", "the server does not hold why an issue is closed");
        }
        let signed = Signed {
            author: it.author.as_ref(),
            field: "description",
            operation: "write an issue",
        };
        let (made, outcome) = match task.id().map(str::to_owned) {
            Some(id) => {
                let below = below(path, &["issues", &id]);
                let body = Value::Object(body);
                let now: wire::Issue = self.change_signed(task, &below, (signed, &body)).await?;
                (now, Outcome::Updated)
            }
            None => (self.new_issue(path, task, it, (signed, body)).await?, Outcome::Created),
        };
        let number = made.iid.ok_or_else(|| odd("make an issue"))?.to_string();
        if it.weight.is_some() && made.weight.is_none() {
            task.lose("weight", "the server's edition has no weights");
        }
        let given = made.assignees.as_ref().map_or(0, Vec::len);
        if given < it.assignees.len() && given > 0 {
            task.lose("assignees", "the server's edition assigns an issue to one person");
        }
        self.settle_issue(path, task, (&number, made.state.as_deref()), it).await?;
        Ok((number, outcome))
    }

    /// Closes an issue, or opens it again, where it is not as it should be.
    async fn settle_issue(
        &self,
        path: &str,
        task: &mut Task<'_>,
        (number, now): (&str, Option<&str>),
        it: &Issue,
    ) -> Result<(), HostError> {
        let wants = it.state == OpenState::Closed;
        if (now == Some("closed")) == wants {
            return Ok(());
        }
        let mut body = json!({ "state_event": if wants { "close" } else { "reopen" } });
        let below = below(path, &["issues", number]);
        let change = Change::new(&below, "close an issue");
        if let Some(login) = self.name_of(it.closed_by.as_ref()).await? {
            match self.api.put::<wire::Issue>(change.in_name_of(Some(login)), &body).await {
                Err(error) if is_closed(error.kind) => {}
                other => return other.map(drop),
            }
        }
        if self.me().await?.may_backdate
            && let Some(at) = task.moment("closed_at", it.closed_at.or(it.updated_at))
        {
            body["updated_at"] = at.into();
        }
        self.api.put::<wire::Issue>(change, &body).await.map(drop)
    }

    /// Makes an issue, with its number and its date where the token may give them.
    async fn new_issue(
        &self,
        path: &str,
        task: &mut Task<'_>,
        it: &Issue,
        (signed, mut body): (Signed<'_>, Map<String, Value>),
    ) -> Result<wire::Issue, HostError> {
        let list = below(path, &["issues"]);
        let may = self.me().await?.may_backdate;
        let at = if may { task.moment("created_at", it.created_at) } else { None };
        body.extend(at.map(|it| ("created_at".to_owned(), it.into())));
        if may && it.number > 0 {
            body.insert("iid".into(), it.number.into());
        }
        let mut body = Value::Object(body);
        let made = self.make_signed::<wire::Issue>(task, &list, (signed, &body)).await;
        let (mut made, is_theirs) = match made {
            Err(error) if error.kind == HostErrorKind::Conflict && may => {
                // Somebody else has that number.
                if let Some(fields) = body.as_object_mut() {
                    fields.remove("iid");
                }
                self.make_signed(task, &list, (signed, &body)).await?
            }
            other => other?,
        };
        let number = made.iid.unwrap_or_default();
        if number != it.number {
            task.lose("number", format!("the server gave it the number {number}"));
        }
        if is_theirs && (it.milestone.is_some() || it.labels.len() + it.assignees.len() > 0) {
            // Whose it is may not sort it; the token's owner may.
            let number = number.to_string();
            let one = below(path, &["issues", &number]);
            made = self.api.put(Change::new(&one, "sort an issue"), &body).await?;
        } else if may && !is_near(map::time(made.created_at.as_deref()), it.created_at) {
            let why = "the token's owner does not own this project, and may not date";
            task.lose("created_at", why);
        }
        let number = number.to_string();
        for (word, seconds) in
            [("time_estimate", it.time_estimate), ("add_spent_time", it.time_spent)]
        {
            if let Some(seconds) = seconds.filter(|it| *it > 0) {
                let below = below(path, &["issues", &number, word]);
                let body = json!({ "duration": format!("{seconds}s") });
                self.api.act(Change::new(&below, "note the time of an issue"), &body).await?;
            }
        }
        Ok(made)
    }

    pub(super) async fn snippet(&self, path: &str, task: &mut Task<'_>, it: &Snippet) -> Done {
        if it.files.is_empty() {
            return task.drop("it has no files, and the server takes none without");
        }
        let operation = "write a snippet";
        let text = task.text("description", it.description.as_ref());
        let title = task.title(&it.title);
        let mut seen = visibility(it.visibility);
        if it.visibility == Visibility::Internal && self.api.place.is_public_service() {
            task.lose(
                "visibility",
                "the public service shows nothing to accounts alone; it is private",
            );
            seen = "private";
        }
        let before: Vec<String> = match task.id() {
            Some(id) => {
                let found: wire::Snippet =
                    self.api.get(&below(path, &["snippets", id]), &[], operation).await?;
                let files = found.files.unwrap_or_default();
                files.into_iter().filter_map(|it| it.path).collect()
            }
            None => Vec::new(),
        };
        let is_update = task.existing.is_some();
        let mut files = Vec::new();
        for file in &it.files {
            let mut body = json!({"file_path": file.path,
                "content": task.plain("files", &file.content)});
            if is_update {
                let action = if before.contains(&file.path) { "update" } else { "create" };
                body["action"] = action.into();
            }
            files.push(body);
        }
        for gone in before.iter().filter(|old| !it.files.iter().any(|it| it.path == **old)) {
            files.push(json!({ "action": "delete", "file_path": gone }));
        }
        let body = json!({"title": title, "description": text, "visibility": seen, "files": files});
        if let Some(id) = task.id().map(str::to_owned) {
            let below = below(path, &["snippets", &id]);
            let signed = Signed { author: it.author.as_ref(), field: "description", operation };
            self.change_signed::<wire::Snippet>(task, &below, (signed, &body)).await?;
            return Ok((id, Outcome::Updated));
        }
        let below = below(path, &["snippets"]);
        let signed = Signed { author: it.author.as_ref(), field: "description", operation };
        let (made, _) = self.make_signed::<wire::Snippet>(task, &below, (signed, &body)).await?;
        Ok((made.id.ok_or_else(|| odd(operation))?.to_string(), Outcome::Created))
    }

    pub(super) async fn board(&self, path: &str, task: &mut Task<'_>, it: &Board) -> Done {
        let operation = "write a board";
        for (field, is_there) in [
            ("description", it.description.is_some()),
            ("milestone", it.milestone.is_some()),
            ("labels", !it.labels.is_empty()),
        ] {
            if is_there {
                task.lose(field, "what a board shows besides its columns is not set here");
            }
        }
        let body = json!({ "name": task.title(&it.name) });
        let (id, outcome) = match task.id().map(str::to_owned) {
            Some(id) => {
                let path = below(path, &["boards", &id]);
                let _board: wire::Board =
                    self.api.put(Change::new(&path, operation), &body).await?;
                (id, Outcome::Updated)
            }
            None => {
                let path = below(path, &["boards"]);
                let made: wire::Board = self.api.post(Change::new(&path, operation), &body).await?;
                (made.id.ok_or_else(|| odd(operation))?.to_string(), Outcome::Created)
            }
        };
        let lists = below(path, &["boards", &id, "lists"]);
        let listing: Listing<wire::BoardList> = self.api.list(&lists, &[], 1, operation).await?;
        let there: Vec<String> =
            listing.items.into_iter().filter_map(|it| it.label?.name).collect();
        for column in &it.columns {
            let Some(label) = column.label.as_deref().map(label_name) else {
                task.lose("columns", format!("the column `{}` shows no label", column.name));
                continue;
            };
            if !column.issues.is_empty() {
                task.lose(
                    "columns",
                    "a column shows the issues of its label, and holds none itself",
                );
            }
            if there.contains(&label) {
                continue;
            }
            match self.label_called(path, &label).await?.and_then(|it| it.id) {
                Some(label) => {
                    let body = json!({ "label_id": label });
                    self.api.act(Change::new(&lists, operation), &body).await?;
                }
                None => task.lose("columns", format!("there is no label `{label}`")),
            }
        }
        Ok((id, outcome))
    }
}
