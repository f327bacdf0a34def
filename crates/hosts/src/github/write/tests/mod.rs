//! The sink against a stand-in, whose log is held against GitHub's own description.

mod change;
mod graph;
mod setting;

use super::*;
use crate::github::place::Place;
use bytes::Bytes;
use futures::stream;
use packhorse_core::{
    mark,
    model::{
        Blob, Branch, BranchRule, ChangeRequest, ChangeRequestState, Comment, CommitComment,
        CommitState, CommitStatus, DeployKey, Enforcement, Grantee, HostId, Identity, Issue, Label,
        Member, Milestone, OpenState, Position, Project, Reaction, Release, ReleaseAsset, Review,
        ReviewComment, ReviewThread, Role, State, StateValue, Subject, TagRule, Text, Topic,
        Verdict, Visibility, Webhook,
    },
};
use packhorse_git::{Git, refs};
use packhorse_testkit::{
    description::Description,
    fake::{Fake, Github, Options, misfits, sample},
};
use std::{collections::BTreeMap, sync::Mutex as StdMutex};

/// What the description does not have: the importer, uploads (at an address of their own), GraphQL;
/// and, of this excerpt of it, reactions to comments.
const OUTSIDE: &[&str] = &["/import/issues", "/uploads/", "/graphql", "/reactions"];

/// A stand-in with people and an organization, and the sink that writes to it.
struct Bench {
    fake: Fake,
    sink: GithubSink,
    links: StdMutex<BTreeMap<Origin, TargetId>>,
    tips: BTreeMap<String, String>,
}

fn app() -> Scope {
    Scope::Project("acme/app".to_owned())
}

fn text(text: &str) -> Option<Text> {
    Some(Text::new(text.to_owned(), Markup::Github))
}

fn login(login: &str) -> Identity {
    Identity::login(login, Some("127.0.0.1"))
}

impl Bench {
    async fn new() -> Self {
        Self::with("").await
    }

    /// With options of the location.
    async fn with(options: &str) -> Self {
        let fake = Fake::start(Github, Options::default()).await.unwrap();
        sample::fill(&fake).await.unwrap();
        let host = fake.url().strip_prefix("http://").unwrap();
        let location = format!("github:http://{}@{host}/acme{options}", Options::TOKEN);
        let place = Place::of(&location.parse().unwrap()).unwrap();
        let sink = GithubSink::new(Api::new(place).unwrap(), std::env::temp_dir());
        let remote = GitRemote::local(&fake.repository(sample::ROCKET, RepoKind::Code));
        let tips = refs::list(&Git::find().await.unwrap(), &remote).await.unwrap();
        let tips = tips.refs.into_iter().collect();
        Self { fake, sink, links: StdMutex::default(), tips }
    }

    /// With a project that has a repository.
    async fn with_project(visibility: Visibility, options: &str) -> Self {
        let bench = Self::with(options).await;
        let project = Project {
            path: "acme/app".into(),
            name: "app".into(),
            visibility,
            default_branch: Some("main".into()),
            ..Project::default()
        };
        bench.write("acme/app", Object::from(project)).await;
        let remote = GitRemote::local(&bench.fake.repository(sample::ROCKET, RepoKind::Code));
        bench.fake.fill_repository("acme/app", RepoKind::Code, &remote).await.unwrap();
        bench
    }

    fn tip(&self, branch: &str) -> Option<String> {
        self.tips.get(&format!("refs/heads/{branch}")).cloned()
    }

    fn record(&self, id: &str, object: Object) -> Record {
        let mut record = Record::new(id, object);
        record.links = self.links.lock().unwrap().clone();
        record
    }

    async fn write(&self, id: &str, object: Object) -> Written {
        self.write_as(id, object, None).await
    }

    async fn write_as(&self, id: &str, object: Object, existing: Option<&TargetId>) -> Written {
        let record = self.record(id, object);
        let scope = app();
        let written = self.sink.write(&scope, &record, existing).await;
        let written = written.unwrap_or_else(|error| panic!("{id}: {error:?}"));
        self.links.lock().unwrap().insert(record.origin, written.target.clone());
        written
    }

    /// What the stand-in holds of a kind.
    fn held(&self, kind: ObjectKind) -> Vec<Record> {
        self.fake.store(|store| store.records(&app(), kind))
    }

