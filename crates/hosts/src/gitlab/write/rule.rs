//! Rules for branches and tags. None becomes looser on its way.

use super::{Done, GitlabSink, Task, below};
use crate::gitlab::{call::Change, map::settings::MAINTAINERS, wire};
use packhorse_core::{
    HostError, HostErrorKind,
    model::{BranchRule, Enforcement, Grantee, Role, TagRule},
    port::Outcome,
};
use serde_json::{Value, json};

/// Nobody, developers, maintainers.
const NOBODY: u64 = 0;
const DEVELOPERS: u64 = 30;
const MAINTAINER: u64 = 40;

/// A pattern as the server knows it: `*` stands for anything, and nothing else for more than itself.
///
/// What it does not know becomes `*`, which matches more, so that the rule binds at least as much.
///
/// Source: GitLab, "Protected branches", "Use wildcard rules".
fn pattern(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text.chars());
    while let Some(it) = rest.next() {
        match it {
            '[' => {
                for inner in rest.by_ref() {
                    if inner == ']' {
                        break;
                    }
                }
                out.push('*');
            }
            '{' => {
                for inner in rest.by_ref() {
                    if inner == '}' {
                        break;
                    }
                }
                out.push('*');
            }
            '?' => out.push('*'),
            other => out.push(other),
        }
    }
    while out.contains("**") {
        out = out.replace("**", "*");
    }
    out
}

/// The plain name of a ref in a pattern.
fn bare(text: &str) -> &str {
    let text = text.strip_prefix("refs/heads/").unwrap_or(text);
    text.strip_prefix("refs/tags/").unwrap_or(text)
}

/// What a rule is called here.
pub(super) fn rule_name(text: &str) -> String {
    pattern(bare(text))
}

/// Who is let through: a level for everybody with a role, and single ones.
struct Let {
    level: u64,
    named: Vec<Value>,
}

impl GitlabSink {
    /// Who of a list is let through.
    async fn let_through(
        &self,
        task: &mut Task<'_>,
        field: &'static str,
        list: &[Grantee],
    ) -> Result<Let, HostError> {
        let mut found = Let { level: NOBODY, named: Vec::new() };
        let is_enterprise = self.me().await?.is_enterprise;
        for it in list {
            let named = match it {
                Grantee::Group(name) if name == MAINTAINERS => {
                    found.level = MAINTAINER;
                    continue;
                }
                Grantee::User(who) => self.account(who).await?.map(|id| json!({ "user_id": id })),
                Grantee::Group(name) => {
                    let query = [("with_projects", "false")];
                    let group: Option<wire::Group> =
                        self.api.find(&["groups", name], &query, "look for a group").await?;
                    group.and_then(|it| it.id).map(|id| json!({ "group_id": id }))
                }
                Grantee::Team { .. } => None,
            };
            match named.filter(|_| is_enterprise) {
                Some(named) => found.named.push(named),
                None => task.lose(
                    field,
                    "the server's edition lets nobody through by name; they are kept out",
                ),
            }
        }
        Ok(found)
    }

