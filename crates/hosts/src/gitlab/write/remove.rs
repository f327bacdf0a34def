//! Taking away what was written.

use super::{
    GitlabSink, below,
    review::thread_parts,
    said::{is_refusal, note_parts},
};
use crate::gitlab::{call::Change, wire};
use packhorse_core::{HostError, HostErrorKind, ObjectKind, Origin, Scope, model::Identity};
use serde_json::json;

const OPERATION: &str = "take away what was written";

impl GitlabSink {
    pub(super) async fn take_away(
        &self,
        scope: &Scope,
        origin: &Origin,
        id: &str,
    ) -> Result<(), HostError> {
        if *scope == Scope::Shared {
            if origin.kind == ObjectKind::Organization && self.is_within(id) {
                return self.gone(&["groups", id]).await;
            }
            if origin.kind == ObjectKind::User && self.is_within("") {
                return match self.account_called(id).await? {
                    Some(number) => self.gone(&["users", &number.to_string()]).await,
                    None => Ok(()),
                };
            }
            return match member_parts(id).filter(|_| origin.kind == ObjectKind::Member) {
                Some((path, who)) => self.unseat(&["groups", path], who).await,
                None => Ok(()),
            };
        }
        let path = self.path(scope)?;
        self.take_from(path, origin.kind, id).await
    }

    async fn take_from(&self, path: &str, kind: ObjectKind, id: &str) -> Result<(), HostError> {
        let simple = |list: &'static str| Some(vec![list, id]);
        let parts: Option<Vec<&str>> = match kind {
            ObjectKind::Project => Some(Vec::new()),
            ObjectKind::Label => simple("labels"),
            ObjectKind::Issue => simple("issues"),
            ObjectKind::ChangeRequest => simple("merge_requests"),
            ObjectKind::Snippet => simple("snippets"),
            ObjectKind::Release => simple("releases"),
            ObjectKind::Board => simple("boards"),
            ObjectKind::BranchRule => simple("protected_branches"),
            ObjectKind::TagRule => simple("protected_tags"),
            ObjectKind::Webhook => simple("hooks"),
            ObjectKind::DeployKey => simple("deploy_keys"),
            ObjectKind::Variable => id.split_once('/').map(|(name, _)| vec!["variables", name]),
            ObjectKind::Comment => {
                note_parts(id).map(|[list, key, note]| vec![list, key, "notes", note])
            }
            ObjectKind::ReviewComment => {
                note_parts(id).map(|[key, _, note]| vec!["merge_requests", key, "notes", note])
            }
            ObjectKind::CommitComment => note_parts(id).map(|[commit, discussion, note]| {
                vec!["repository", "commits", commit, "discussions", discussion, "notes", note]
            }),
            ObjectKind::Reaction => reaction_parts(id),
            ObjectKind::ReleaseAsset => {
                id.split_once('/').map(|(link, tag)| vec!["releases", tag, "assets", "links", link])
            }
            ObjectKind::Attachment => {
                id.split_once('/').map(|(secret, name)| vec!["uploads", secret, name])
            }
            ObjectKind::Milestone => return self.remove_milestone(path, id).await,
            ObjectKind::Topic => return self.remove_topic(path, id).await,
            ObjectKind::Member => return self.unseat(&["projects", path], id).await,
            ObjectKind::State => return self.remove_state(path, id).await,
            ObjectKind::Review => return self.remove_approval(path, id).await,
            ObjectKind::ReviewThread => return self.remove_thread(path, id).await,
            // What builds said cannot be taken away; the rest goes with the project.
            ObjectKind::CommitStatus
            | ObjectKind::User
            | ObjectKind::Organization
            | ObjectKind::Team
            | ObjectKind::LfsObject
            | ObjectKind::Repository
            | ObjectKind::Wiki
            | ObjectKind::DiscussionCategory
            | ObjectKind::Discussion
            | ObjectKind::Event => None,
        };
        match parts {
            Some(parts) => self.gone(&below(path, &parts)).await,
            None => Ok(()),
        }
    }

    async fn gone(&self, path: &[&str]) -> Result<(), HostError> {
        match self.api.delete(Change::new(path, OPERATION)).await {
            // Its project is gone already, or it never had a place of its own.
            Err(error) if error.kind == HostErrorKind::Unsupported => Ok(()),
            other => other,
        }
    }