    fn branches(&self) -> Vec<String> {
        let path = self.fake.repository("acme/app", RepoKind::Code);
        let packed = std::fs::read_to_string(path.join("packed-refs")).unwrap_or_default();
        let ours = path.join("refs/heads/packhorse");
        let mut names: Vec<String> = std::fs::read_dir(ours)
            .into_iter()
            .flatten()
            .flat_map(|it| std::fs::read_dir(it.unwrap().path()).unwrap())
            .map(|it| it.unwrap().path().to_string_lossy().into_owned())
            .collect();
        names.extend(packed.lines().filter(|it| it.contains("packhorse/")).map(str::to_owned));
        names
    }

    /// All that was asked fits the description.
    fn check(&self) {
        let Some(description) = Description::published("github-api.trim.json") else { return };
        let description = description.at("/api/v3");
        let log = self.fake.take_log();
        assert_eq!(misfits(&description, &log, OUTSIDE), Vec::<String>::new());
    }
}

/// Which fields were lost.
fn lost(written: &Written) -> Vec<&str> {
    written.losses.iter().map(|it| it.field.as_ref()).collect()
}

fn project(path: &str, visibility: Visibility) -> Object {
    let name = path.split('/').next_back().unwrap().to_owned();
    let description = Some("a sample".to_owned());
    Object::from(Project { path: path.into(), name, visibility, description, ..Project::default() })
}

#[tokio::test]
async fn a_project_is_as_private_as_it_was() {
    let bench = Bench::with_project(Visibility::Private, "").await;
    assert!(bench.sink.is_public(Path::of("acme/app").unwrap()).await.is_ok_and(|it| !it));
    bench.check();

    // One that is public does not take what is not.
    let scope = Scope::Project("acme/rocket".into());
    bench.fake.store(|store| {
        let (id, _, _) = store.project("acme/rocket").unwrap();
        store.get_mut::<Project>(&Scope::Shared, id).unwrap().visibility = Visibility::Public;
    });
    let record = bench.record("acme/rocket", project("acme/rocket", Visibility::Private));
    let refused = bench.sink.write(&scope, &record, None).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::Conflict);
}

/// Not held against the description: only that of enterprises has such projects.
#[tokio::test]
async fn an_internal_project_is_never_public() {
    let bench = Bench::new().await;

    let made = bench.write("acme/app", project("acme/app", Visibility::Internal)).await;

    assert_eq!((made.outcome, made.target.0.as_str()), (Outcome::Created, "acme/app"));
    assert!(bench.sink.is_public(Path::of("acme/app").unwrap()).await.is_ok_and(|it| !it));
}

#[tokio::test]
async fn nothing_is_written_outside_of_the_address() {
    let bench = Bench::new().await;
    let scope = Scope::Project("others/app".into());
    let record = bench.record("others/app", project("others/app", Visibility::Private));

    let refused = bench.sink.write(&scope, &record, None).await.unwrap_err();

    assert_eq!(refused.kind, HostErrorKind::Rejected);
    assert_eq!(bench.fake.take_log().len(), 0);
}

#[tokio::test]
async fn labels_topics_and_milestones_are_found_again() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let label = |name: &str| {
        Object::from(Label { name: name.into(), color: Some("ff0000".into()), ..Label::default() })
    };
    let bug = bench.write("bug", label("bug")).await;
    let again = bench.write("BUG", label("BUG")).await;
    assert_eq!((again.outcome, again.target), (Outcome::Adopted, bug.target.clone()));
    let found = bench.sink.find(&app(), &bench.record("bug", label("bug"))).await.unwrap();
    assert_eq!(found, Some(bug.target));

    let topic = bench.write("t", Object::from(Topic { name: "Web Server".into() })).await;
    assert_eq!((topic.target.0.as_str(), lost(&topic)), ("web-server", vec!["name"]));

    let due_at = Some("2030-01-01T00:00:00Z".parse().unwrap());
    let milestone = Milestone { number: 7, title: "1.0".into(), due_at, ..Milestone::default() };
    let made = bench.write("7", Object::from(milestone.clone())).await;
    assert_eq!(made.target.0, "1");
    let record = bench.record("7", Object::from(milestone.clone()));
    assert_eq!(bench.sink.find(&app(), &record).await.unwrap(), Some(made.target.clone()));
    let closed = Milestone { state: OpenState::Closed, due_at: None, ..milestone };
    let changed = bench.write_as("7", Object::from(closed), Some(&made.target)).await;
    assert_eq!((changed.outcome, changed.target), (Outcome::Updated, made.target));
    bench.check();
}

