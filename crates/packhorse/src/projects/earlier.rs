//! What was at the destination before a job: repositories that an earlier tool had made, and who
//! had rights there.
//!
//! Hosts take a repository or a right that is there already without saying so. What was there is
//! nobody's to remove, so it is noted as found and not as made, and is never removed.

use super::{remotes::Remotes, source::Listed};
use async_trait::async_trait;
use packhorse_core::{
    GitRemote, HostError, HostErrorKind, Lane, Object, ObjectKind, Origin, Record, RepoKind, Scope,
    TargetId,
    model::Grantee,
    port::{AroundSink, Outcome, Sink, Source, Written},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
};

/// Who had a right in each repository that was there, in small letters, by the repository's path.
pub(super) type Before = BTreeMap<String, BTreeSet<String>>;

/// Reads who has a right in a repository of the destination.
pub(super) async fn members(
    destination: &dyn Source,
    path: &str,
) -> Result<BTreeSet<String>, HostError> {
    let lane = Lane::new(Scope::Project(path.to_owned()), ObjectKind::Member);
    let (mut logins, mut at) = (BTreeSet::new(), None);
    loop {
        let page = destination.read(&lane, at.as_ref()).await?;
        logins.extend(page.records.iter().filter_map(login));
        match page.next {
            Some(next) => at = Some(next),
            None => return Ok(logins),
        }
    }
}

/// What was there, out of what is known of each project.
pub(super) fn before(listed: &BTreeMap<String, Listed>) -> Before {
    let known = listed.iter().filter_map(|(path, it)| Some((path.clone(), it.before.clone()?)));
    known.collect()
}

/// Whose right a record tells of.
fn login(record: &Record) -> Option<String> {
    let Object::Member(member) = &record.object else { return None };
    match &member.grantee {
        Grantee::User(who) => Some(who.login.to_lowercase()),
        Grantee::Team { .. } | Grantee::Group(_) => None,
    }
}

/// A destination that tells what was there apart from what is made.
pub(super) struct CarefulSink {
    sink: Arc<dyn Sink>,
    /// Learns where it says that repositories are.
    remotes: Remotes,
    before: OnceLock<Before>,
}

impl CarefulSink {
    pub(super) fn new(sink: Arc<dyn Sink>, remotes: Remotes) -> Self {
        Self { sink, remotes, before: OnceLock::new() }
    }

    /// Tells what was there; the first who tells is heard.
    pub(super) fn tell(&self, before: Before) {
        self.before.get_or_init(|| before);
    }

    /// Whether it was there before: a repository, or somebody's right in one.
    fn was_there(&self, scope: &Scope, kind: ObjectKind, login: Option<&str>) -> bool {
        let known = scope.project().and_then(|path| self.before.get()?.get(path));
        let Some(members) = known else { return false };
        match login {
            Some(login) => members.contains(&login.to_lowercase()),
            None => kind == ObjectKind::Project,
        }
    }
}

#[async_trait]
impl AroundSink for CarefulSink {
    fn inner(&self) -> &dyn Sink {
        &*self.sink
    }

    async fn write(
        &self,
        scope: &Scope,
        record: &Record,
        existing: Option<&TargetId>,
    ) -> Result<Written, HostError> {
        let mut written = self.sink.write(scope, record, existing).await?;
        let login = login(record);
        let was_there = self.was_there(scope, record.origin.kind, login.as_deref());
        if was_there && written.outcome == Outcome::Created {
            written.outcome = Outcome::Adopted;
        }
        Ok(written)
    }

    async fn remove(
        &self,
        scope: &Scope,
        origin: &Origin,
        target: &TargetId,
    ) -> Result<(), HostError> {
        // The id of somebody's right is the login, as our source gives it.
        let login = (origin.kind == ObjectKind::Member).then_some(origin.id.as_str());
        if self.was_there(scope, origin.kind, login) {
            return Err(HostError::new(HostErrorKind::Conflict, "remove what was there before"));
        }
        self.sink.remove(scope, origin, target).await
    }

    async fn remote(&self, project: &str, repo: RepoKind) -> Result<Option<GitRemote>, HostError> {
        let found = self.sink.remote(project, repo).await?;
        if repo == RepoKind::Code {
            self.remotes.learn(project, found.as_ref());
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::model::{Identity, Member, Place, Project, Role};
    use packhorse_testkit::memory::MemoryHost;

    fn member(login: &str) -> Record {
        let grantee = Grantee::User(Identity::login(login, None));
        let role = Role::Write;
        let member = Member { place: Place::Project, grantee, role, ..Member::default() };
        Record::new(login, Object::from(member))
    }

    #[tokio::test]
    async fn what_was_there_is_found_and_not_made_and_is_not_removed() {
        let sink = CarefulSink::new(Arc::new(MemoryHost::named("there")), Remotes::default());
        let sink: (&CarefulSink, &dyn Sink) = (&sink, &sink);
        sink.0.tell(BTreeMap::from([("a/old".to_owned(), BTreeSet::from(["alice".to_owned()]))]));
        let mut told = Vec::new();

        for path in ["a/old", "a/new"] {
            let scope = Scope::Project(path.to_owned());
            let project = Object::from(Project { path: path.into(), ..Project::default() });
            for record in [Record::new(path, project), member("Alice"), member("bob")] {
                let written = sink.1.write(&scope, &record, None).await.unwrap();
                let removed = sink.1.remove(&scope, &record.origin, &written.target).await;
                told.push((written.outcome, removed.is_ok()));
            }
        }

        let (made, found) = ((Outcome::Created, true), (Outcome::Adopted, false));
        assert_eq!(told, [found, found, made, made, made, made]);
    }
}
