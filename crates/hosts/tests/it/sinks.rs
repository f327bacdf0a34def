//! The hosts that are servers as sinks, each held against the suite over its stand-in.
//!
//! The suite's samples have numbers of their own, which most hosts do not keep, and commits and
//! people that nobody has; so each is asked for the kinds that can show themselves all the same.
//! The others have tests of their own, beside the sinks.

use crate::place::{self, Place};
use async_trait::async_trait;
use packhorse_core::{
    Access as Aim, Object, ObjectKind, Origin, Record, RepoKind, Scope, TargetId,
    model::{
        Branch, ChangeRequest, HostId, Identity, Organization, Project, Review, ReviewComment,
        State, StateValue, Subject, User,
    },
    port::{Outcome, Sink, Source},
};
use packhorse_testkit::{
    fake::{Access, BitbucketCloud, Fake, Gitea, Github, Gitlab, Options, Product, Token},
    samples, suite,
};
use std::sync::Arc;

/// A stand-in with people and nothing else, and a sink that writes to it.
struct Server {
    place: Place,
    fake: Fake,
    address: String,
    sink: Arc<dyn Sink>,
}

impl Server {
    /// A stand-in whose token is `who`'s; `address` has `{host}` where the stand-in is.
    async fn start<P: Product + 'static>(
        product: P,
        who: &str,
        address: &str,
        is_asked: fn(ObjectKind) -> bool,
    ) -> Self {
        let tokens = vec![Token::new(Options::TOKEN, who, Access::Admin)];
        let options = Options { tokens, ..Options::default() };
        let fake = Fake::start(product, options).await.unwrap();
        let people = (0..8).map(|n| samples::sample(ObjectKind::User, n));
        let owner = User { identity: Identity::login(who, None), ..User::default() };
        let owner = Record::new(who, Object::from(owner));
        fake.fill(people.chain([owner]).map(|it| (Scope::Shared, it)));
        let host = fake.url().trim_start_matches("http://");
        let address = address.replace("{host}", host).replace("{token}", Options::TOKEN);
        let place = Place::new();
        let sink = place.open(&address, Aim::Write).unwrap().sink.unwrap();
        Self { place, fake, address, sink: Arc::new(suite::Narrow(sink, is_asked)) }
    }

    /// With an organization, which the sink does not make.
    fn with_organization(self, path: &str) -> Self {
        let organization = Organization { path: path.into(), ..Organization::default() };
        let record = Record::new(path, Object::from(organization));
        self.fake.fill([(Scope::Shared, record)]);
        self
    }
}

#[async_trait]
impl suite::Place for Server {
    fn sink(&self) -> Arc<dyn Sink> {
        Arc::clone(&self.sink)
    }

    async fn source(&self) -> Arc<dyn Source> {
        self.place.open(&self.address, Aim::Read).unwrap().source.unwrap()
    }
}

/// What builds said is read of the commits that branches end in, which samples do not know.
fn by_github(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Project
            | ObjectKind::Label
            | ObjectKind::Milestone
            | ObjectKind::Release
            | ObjectKind::ReleaseAsset
            | ObjectKind::TagRule
            | ObjectKind::Webhook
            | ObjectKind::DeployKey
    )
}

/// The people of the samples are there already. A file is listed where a text leads to it, which the engine sees to; reactions are their
/// authors', who are of another server in the samples; of three members one is a team; what is
/// said of change requests names them by the source's numbers.
fn by_gitlab(kind: ObjectKind) -> bool {
    !matches!(
        kind,
        ObjectKind::Attachment
            | ObjectKind::User
            | ObjectKind::Reaction
            | ObjectKind::Member
            | ObjectKind::CommitStatus
            | ObjectKind::Review
            | ObjectKind::ReviewThread
            | ObjectKind::ReviewComment
    )
}

/// Of topics it takes 25, and the suite gives it a thousand; releases need their commits.
fn by_gitea(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Project
            | ObjectKind::Label
            | ObjectKind::Milestone
            | ObjectKind::BranchRule
            | ObjectKind::TagRule
            | ObjectKind::Webhook
            | ObjectKind::DeployKey
    )
}

