//! In whose name things are made.
//!
//! A token with the scope `sudo` acts in the name of authors; the server then dates what is made by
//! itself, for the author may not. A token without it signs everything, and dates it where its owner
//! may. What a token cannot do, a line in the text says.

use super::{GitlabSink, Task};
use crate::gitlab::{
    api::{Path, is_closed},
    call::Change,
    ours,
};
use packhorse_core::{HostError, HostErrorKind, model::Identity};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Something that somebody wrote, and the field that holds what they wrote.
#[derive(Clone, Copy)]
pub(super) struct Signed<'a> {
    pub(super) author: Option<&'a Identity>,
    /// Field of the text, where a line can stand.
    pub(super) field: &'static str,
    pub(super) operation: &'static str,
}

/// A body with a line above its text.
fn under(body: &Value, field: &str, line: &str) -> Value {
    let mut body = body.clone();
    let text = body[field].as_str().unwrap_or_default();
    body[field] = ours::under(line, text).into();
    body
}

fn read<T: DeserializeOwned>(value: Value, operation: &'static str) -> Result<T, HostError> {
    serde_json::from_value(value)
        .map_err(|error| HostError::new(HostErrorKind::Protocol, operation).because(error))
}

impl GitlabSink {
    /// Whether somebody is the token's owner.
    pub(super) async fn is_me(&self, who: Option<&Identity>) -> Result<bool, HostError> {
        let Some(who) = who else { return Ok(false) };
        let me = self.me().await?;
        let is_here = who.host.as_deref().is_none_or(|it| it.eq_ignore_ascii_case(self.host()));
        Ok(is_here && who.login.eq_ignore_ascii_case(&me.login))
    }

    /// The account in whose name something can be done that is not the token's owner's.
    pub(super) async fn name_of<'a>(
        &self,
        author: Option<&'a Identity>,
    ) -> Result<Option<&'a str>, HostError> {
        let Some(author) = author else { return Ok(None) };
        let may = self.me().await?.has_sudo
            && !self.is_me(Some(author)).await?
            && self.account(author).await?.is_some();
        Ok(may.then_some(author.login.as_str()))
    }

    /// A line that says whose a text is, where the token would sign for its author.
    async fn line(
        &self,
        task: &mut Task<'_>,
        author: Option<&Identity>,
    ) -> Result<Option<String>, HostError> {
        let Some(author) = author else { return Ok(None) };
        if !self.me().await?.has_sudo || self.is_me(Some(author)).await? {
            // It is said above the text already, or it is true.
            return Ok(None);
        }
        task.lose("author", "could not write it here; a line above the text says who it was");
        Ok(Some(ours::written_by(&author.login)))
    }

    /// Makes something, in its author's name where that can be; and whether it is.
    ///
    /// What is refused in somebody's name, who may have no access, is made in the token's.
    pub(super) async fn make_signed<T: DeserializeOwned>(
        &self,
        task: &mut Task<'_>,
        path: Path<'_>,
        (signed, body): (Signed<'_>, &Value),
    ) -> Result<(T, bool), HostError> {
        let change = Change::new(path, signed.operation);
        if let Some(login) = self.name_of(signed.author).await? {
            match self.api.post(change.in_name_of(Some(login)), body).await {
                Err(error) if is_closed(error.kind) => {}
                other => return other.map(|it| (it, true)),
            }
        }
        let made = match self.line(task, signed.author).await? {
            Some(line) => self.api.post(change, &under(body, signed.field, &line)).await?,
            None => self.api.post(change, body).await?,
        };
        Ok((made, false))
    }

    /// Changes something that was made so; what is not its author's keeps the line that says so.
    pub(super) async fn change_signed<T: DeserializeOwned>(
        &self,
        task: &mut Task<'_>,
        path: Path<'_>,
        (signed, body): (Signed<'_>, &Value),
    ) -> Result<T, HostError> {
        let change = Change::new(path, signed.operation);
        let now: Value = self.api.put(change, body).await?;
        let is_theirs = signed.author.is_none_or(|author| {
            let login = now["author"]["username"].as_str();
            login.is_none_or(|it| it.eq_ignore_ascii_case(&author.login))
        });
        if !is_theirs && let Some(line) = self.line(task, signed.author).await? {
            let body =
                serde_json::json!({ signed.field: under(body, signed.field, &line)[signed.field] });
            return self.api.put(change, &body).await;
        }
        read(now, signed.operation)
    }

    /// When something was made, as a token may say that dates it.
    pub(super) async fn date(
        &self,
        task: &mut Task<'_>,
        (field, at): (&'static str, Option<packhorse_core::model::Time>),
        body: &mut Value,
    ) -> Result<(), HostError> {
        if self.me().await?.may_backdate
            && let Some(at) = task.moment(field, at)
        {
            body["created_at"] = at.into();
        }
        Ok(())
    }
}