fn issue(number: u64) -> Issue {
    let origin = Origin::new(ObjectKind::Issue, number.to_string());
    Issue {
        number,
        title: "It breaks".into(),
        body: text(&format!("badly\n\n{}", mark::of(&origin))),
        ..Issue::default()
    }
}

#[tokio::test]
async fn an_issue_is_closed_for_its_reason_and_given_to_those_who_can_have_it() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let issue = Issue {
        state: OpenState::Closed,
        state_reason: Some("not_planned".into()),
        assignees: vec![login("bob"), login("nobody"), Identity::login("bob", Some("h.example"))],
        ..issue(5)
    };

    let made = bench.write("5", Object::from(issue)).await;

    assert_eq!((made.target.0.as_str(), lost(&made)), ("1", vec!["assignees", "assignees"]));
    let held = bench.held(ObjectKind::Issue);
    let Object::Issue(held) = &held[0].object else { panic!("an issue") };
    assert_eq!(
        (held.state, held.state_reason.as_deref()),
        (OpenState::Closed, Some("not_planned"))
    );
    assert_eq!(held.assignees.len(), 1);
    bench.check();
}

#[tokio::test]
async fn an_issue_that_a_broken_run_left_open_is_found_and_closed() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let open = bench.write("5", Object::from(issue(5))).await;
    let closed = Issue { state: OpenState::Closed, ..issue(5) };

    let record = bench.record("5", Object::from(closed));
    let found = bench.sink.find(&app(), &record).await.unwrap();
    // As the engine does with what was found.
    bench.sink.write(&app(), &record, found.as_ref()).await.unwrap();

    assert_eq!(found, Some(open.target));
    let held = bench.held(ObjectKind::Issue);
    assert!(matches!(&held[..], [Record { object: Object::Issue(it), .. }]
        if it.state == OpenState::Closed));
    bench.check();
}

#[tokio::test]
async fn what_only_members_see_is_not_shown_to_everybody() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let secret = Issue { confidential: true, ..issue(5) };
    let made = bench.write("5", Object::from(secret)).await;
    assert_eq!((made.outcome, made.target.0.as_str()), (Outcome::Dropped, ""));
    let subject = Subject::Issue(1);
    let comment = Comment { subject, internal: true, body: text("psst"), ..Comment::default() };
    let made = bench.write("9", Object::from(comment)).await;
    assert_eq!(made.outcome, Outcome::Dropped);
    assert_eq!(bench.held(ObjectKind::Issue).len(), 0);
    bench.check();
}

#[tokio::test]
async fn the_importer_keeps_moments() {
    let bench = Bench::with_project(Visibility::Public, "?issues=import").await;
    let at = Some("2020-01-01T00:00:00Z".parse().unwrap());
    let issue = Issue { created_at: at, labels: vec!["bug".into()], ..issue(5) };

    let made = bench.write("5", Object::from(issue.clone())).await;

    assert_eq!(made.target.0, "1");
    let held = bench.held(ObjectKind::Issue);
    let Object::Issue(it) = &held[0].object else { panic!("an issue") };
    assert_eq!((it.created_at, it.labels.as_slice()), (at, &["bug".to_owned()][..]));
    let record = bench.record("5", Object::from(issue));
    assert_eq!(bench.sink.find(&app(), &record).await.unwrap(), Some(made.target));
    bench.check();
}

#[tokio::test]
async fn the_importer_is_waited_for_so_that_numbers_follow_the_order_of_writing() {
    let bench = Bench::with_project(Visibility::Public, "?issues=import").await;
    let mut numbers = Vec::new();
    // The older, the later it is written: the importer's own order would be another one.
    for number in 1..=4_u64 {
        let at = format!("20{}-01-01T00:00:00Z", 20 - number);
        let issue = Issue { created_at: at.parse().ok(), ..issue(number) };

        numbers.push(bench.write(&number.to_string(), Object::from(issue)).await.target.0);
    }

    assert_eq!(numbers, ["1", "2", "3", "4"]);
}

