//! Archived, locked, pinned.

use super::{
    GithubSink, Order, Path, Told,
    account::{refused, words},
    talk::numbered,
    wire,
};
use crate::github::map::issue;
use http::Method;
use packhorse_core::{
    HostError,
    model::{State, StateValue, Subject},
    port::Written,
};
use serde_json::{Value, json};

/// GitHub's words for why something is locked.
const REASONS: [&str; 4] = ["off-topic", "too heated", "resolved", "spam"];

impl GithubSink {
    pub(super) async fn state(
        &self,
        order: Order<'_>,
        state: &State,
    ) -> Result<Written, HostError> {
        let (told, subject) = (Told::default(), &state.subject);
        match (&state.value, numbered(subject)) {
            (StateValue::Archived, _) if *subject == Subject::Project => {
                self.round_off(order.path).await?;
                self.archive(order.path, true).await?;
                Ok(told.done("project/archived", order.existing))
            }
            (StateValue::Locked(reason), Some(number)) => {
                self.lock(order, number, reason.as_deref(), told, subject).await
            }
            (StateValue::Pinned(_), Some(number)) if matches!(subject, Subject::Issue(_)) => {
                self.pin(order, number, told).await
            }
            (StateValue::Archived | StateValue::Locked(_) | StateValue::Pinned(_), _) => {
                Ok(told.dropped("GitHub has no such state of such a thing"))
            }
        }
    }

    pub(super) async fn archive(&self, path: Path<'_>, archived: bool) -> Result<(), HostError> {
        let body = json!({"archived": archived});
        let below = path.below(&[]);
        self.api.tell(Method::PATCH, &below, &body, "archive a project").await.map(drop)
    }

    async fn lock(
        &self,
        order: Order<'_>,
        number: u64,
        reason: Option<&str>,
        mut told: Told,
        subject: &Subject,
    ) -> Result<Written, HostError> {
        let reason = reason.map(|it| it.to_lowercase().replace('_', " "));
        let reason = reason.map(|it| if it == "off topic" { REASONS[0].to_owned() } else { it });
        let known = reason.as_ref().filter(|it| REASONS.contains(&it.as_str()));
        if reason.is_some() && known.is_none() {
            told.lost("value", "GitHub has no such reason");
        }
        let body = known.map_or_else(|| json!({}), |it| json!({"lock_reason": it}));
        let number = number.to_string();
        let path = order.path.below(&["issues", &number, "lock"]);
        self.api.tell(Method::PUT, &path, &body, "lock an issue").await?;
        let (id, _) = issue::state(subject, StateValue::Locked(None));
        Ok(told.done(id, order.existing))
    }

    async fn pin(&self, order: Order<'_>, number: u64, told: Told) -> Result<Written, HostError> {
        let Some(id) = self.node(order.path, number).await? else {
            return Ok(told.missed("the issue is not here"));
        };
        let text = "mutation($id: ID!) { pinIssue(input: {issueId: $id}) { clientMutationId } }";
        let pinned: Result<Value, _> =
            self.api.mutate(text, json!({"id": id}), "pin an issue").await;
        match pinned {
            Err(error) if refused(error.kind) && order.existing.is_none() => {
                Ok(told.dropped(format!("{} (three at most)", words(&error))))
            }
            Err(error) if !refused(error.kind) => Err(error),
            Ok(_) | Err(_) => Ok(told.done(format!("issue/{number}/pinned"), order.existing)),
        }
    }

    /// The GraphQL id of an issue.
    pub(super) async fn node(
        &self,
        path: Path<'_>,
        number: u64,
    ) -> Result<Option<String>, HostError> {
        let number = number.to_string();
        let below = path.below(&["issues", &number]);
        let found: Option<wire::Issue> = self.api.find(&below, "look for an issue").await?;
        Ok(found.and_then(|it| it.node_id))
    }
}
