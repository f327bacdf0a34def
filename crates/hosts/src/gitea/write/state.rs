//! Archived, locked, pinned.

use super::{Done, GiteaSink, Path, Task, change::is_refusal};
use crate::gitea::{call::Change, map::issue::key};
use packhorse_core::{
    HostError, Scope,
    model::{State, StateValue, Subject},
};
use serde_json::json;

impl GiteaSink {
    pub(super) async fn state(&self, path: Path<'_>, task: &mut Task<'_>, state: &State) -> Done {
        match (task.subject(&state.subject), &state.value) {
            (Some(Subject::Project), StateValue::Archived) => {
                if !self.server().await?.since(8) {
                    return task.drop("this version of the server archives nothing");
                }
                self.archive(path, true).await?;
                Ok(("archived".to_owned(), task.outcome()))
            }
            (
                Some(subject @ (Subject::Issue(_) | Subject::ChangeRequest(_))),
                StateValue::Locked(reason),
            ) => self.lock(path, task, (&subject, reason.as_deref())).await,
            (
                Some(subject @ (Subject::Issue(_) | Subject::ChangeRequest(_))),
                StateValue::Pinned(place),
            ) => self.pin(path, task, (&subject, *place)).await,
            _ => task.drop("the server has no such state"),
        }
    }

    pub(super) async fn archive(&self, path: Path<'_>, yes: bool) -> Result<(), HostError> {
        let below = path.below(&[]);
        let change = Change::new(&below, "archive a project");
        self.api.patch(change, &json!({ "archived": yes })).await
    }

    async fn lock(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        (subject, reason): (&Subject, Option<&str>),
    ) -> Done {
        let number = key(subject);
        if reason.is_some() {
            task.lose("value", "the server does not tell the reason again");
        }
        let below = path.below(&["issues", &number, "lock"]);
        let change = Change::new(&below, "lock an issue");
        let body = json!({ "lock_reason": reason.unwrap_or_default() });
        let done = self.api.put(change, Some(&body)).await;
        match done {
            Err(error) if is_refusal(error.kind) => {
                task.drop("this version of the server locks nothing over its API")
            }
            Err(error) => Err(error),
            Ok(()) => Ok((format!("{number}/locked"), task.outcome())),
        }
    }

    async fn pin(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        (subject, place): (&Subject, Option<u64>),
    ) -> Done {
        let number = key(subject);
        let id = format!("{number}/pinned");
        let below = path.below(&["issues", &number, "pin"]);
        let change = Change::new(&below, "pin an issue");
        let nothing = json!({});
        if task.existing.is_none() {
            match self.api.act(change, &nothing).await {
                Err(error) if is_refusal(error.kind) => {
                    return task.drop("the server pins no more, or none at all");
                }
                other => other?,
            }
        }
        let Some(place) = place else { return Ok((id, task.outcome())) };
        let (text, operation) = (place.to_string(), "move a pinned issue");
        let below = path.below(&["issues", &number, "pin", &text]);
        let change = Change::new(&below, operation);
        match self.api.patch(change, &nothing).await {
            Err(error) if is_refusal(error.kind) => {
                task.lose("value", "the server gave it another place");
            }
            other => other?,
        }
        Ok((id, task.outcome()))
    }

    /// Whether a scope is a project that takes no changes.
    pub(super) async fn is_archived(&self, scope: &Scope) -> Result<bool, HostError> {
        if *scope == Scope::Shared {
            return Ok(false);
        }
        Ok(self.source.repository(self.path(scope)?).await?.archived == Some(true))
    }
}