fn by_bitbucket_cloud(kind: ObjectKind) -> bool {
    matches!(
        kind,
        ObjectKind::Project | ObjectKind::BranchRule | ObjectKind::Webhook | ObjectKind::DeployKey
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn github_keeps_the_contract() {
    suite::sink(async || {
        let address = "github:http://{token}@{host}/acme";
        Server::start(Github, "alice", address, by_github).await.with_organization("acme")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gitlab_keeps_the_contract() {
    // Its token is `acme`'s, so that there is no group but those that the suite writes.
    suite::sink(async || {
        Server::start(Gitlab, "acme", "gitlab:http://acme:{token}@{host}", by_gitlab).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gitea_keeps_the_contract() {
    suite::sink(async || {
        let address = "gitea:http://alice:{token}@{host}/acme";
        Server::start(Gitea, "alice", address, by_gitea).await.with_organization("acme")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bitbucket_cloud_keeps_the_contract() {
    suite::sink(async || {
        let address = "bitbucket-cloud:http://alice:{token}@{host}/acme";
        let product = BitbucketCloud::default();
        Server::start(product, "alice", address, by_bitbucket_cloud).await.with_organization("acme")
    })
    .await;
}

#[tokio::test]
async fn labels_of_gitea_are_listed_once() {
    let address = "gitea:http://alice:{token}@{host}/acme";
    let server = Server::start(Gitea, "alice", address, |_| true).await.with_organization("acme");
    let scope = place::app();
    server.sink.write(&scope, &place::project("acme/app"), None).await.unwrap();
    server.fake.take_log();

    for n in 0..50 {
        let label = place::label(&format!("label {n}"), "");
        server.sink.write(&scope, &label, None).await.unwrap();
    }

    // One for each label, and few besides.
    let n_asked = server.fake.take_log().len();
    assert!((50..60).contains(&n_asked), "{n_asked} requests");
}

#[tokio::test]
async fn a_topic_of_gitea_is_found_again() {
    let address = "gitea:http://alice:{token}@{host}/acme";
    let server = Server::start(Gitea, "alice", address, |_| true).await.with_organization("acme");
    let (scope, topic) = (place::app(), samples::sample(ObjectKind::Topic, 1));
    server.sink.write(&scope, &place::project("acme/app"), None).await.unwrap();
    assert_eq!(server.sink.find(&scope, &topic).await.unwrap(), None);

    let written = server.sink.write(&scope, &topic, None).await.unwrap();

    assert_eq!(server.sink.find(&scope, &topic).await.unwrap(), Some(written.target));
}

#[tokio::test]
async fn accounts_are_made_where_the_whole_of_a_gitlab_is_meant() {
    let address = "gitlab:http://alice:{token}@{host}";
    let server = Server::start(Gitlab, "alice", address, |_| true).await;
    let identity = Identity { name: Some("Dora".into()), ..Identity::login("dora", None) };
    let user = User { identity, bio: Some("flies".into()), is_blocked: true, ..User::default() };
    let record = Record::new("dora", Object::from(user));
    assert_eq!(server.sink.find(&Scope::Shared, &record).await.unwrap(), None);

    let written = server.sink.write(&Scope::Shared, &record, None).await.unwrap();

    assert_eq!(server.sink.find(&Scope::Shared, &record).await.unwrap(), Some(written.target));
    let made = server.fake.store(|store| store.known_user("dora").map(|(_, it)| it.clone()));
    let made = made.unwrap();
    assert_eq!((made.bio.as_deref(), made.is_blocked), (Some("flies"), true));
    assert!(written.losses.iter().any(|it| it.field == "emails"), "{:?}", written.losses);
    let one = server.place.open(&format!("{}/acme", server.address), Aim::Write).unwrap();
    let capabilities = one.sink.unwrap().probe().await.unwrap();
    assert!(!capabilities.of(ObjectKind::User).is_some());
}

#[tokio::test]
async fn a_project_of_gitea_without_a_repository_is_gone_on_with() {
    let address = "gitea:http://alice:{token}@{host}/acme";
    let server = Server::start(Gitea, "alice", address, |_| true).await.with_organization("acme");
    let scope = Scope::Project("acme/app".into());
    let project = samples::project_at("acme/app");
    let made = server.sink.write(&scope, &project, None).await.unwrap();

    // As a run does that goes on with one that died.
    server.sink.write(&scope, &project, Some(&made.target)).await.unwrap();

    assert_eq!(server.sink.finish(&scope).await.unwrap(), []);
}

fn change_request(number: u64) -> Record {
    let branch = |name: &str| Branch { name: name.into(), ..Branch::default() };
    let change = ChangeRequest {
        number,
        title: "add".into(),
        base: branch("main"),
        head: branch("topic"),
        ..ChangeRequest::default()
    };
    Record::new(number.to_string(), Object::from(change))
}

#[tokio::test]
async fn gitea_is_waited_for_until_it_has_noticed_what_was_pushed() {
    let address = "gitea:http://alice:{token}@{host}/acme";
    let server = Server::start(Gitea, "alice", address, |_| true).await.with_organization("acme");
    for with_change in [true, false] {
        let path = format!("acme/app-{with_change}");
        let scope = Scope::Project(path.clone());
        let project = Project {
            path: path.clone(),
            default_branch: Some("topic".into()),
            ..Project::default()
        };
        let project = Record::new(path.clone(), Object::from(project));
        server.sink.write(&scope, &project, None).await.unwrap();
        server.sink.remote(&path, RepoKind::Code).await.unwrap();
        server.fake.store(|store| store.will_be_pushed(&path, 2));
        let commit = place::commit(&server.fake.repository(&path, RepoKind::Code)).await;
        server.fake.store(|store| store.set_ref(&path, "refs/heads/topic", &commit)).unwrap();

        if with_change {
            let written = server.sink.write(&scope, &change_request(1), None).await.unwrap();
            assert_eq!((written.outcome, written.losses), (Outcome::Created, vec![]));
        }
        server.sink.finish(&scope).await.unwrap();

        let source = suite::Place::source(&server).await;
        assert!(source.remote(&path, RepoKind::Code).await.unwrap().is_some(), "{path}");
        let there = server.fake.store(|store| store.project(&path).unwrap().1.clone());
        assert_eq!(there.default_branch.as_deref(), Some("topic"));
    }
}

#[tokio::test]
async fn gitea_has_noticed_what_was_pushed_before_a_project_is_archived() {
    let address = "gitea:http://alice:{token}@{host}/acme";
    let server = Server::start(Gitea, "alice", address, |_| true).await.with_organization("acme");
    let scope = place::app();
    server.sink.write(&scope, &place::project("acme/app"), None).await.unwrap();
    server.sink.remote("acme/app", RepoKind::Code).await.unwrap();
    server.fake.store(|store| store.will_be_pushed("acme/app", 2));
    place::commit(&server.fake.repository("acme/app", RepoKind::Code)).await;

    let state =
        State { subject: Subject::Project, value: StateValue::Archived, ..State::default() };
    let record = Record::new("archived", Object::from(state));
    server.sink.write(&scope, &record, None).await.unwrap();

    assert!(!server.fake.store(|store| store.refs_told("acme/app")).is_empty());
}

#[tokio::test]
async fn a_repository_that_stays_empty_is_not_waited_for() {
    let address = "gitea:http://alice:{token}@{host}/acme";
    let server = Server::start(Gitea, "alice", address, |_| true).await.with_organization("acme");
    let scope = place::app();
    server.sink.write(&scope, &place::project("acme/app"), None).await.unwrap();
    server.sink.remote("acme/app", RepoKind::Code).await.unwrap();
    server.fake.take_log();

    server.sink.finish(&scope).await.unwrap();

    let log = server.fake.take_log();
    let asked = log.iter().filter(|it| it.target.ends_with("/repos/acme/app")).count();
    assert_eq!(asked, 1, "{log:?}");
}

#[tokio::test]
async fn what_stands_on_code_is_removed_where_the_product_removes_it() {
    for is_forgejo in [false, true] {
        let address = "gitea:http://alice:{token}@{host}/acme";
        let server =
            Server::start(Gitea, "alice", address, |_| true).await.with_organization("acme");
        let scope = place::app();
        if is_forgejo {
            server.fake.store(Gitea::become_forgejo);
        }
        let review = Review { change_request: 1, ..Review::default() };
        let comment = |review: &str| {
            let review = Some(HostId(review.to_owned()));
            ReviewComment { change_request: 1, review, ..ReviewComment::default() }
        };
        let records = [
            Record::new("7", Object::from(review)),
            Record::new("8", Object::from(comment("7"))),
            Record::new("9", Object::from(comment("7"))),
        ];
        let in_project = records.into_iter().chain([change_request(1)]);
        server.fake.fill([(Scope::Shared, place::project("acme/app"))]);
        server.fake.fill(in_project.map(|it| (scope.clone(), it)));

        let gone = Origin::new(ObjectKind::ReviewComment, "their own");
        server.sink.remove(&scope, &gone, &TargetId("8".to_owned())).await.unwrap();
        // What is gone already is no error.
        server.sink.remove(&scope, &gone, &TargetId("8".to_owned())).await.unwrap();

        let left = server.fake.store(|store| {
            store.all::<ReviewComment>(&scope).map(|(id, _)| id).collect::<Vec<_>>()
        });
        assert_eq!(left, [9], "Forgejo: {is_forgejo}");
    }
}
