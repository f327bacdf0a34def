//! What builds said of commits.

use super::{Done, GiteaSink, Path, Task, issue::unnumbered};
use crate::gitea::{call::Change, wire};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{CommitState, CommitStatus},
    port::Outcome,
};
use serde_json::{Value, json};

/// The server's word for a state.
fn word(state: CommitState) -> &'static str {
    match state {
        CommitState::Pending | CommitState::Running => "pending",
        CommitState::Success => "success",
        CommitState::Failure => "failure",
        CommitState::Error | CommitState::Cancelled => "error",
        CommitState::Skipped => "warning",
    }
}

impl GiteaSink {
    /// The server takes every word that is said; what was said before stays beside it.
    pub(super) async fn commit_status(
        &self,
        path: Path<'_>,
        task: &mut Task<'_>,
        status: &CommitStatus,
    ) -> Done {
        let state = word(status.state);
        match status.state {
            CommitState::Running | CommitState::Cancelled | CommitState::Skipped => {
                task.lose("state", format!("became `{state}`"));
            }
            CommitState::Pending
            | CommitState::Success
            | CommitState::Failure
            | CommitState::Error => {}
        }
        if task.existing.is_some()
            && let Some(id) = self.find_status(path, status).await?
        {
            // Nothing changes what was said, and nothing is to be said twice.
            return Ok((id, Outcome::Updated));
        }
        let body: Value = json!({
            "state": state, "context": status.context,
            "description": status.description.clone().unwrap_or_default(),
            "target_url": status.target_url.clone().unwrap_or_default(),
        });
        let operation = "say what a build said";
        let below = path.below(&["statuses", &status.commit]);
        let (name, _) = self.name_of(status.author.as_ref()).await?;
        let change = Change::new(&below, operation);
        let mut made: Result<wire::Status, HostError> =
            self.api.post(change.in_name_of(name), &body).await;
        if name.is_some() && made.as_ref().is_err_and(|it| it.kind == HostErrorKind::Forbidden) {
            made = self.api.post(change, &body).await;
        }
        match made {
            Err(error)
                if matches!(error.kind, HostErrorKind::NotFound | HostErrorKind::Rejected) =>
            {
                task.miss("the commit is not there")
            }
            other => {
                let id = other?.id.ok_or_else(|| unnumbered(operation))?;
                Ok((format!("{}/{id}", status.commit), task.outcome()))
            }
        }
    }

    /// What says the same of the same commit.
    pub(super) async fn find_status(
        &self,
        path: Path<'_>,
        status: &CommitStatus,
    ) -> Result<Option<String>, HostError> {
        let below = path.below(&["commits", &status.commit, "statuses"]);
        let found: Result<Vec<wire::Status>, _> =
            self.api.children(&below, "look for what a build said").await;
        let found = match found {
            Err(error)
                if matches!(error.kind, HostErrorKind::NotFound | HostErrorKind::Rejected) =>
            {
                return Ok(None);
            }
            other => other?,
        };
        let is_same = |there: &Option<String>, told: &Option<String>| {
            there.as_deref().unwrap_or_default() == told.as_deref().unwrap_or_default()
        };
        let is_it = |it: &&wire::Status| {
            it.status.as_deref() == Some(word(status.state))
                && it.context.as_deref().unwrap_or_default() == status.context
                && is_same(&it.description, &status.description)
                && is_same(&it.target_url, &status.target_url)
        };
        let id = found.iter().find(is_it).and_then(|it| it.id);
        Ok(id.map(|id| format!("{}/{id}", status.commit)))
    }
}
