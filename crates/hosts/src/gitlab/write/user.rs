//! Accounts of people.

use super::{Done, GitlabSink, Task, odd};
use crate::gitlab::{call::Change, wire};
use packhorse_core::{HostError, HostErrorKind, model::User, port::Outcome};
use serde_json::{Value, json};

/// What stands for an address that nobody gave: nothing is ever sent there.
///
/// Source: RFC 2606, `invalid`.
const NOWHERE: &str = "packhorse.invalid";

/// Whether a text can be the name of an account.
///
/// Source: GitLab, "User account creation", "Limitations on usernames".
fn is_login(text: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    let ends_well = !text.ends_with('.') && !text.ends_with(".git") && !text.ends_with(".atom");
    (1..=255).contains(&text.len())
        && text.bytes().all(is_plain)
        && !text.starts_with(['-', '.'])
        && ends_well
}

impl GitlabSink {
    /// An account, without rights on the server and with a password that nobody knows.
    pub(super) async fn user(&self, task: &mut Task<'_>, it: &User) -> Done {
        let login = it.identity.login.clone();
        if !is_login(&login) {
            return task.drop("the server takes no account of that name");
        }
        if task.existing.is_some() {
            if let Some(id) = self.account_called(&login).await? {
                self.describe(task, id, it).await?;
            }
            return Ok((login, Outcome::Updated));
        }
        if self.account_called(&login).await?.is_some() {
            // Whose it is says what stands there.
            task.lose("identity.name", "the account was there already, and stays as it is");
            return Ok((login, Outcome::Adopted));
        }
        self.make_user(task, it).await?;
        Ok((login, Outcome::Created))
    }

    async fn make_user(&self, task: &mut Task<'_>, it: &User) -> Result<(), HostError> {
        let operation = "make an account";
        let login = it.identity.login.as_str();
        let primary = it.emails.iter().find(|it| it.primary).or(it.emails.first());
        let email = primary.map(|it| it.address.clone()).or_else(|| it.identity.email.clone());
        let nowhere = format!("{login}@{NOWHERE}");
        let mut body = profile(task, it);
        body["username"] = login.into();
        body["email"] = email.as_ref().unwrap_or(&nowhere).clone().into();
        body["force_random_password"] = true.into();
        body["skip_confirmation"] = true.into();
        let change = Change::new(&["users"], operation);
        let made: wire::User = match self.api.post(change, &body).await {
            // Somebody else has that address, or it is none.
            Err(error) if email.is_some() && super::said::is_refusal(error.kind) => {
                body["email"] = nowhere.into();
                task.lose("emails", "is another account's address, or none that the server takes");
                self.api.post(change, &body).await?
            }
            other => other?,
        };
        if email.is_none() {
            task.lose("emails", "the server wants an address, and got one that leads nowhere");
        }
        if it.is_admin {
            task.lose("is_admin", "nobody becomes an administrator by being carried");
        }
        let id = made.id.ok_or_else(|| odd(operation))?;
        self.remember_account(login, id);
        self.block(id, it).await
    }

    /// What an account says of itself.
    async fn describe(&self, task: &mut Task<'_>, id: u64, it: &User) -> Result<(), HostError> {
        let key = id.to_string();
        let path = ["users", key.as_str()];
        let body = profile(task, it);
        self.api.put::<Value>(Change::new(&path, "describe an account"), &body).await?;
        self.block(id, it).await
    }

    /// Keeps out whom the source keeps out.
    async fn block(&self, id: u64, it: &User) -> Result<(), HostError> {
        if !it.is_blocked {
            return Ok(());
        }
        let key = id.to_string();
        let path = ["users", key.as_str(), "block"];
        match self.api.act(Change::new(&path, "block an account"), &json!({})).await {
            // It is blocked already.
            Err(error) if error.kind == HostErrorKind::Forbidden => Ok(()),
            other => other,
        }
    }
}

/// The fields of an account that anybody sees.
fn profile(task: &mut Task<'_>, it: &User) -> Value {
    let login = it.identity.login.as_str();
    let name = it.identity.name.as_deref().filter(|it| !it.trim().is_empty()).unwrap_or(login);
    if name.chars().count() > 255 {
        task.lose("identity.name", "was cut to what the server takes");
    }
    json!({
        "name": name.chars().take(255).collect::<String>(),
        "bio": it.bio.clone().unwrap_or_default(),
        "location": it.location.clone().unwrap_or_default(),
        "website_url": it.website.clone().unwrap_or_default(),
        "organization": it.company.clone().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_accounts_are_those_that_the_server_takes() {
        for name in ["alice", "a", "a.b-c_1"] {
            assert!(is_login(name), "{name}");
        }
        for name in ["", "-a", ".a", "a.", "a.git", "a b", "a/b", "\u{e4}"] {
            assert!(!is_login(name), "{name}");
        }
    }
}