    async fn remove_milestone(&self, path: &str, number: &str) -> Result<(), HostError> {
        let found = match self.milestone_numbered(path, number).await {
            Err(error) if error.kind == HostErrorKind::NotFound => None,
            other => other?,
        };
        match found.and_then(|it| it.id) {
            Some(id) => self.gone(&below(path, &["milestones", &id.to_string()])).await,
            None => Ok(()),
        }
    }

    async fn remove_topic(&self, path: &str, name: &str) -> Result<(), HostError> {
        let _turn = self.topics.lock().await;
        let found: Option<wire::Project> = self.api.find(&below(path, &[]), &[], OPERATION).await?;
        let Some(found) = found else { return Ok(()) };
        let mut topics = crate::gitlab::map::project::topics(found);
        let before = topics.len();
        topics.retain(|it| it != name);
        if topics.len() == before { Ok(()) } else { self.set_topics(path, &topics).await }
    }

    /// Takes a role away, as its id names it.
    async fn unseat(&self, base: &[&str], id: &str) -> Result<(), HostError> {
        if let Some(group) = id.strip_prefix("group/") {
            let found: Option<wire::Group> =
                self.api.find(&["groups", group], &[], OPERATION).await?;
            return match found.and_then(|it| it.id) {
                Some(id) => self.gone(&[base, &["share", &id.to_string()]].concat()).await,
                None => Ok(()),
            };
        }
        match self.account(&Identity::login(id, None)).await? {
            Some(id) => self.gone(&[base, &["members", &id.to_string()]].concat()).await,
            None => Ok(()),
        }
    }

    async fn remove_state(&self, path: &str, id: &str) -> Result<(), HostError> {
        let done = match note_parts(id) {
            Some([list, key, "locked"]) => self.lock(path, (list, key), false).await,
            Some(_) | None => self.archive(path, false).await,
        };
        match done {
            Err(error) if error.kind == HostErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    async fn remove_approval(&self, path: &str, id: &str) -> Result<(), HostError> {
        let Some((number, login)) = id.split_once('/') else { return Ok(()) };
        if let Some(note) = login.strip_prefix("note/") {
            return self.gone(&below(path, &["merge_requests", number, "notes", note])).await;
        }
        let below = below(path, &["merge_requests", number, "unapprove"]);
        let change = Change::new(&below, OPERATION).in_name_of(Some(login));
        match self.api.act(change, &json!({})).await {
            Err(error) if is_refusal(error.kind) => Ok(()),
            other => other,
        }
    }

    /// A thread goes with the last of its notes.
    async fn remove_thread(&self, path: &str, id: &str) -> Result<(), HostError> {
        let Some((number, discussion)) = thread_parts(id) else { return Ok(()) };
        let one = below(path, &["merge_requests", number, "discussions", discussion]);
        let found: Option<wire::Discussion> = self.api.find(&one, &[], OPERATION).await?;
        for note in found.and_then(|it| it.notes).into_iter().flatten().filter_map(|it| it.id) {
            self.gone(&below(path, &["merge_requests", number, "notes", &note.to_string()]))
                .await?;
        }
        Ok(())
    }
}

/// The group and who has a role in it: `acme/tools/alice`, `acme/group/friends/core`.
fn member_parts(id: &str) -> Option<(&str, &str)> {
    match id.split_once("/group/") {
        Some((path, group)) => Some((path, &id[id.len() - group.len() - "group/".len()..])),
        None => id.rsplit_once('/'),
    }
}

/// The address of a reaction: `issues/7/-/5` or `issues/7/1234/5`.
fn reaction_parts(id: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = id.split('/').collect();
    let [list, key, note, award] = parts[..] else { return None };
    Some(match note {
        "-" => vec![list, key, "award_emoji", award],
        note => vec![list, key, "notes", note, "award_emoji", award],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_where_a_thing_stands() {
        assert_eq!(member_parts("acme/tools/alice"), Some(("acme/tools", "alice")));
        assert_eq!(member_parts("acme/group/x/y"), Some(("acme", "group/x/y")));
        let reaction = reaction_parts("issues/7/-/5").unwrap();
        assert_eq!(reaction, ["issues", "7", "award_emoji", "5"]);
        assert_eq!(
            reaction_parts("issues/7/9/5").unwrap()[2..],
            ["notes", "9", "award_emoji", "5"]
        );
    }
}