impl Bench {
    fn change_request(&self, branch: &str, state: ChangeRequestState) -> ChangeRequest {
        let end =
            |name: &str| Branch { name: name.into(), commit: self.tip(name), ..Branch::default() };
        let origin = Origin::new(ObjectKind::ChangeRequest, "3");
        ChangeRequest {
            number: 3,
            title: "More fuel".into(),
            body: text(&format!("please\n\n{}", mark::of(&origin))),
            state,
            head: end(branch),
            base: end("main"),
            ..ChangeRequest::default()
        }
    }
}

#[tokio::test]
async fn comments_reactions_and_states_are_found_again() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    bench.write("5", Object::from(issue(5))).await;
    let origin = Origin::new(ObjectKind::Comment, "9");
    let body = text(&format!("me too\n\n{}", mark::of(&origin)));
    let comment = Comment { subject: Subject::Issue(1), body, ..Comment::default() };
    let made = bench.write("9", Object::from(comment.clone())).await;
    let record = bench.record("9", Object::from(comment));
    assert_eq!(bench.sink.find(&app(), &record).await.unwrap(), Some(made.target));

    let reaction = |author: &str| {
        let subject = Subject::Comment(HostId("9".into()));
        let author = Some(login(author));
        Object::from(Reaction { subject, author, content: "+1".into(), ..Reaction::default() })
    };
    let mine = bench.write("alice", reaction("alice")).await;
    assert_eq!(lost(&mine), Vec::<&str>::new());
    let second = bench.write("bob", reaction("bob")).await;
    assert_eq!(second.outcome, Outcome::Dropped);
    let found = bench.sink.find(&app(), &bench.record("alice", reaction("alice"))).await.unwrap();
    assert_eq!(found, Some(mine.target));

    let value = StateValue::Locked(Some("too_heated".into()));
    let state = Object::from(State { subject: Subject::Issue(1), value, ..State::default() });
    let locked = bench.write("issue/5/locked", state.clone()).await;
    assert_eq!((locked.target.0.as_str(), lost(&locked).len()), ("issue/1/locked", 0));
    let record = bench.record("issue/5/locked", state);
    assert_eq!(bench.sink.find(&app(), &record).await.unwrap(), Some(locked.target));

    let commit = bench.tip("main").unwrap();
    let comment =
        CommitComment { commit: commit.clone(), body: text("neat"), ..Default::default() };
    bench.write("20", Object::from(comment)).await;
    let state = CommitState::Skipped;
    let status = CommitStatus { commit, context: "build".into(), state, ..CommitStatus::default() };
    let said = bench.write("21", Object::from(status)).await;
    assert_eq!(lost(&said), ["state"]);
    bench.check();
}

#[tokio::test]
async fn what_was_written_is_taken_back() {
    let bench = Bench::with_project(Visibility::Public, "").await;
    let label = Label { name: "bug".into(), ..Label::default() };
    let label = bench.write("bug", Object::from(label)).await;
    bench.write("5", Object::from(issue(5))).await;
    let comment = Comment { subject: Subject::Issue(1), body: text("x"), ..Comment::default() };
    let comment = bench.write("9", Object::from(comment)).await;
    let request = bench.change_request("wings", ChangeRequestState::Open);
    let request = bench.write("3", Object::from(request)).await;

    for (kind, id, target) in [
        (ObjectKind::ChangeRequest, "3", &request.target),
        (ObjectKind::Comment, "9", &comment.target),
        (ObjectKind::Label, "bug", &label.target),
    ] {
        for _ in ["there", "gone already"] {
            bench.sink.remove(&app(), &Origin::new(kind, id), target).await.unwrap();
        }
    }

    assert_eq!(bench.held(ObjectKind::Comment).len() + bench.held(ObjectKind::Label).len(), 0);
    let held = bench.held(ObjectKind::ChangeRequest);
    assert!(matches!(&held[..], [Record { object: Object::ChangeRequest(it), .. }]
        if it.state == ChangeRequestState::Closed));
    bench.check();
}
