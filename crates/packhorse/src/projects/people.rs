//! Who is who, looked at before anything moves: users without a line in the mappings file, and
//! names in it that have no account at the destination.

use super::{
    carry::AHEAD,
    host::{ApiType, Host},
    mapping::Mappings,
    migration::Migration,
    project::Project,
};
use crate::{connect::api::Api, error::AppError};
use futures::{StreamExt, stream};
use std::collections::BTreeSet;

/// Most accounts that are looked for at the destination before anything moves: hosts allow some
/// thousand questions an hour.
const MAX_LOOKED_FOR: usize = 2_000;
/// Names that a list of people or repositories tells one by one.
const MAX_NAMED: usize = 20;

impl Migration {
    /// Stops where people of the projects are in no line of the mappings file, unless that is
    /// wanted.
    pub(super) fn check_people(&self, projects: &[Project]) -> Result<(), AppError> {
        let mentioned: BTreeSet<&str> = projects.iter().flat_map(Project::users).collect();
        let unused = self.mappings.unused(&mentioned);
        if !unused.is_empty() {
            let unused = unused.into_iter().collect();
            self.say(&format!(
                "note: lines of the mappings file that no project needs: {}",
                names(&unused)
            ));
        }
        let unmapped: BTreeSet<&str> =
            mentioned.into_iter().filter(|it| self.mappings.git(it).is_none()).collect();
        if unmapped.is_empty() {
            return Ok(());
        }
        let text = format!(
            "{} users of the projects have no line in the mappings file: {}",
            unmapped.len(),
            names(&unmapped)
        );
        if self.arguments.skip_unmapped || self.arguments.only_report {
            self.say(&format!("note: {text}"));
            return Ok(());
        }
        Err(AppError::failed(text)
            .hint("add lines `platform-user:git-user` for them; nothing was moved")
            .hint("or say --skip-unmapped: their projects are carried, and they get no right"))
    }

    /// Stops where names of the mappings file have no account at the destination, unless that is
    /// wanted; then they are left out.
    pub(super) async fn check_accounts(
        &self,
        destination: &Host,
        projects: &[Project],
    ) -> Result<Mappings, AppError> {
        let accounts = self.mappings.accounts(projects.iter().flat_map(Project::users));
        if accounts.len() > MAX_LOOKED_FOR {
            self.say(&format!(
                "note: {} accounts are too many to look for at the destination; those that are not \
                 there are told with their projects",
                accounts.len()
            ));
            return Ok(self.mappings.clone());
        }
        let api = Api::of(destination)?;
        let found = stream::iter(accounts).map(|name| {
            let api = &api;
            async move { (api.has_account(name).await == Some(false)).then(|| name.to_owned()) }
        });
        let at_once = usize::from(self.arguments.parallel.get()) * AHEAD;
        let found = found.buffer_unordered(at_once).filter_map(std::future::ready);
        let missing: BTreeSet<String> = found.collect().await;
        if missing.is_empty() {
            return Ok(self.mappings.clone());
        }
        let text = format!(
            "{} names of the mappings file have no account at the destination: {}",
            missing.len(),
            names(&missing.iter().map(String::as_str).collect())
        );
        if self.arguments.skip_unmapped || self.arguments.only_report {
            self.say(&format!("note: {text}"));
            return Ok(self.mappings.without(&missing));
        }
        Err(AppError::failed(text)
            .hint("make the accounts, or correct the lines; Bitbucket Cloud wants account ids; nothing was moved")
            .hint("or say --skip-unmapped: projects are carried, and these people get no right"))
    }
}

/// What somebody should know of a project's people.
pub(super) fn remarks(destination: &Host, mappings: &Mappings, project: &Project) -> Vec<String> {
    let mut notes = Vec::new();
    let invites = destination.api == ApiType::Github
        && destination.location.rest.starts_with("https://github.com/");
    let members = project.members(mappings);
    if invites && !members.is_empty() {
        let members = members.keys().map(String::as_str).collect();
        notes.push(format!("invited, and still to accept: {}", names(&members)));
    }
    let without: BTreeSet<_> = project.users().filter(|it| mappings.git(it).is_none()).collect();
    if !without.is_empty() {
        notes.push(format!(
            "got no right, having no line in the mappings file or no account there: {}",
            names(&without)
        ));
    }
    if !project.groups.is_empty() {
        let groups = project.groups.iter().map(String::as_str).collect();
        notes.push(format!(
            "groups are not carried, give them their rights there: {}",
            names(&groups)
        ));
    }
    notes
}

/// Names in one line, the first of many.
fn names(all: &BTreeSet<&str>) -> String {
    let some: Vec<_> = all.iter().take(MAX_NAMED).copied().collect();
    let more = all.len() - some.len();
    match more {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::Secret;
    use url::Url;

    fn told(api: ApiType, url: &str) -> Vec<String> {
        let home = Url::parse(url).unwrap();
        let token = Secret::new("t");
        let host = Host::at(api, &home, "acme".into(), Some("root".into()), &token).unwrap();
        let mappings = Mappings::parse("alice:alice-git").unwrap();
        let project = Project {
            id: "1".into(),
            owner: "alice".into(),
            groups: vec!["everyone".into()],
            ..Project::default()
        };
        remarks(&host, &mappings, &project)
    }

    #[test]
    fn only_the_public_service_of_github_invites() {
        let groups = "groups are not carried, give them their rights there: everyone";

        let invited = "invited, and still to accept: alice-git";
        assert_eq!(told(ApiType::Github, "https://github.com"), [invited, groups]);
        assert_eq!(told(ApiType::Github, "https://github.acme.example"), [groups]);
        assert_eq!(told(ApiType::Gitlab, "https://gitlab.com"), [groups]);
    }
}