    pub(super) async fn branch_rule(
        &self,
        path: &str,
        task: &mut Task<'_>,
        it: &BranchRule,
    ) -> Done {
        let name = rule_name(&it.pattern);
        if name != bare(&it.pattern) {
            task.lose("pattern", format!("became `{name}`, which matches more"));
        }
        let mut push = Let { level: DEVELOPERS, named: Vec::new() };
        if it.restrict_push {
            push = self.let_through(task, "pushers", &it.pushers).await?;
        }
        let mut merge = Let { level: DEVELOPERS, named: Vec::new() };
        if it.restrict_merge {
            merge = self.let_through(task, "mergers", &it.mergers).await?;
        }
        let wants_change = it.reviews != Enforcement::Off || it.checks != Enforcement::Off;
        if wants_change && !it.restrict_push {
            push.level = NOBODY;
            task.lose(
                "reviews",
                "changes go by change requests alone; how many must approve is the \
                                  project's setting here, to be set by hand",
            );
        } else if wants_change {
            task.lose(
                "reviews",
                "how many must approve is the project's setting here, to be set by hand",
            );
        }
        if it.read_only {
            (push, merge) = (
                Let { level: NOBODY, named: Vec::new() },
                Let { level: NOBODY, named: Vec::new() },
            );
        }
        for (field, is_asked) in [
            ("signatures", it.signatures == Some(true)),
            ("linear_history", it.linear_history == Some(true)),
            ("threads_resolved", it.threads_resolved == Some(true)),
            ("required_checks", !it.required_checks.is_empty()),
            ("strict_checks", it.strict_checks),
            ("dismiss_stale", it.dismiss_stale),
        ] {
            if is_asked {
                task.lose(field, "is a setting of the whole project here, to be set by hand");
            }
        }
        if it.block_force_push == Enforcement::NonAdmins {
            task.lose("block_force_push", "nobody may rewrite it, not even administrators");
        }
        let may_rewrite =
            it.block_force_push == Enforcement::Off && it.force_push_allowed == Some(true);
        if it.block_deletion == Enforcement::Off {
            task.lose("block_deletion", "a protected branch is never deleted by Git here");
        }
        let mut body = json!({"name": name, "push_access_level": push.level,
            "merge_access_level": merge.level, "allow_force_push": may_rewrite});
        if !push.named.is_empty() {
            body["allowed_to_push"] = push.named.into();
        }
        if !merge.named.is_empty() {
            body["allowed_to_merge"] = merge.named.into();
        }
        if it.code_owner_review {
            if self.me().await?.is_enterprise {
                body["code_owner_approval_required"] = true.into();
            } else {
                task.lose("code_owner_review", "the server's edition has no owners of code");
            }
        }
        self.protect(path, task, ("protected_branches", &name), &body).await
    }

    pub(super) async fn tag_rule(&self, path: &str, task: &mut Task<'_>, it: &TagRule) -> Done {
        let name = rule_name(&it.pattern);
        if name != bare(&it.pattern) {
            task.lose("pattern", format!("became `{name}`, which matches more"));
        }
        let mut create = self.let_through(task, "creators", &it.creators).await?;
        if let Some(role) = it.role {
            create.level = match role {
                Role::None
                | Role::Guest
                | Role::Planner
                | Role::Read
                | Role::Triage
                | Role::Write => DEVELOPERS,
                Role::Maintain | Role::Admin | Role::Owner => MAINTAINER,
            };
            if matches!(role, Role::Admin | Role::Owner) {
                create.level = NOBODY;
                task.lose("role", "the server has no such level; nobody makes such tags");
            }
        }
        let mut body = json!({ "name": name, "create_access_level": create.level });
        if !create.named.is_empty() {
            body["allowed_to_create"] = create.named.into();
        }
        self.protect(path, task, ("protected_tags", &name), &body).await
    }

    /// Makes a rule. One of that name is replaced: the server makes one for the default branch by
    /// itself, and has no way to change most of a rule.
    async fn protect(
        &self,
        path: &str,
        task: &mut Task<'_>,
        (list, name): (&str, &str),
        body: &Value,
    ) -> Done {
        let operation = "write a rule";
        let post = below(path, &[list]);
        if let Some(id) = task.id().filter(|it| *it != name) {
            self.api.delete(Change::new(&below(path, &[list, id]), operation)).await?;
        }
        let outcome = if task.existing.is_some() { Outcome::Updated } else { Outcome::Created };
        match self.api.act(Change::new(&post, operation), body).await {
            Err(error) if is_there(error.kind) => {
                let one = below(path, &[list, name]);
                let found: Option<Value> = self.api.find(&one, &[], operation).await?;
                if found.is_none() {
                    return Err(error);
                }
                self.api.delete(Change::new(&one, operation)).await?;
                self.api.act(Change::new(&post, operation), body).await?;
                Ok((name.to_owned(), Outcome::Updated))
            }
            other => other.map(|()| (name.to_owned(), outcome)),
        }
    }
}

/// How a server says that a rule is there.
fn is_there(kind: HostErrorKind) -> bool {
    matches!(kind, HostErrorKind::Conflict | HostErrorKind::Rejected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_pattern_never_matches_less() {
        assert_eq!(pattern("release/*"), "release/*");
        assert_eq!(pattern("v[0-9].?"), "v*.*");
        assert_eq!(pattern("a/**/b"), "a/*/b");
        assert_eq!(pattern("{main,dev}"), "*");
        assert_eq!(bare("refs/heads/main"), "main");
    }

    proptest! {
        #[test]
        fn no_pattern_makes_the_reader_panic(text in "([\\[\\]{}?*]|\\PC){0,20}") {
            pattern(&text);
        }
    }
}
