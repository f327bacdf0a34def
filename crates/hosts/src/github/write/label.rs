//! What issues are sorted by.

use super::{
    GithubSink, Order, Told,
    account::{refused, words},
    text::moment,
    unnumbered, wire,
};
use http::Method;
use packhorse_core::{
    HostError,
    model::{Label, Milestone, OpenState},
    port::{Outcome, Written},
};
use serde_json::{Value, json};

/// Colour of a label that has none.
const GREY: &str = "ededed";

/// GitHub's word for a state.
pub(super) fn word(state: OpenState) -> &'static str {
    match state {
        OpenState::Open => "open",
        OpenState::Closed => "closed",
    }
}

impl GithubSink {
    pub(super) async fn label(
        &self,
        order: Order<'_>,
        label: &Label,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "write a label");
        let name = told.plain("name", &label.name);
        if name.trim().is_empty() {
            return Ok(told.dropped("a label has a name there"));
        }
        let color = label.color.as_deref().unwrap_or(GREY);
        let description = label.description.as_ref().map_or("", |it| it.as_str());
        let description = told.plain("description", description);
        if label.inherited {
            told.lost("inherited", "became a label of the project");
        }
        let update = json!({"new_name": name, "color": color, "description": description});
        let below = |name| order.path.below(&["labels", name]);
        if let Some(existing) = order.existing {
            let path = below(&existing.0);
            let made: wire::Label = self.api.send(Method::PATCH, &path, &update, operation).await?;
            return Ok(told.done(made.name.unwrap_or(name), order.existing));
        }
        let body = json!({"name": name, "color": color, "description": description});
        let path = order.path.below(&["labels"]);
        let made: Result<wire::Label, _> =
            self.api.send(Method::POST, &path, &body, operation).await;
        let error = match made {
            Ok(made) => return Ok(told.done(made.name.unwrap_or(name), None)),
            Err(error) if refused(error.kind) => error,
            Err(error) => return Err(error),
        };
        // New projects have labels already, and names that differ in case alone are the same.
        let found: Option<wire::Label> = self.api.find(&below(&name), operation).await?;
        let Some(found) = found.and_then(|it| it.name) else {
            return Ok(told.missed(words(&error)));
        };
        if found != name {
            told.lost("name", format!("`{found}` is there, and differs in case alone"));
            return Ok(told.written(found, Outcome::Adopted));
        }
        self.api.tell(Method::PATCH, &below(&found), &update, operation).await?;
        Ok(told.written(found, Outcome::Adopted))
    }

    pub(super) async fn milestone(
        &self,
        order: Order<'_>,
        milestone: &Milestone,
    ) -> Result<Written, HostError> {
        let (mut told, operation) = (Told::default(), "write a milestone");
        let title = told.title(&milestone.title);
        let description = milestone.description.as_ref().map_or("", |it| it.as_str());
        let description = told.plain("description", description);
        let due = milestone.due_at.and_then(moment);
        if due.is_none() && milestone.due_at.is_some() {
            told.lost("due_at", "GitHub begins in 1970");
        }
        if milestone.inherited {
            told.lost("inherited", "became a milestone of the project");
        }
        let mut body = json!({"title": title, "state": word(milestone.state),
            "description": description});
        set(&mut body, "due_on", due.clone().map(Value::from));
        if let Some(existing) = order.existing {
            self.change_milestone(order, &existing.0, (&body, due), &mut told).await?;
            return Ok(told.done(&existing.0, order.existing));
        }
        let below = order.path.below(&["milestones"]);
        let made: Result<wire::Milestone, _> =
            self.api.send(Method::POST, &below, &body, operation).await;
        match made {
            Err(error) if refused(error.kind) => {
                let Some(number) = self.milestone_called(order, &title).await? else {
                    return Ok(told.missed(words(&error)));
                };
                self.change_milestone(order, &number, (&body, due), &mut told).await?;
                Ok(told.written(number, Outcome::Adopted))
            }
            other => {
                let number = other?.number.ok_or_else(|| unnumbered(operation))?;
                Ok(told.done(number, None))
            }
        }
    }

    async fn change_milestone(
        &self,
        order: Order<'_>,
        number: &str,
        (body, due): (&Value, Option<String>),
        told: &mut Told,
    ) -> Result<(), HostError> {
        let below = order.path.below(&["milestones", number]);
        let made: wire::Milestone =
            self.api.send(Method::PATCH, &below, body, "change a milestone").await?;
        if due.is_none() && made.due_on.is_some() {
            told.lost("due_at", "GitHub keeps an end that it was told once");
        }
        Ok(())
    }

    /// The number of the milestone of that title.
    pub(super) async fn milestone_called(
        &self,
        order: Order<'_>,
        title: &str,
    ) -> Result<Option<String>, HostError> {
        let what = (&*order.path.below(&["milestones"]), &[("state", "all")][..]);
        let is_it = |it: &wire::Milestone| it.title.as_deref() == Some(title);
        let found = self.first(what, is_it).await?.and_then(|it| it.number);
        Ok(found.map(|it| it.to_string()))
    }
}

/// Sets a field that has a value.
pub(super) fn set(body: &mut Value, field: &str, value: Option<Value>) {
    if let (Value::Object(map), Some(value)) = (body, value) {
        map.insert(field.to_owned(), value);
    }
}
