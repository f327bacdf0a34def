//! A small platform: its database, its Git host and another one, stand-ins both.

use crate::bench::{Bench, Ran};
use crate::postgres::Database;
use packhorse_core::{
    Access, HostSpec, Object, OpenContext, Record, RepoKind, Scope,
    model::{
        self, Grantee, Identity, Member, ObjectFormat, Organization, Project, Role, User,
        Visibility,
    },
};
use packhorse_fakes::{
    BitbucketCloud, BitbucketServer, Fake, Gitea, Github, Gitlab, Options, Token,
};
use packhorse_git::{Git, repository};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// Ids of projects, as the platform makes them.
pub(crate) const ONE: &str = "0123456789abcdef0123456789abcde1";
pub(crate) const TWO: &str = "0123456789abcdef0123456789abcde2";
pub(crate) const EMPTY: &str = "0123456789abcdef0123456789abcde3";

/// Three projects: one of `ae-alice` with two collaborators, one of `ae-bob`, one that is empty.
pub(crate) const DATABASE: &str = "
    CREATE TABLE projects (id varchar(32) PRIMARY KEY, name text, owner text, created timestamptz);
    CREATE TABLE project_acls (project_id varchar(32), name text, type text, permission text);
    INSERT INTO projects VALUES
        ('0123456789abcdef0123456789abcde1', 'Churn model', 'ae-alice', now()),
        ('0123456789abcdef0123456789abcde2', 'Dashboard', 'ae-bob', now()),
        ('0123456789abcdef0123456789abcde3', 'Nothing yet', 'ae-alice', now());
    INSERT INTO project_acls VALUES
        ('0123456789abcdef0123456789abcde1', 'ae-bob', 'user', 'rw'),
        ('0123456789abcdef0123456789abcde1', 'ae-carol', 'user', 'r');
";

/// Who is who.
pub(crate) const MAPPINGS: &str = "ae-alice:alice\nae-bob:bob\nae-carol:carol\n";

/// One of the five API types, with the host of ours that speaks it and a stand-in for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Api {
    pub(crate) name: &'static str,
    pub(crate) host: &'static str,
    /// Where repositories are kept there.
    pub(crate) organization: &'static str,
}

/// All of them, in the order of the page.
pub(crate) const APIS: [Api; 5] = [
    Api { name: "internal", host: "gitea", organization: "anaconda" },
    Api { name: "bitbucket-v1-api", host: "bitbucket-server", organization: "AN" },
    Api { name: "bitbucket-v2-api", host: "bitbucket-cloud", organization: "acme" },
    Api { name: "github-v3-api", host: "github", organization: "acme" },
    Api { name: "gitlab-v4-api", host: "gitlab", organization: "acme" },
];

pub(crate) const INTERNAL: Api = APIS[0];
pub(crate) const SERVER: Api = APIS[1];
pub(crate) const GITHUB: Api = APIS[3];
pub(crate) const GITLAB: Api = APIS[4];

impl Api {
    fn spec(self) -> Option<&'static HostSpec> {
        packhorse_hosts::named(self.host)
    }

    /// Whether this build reads or writes it.
    pub(crate) fn is_spoken(self, access: Access) -> bool {
        let Some(spec) = self.spec() else { return false };
        let location = format!("{}:http://127.0.0.1:9/acme", self.host).parse().unwrap();
        let scratch = std::env::temp_dir();
        let opened = (spec.open)(&location, &OpenContext { scratch, access, resume: false });
        let Ok(opened) = opened else { return false };
        if access == Access::Read { opened.source.is_some() } else { opened.sink.is_some() }
    }

    async fn stand_in(self, options: Options) -> Option<Fake> {
        let started = match self.host {
            "gitea" => Fake::start(Gitea, options).await,
            "bitbucket-server" => Fake::start(BitbucketServer, options).await,
            "bitbucket-cloud" => Fake::start(BitbucketCloud::default(), options).await,
            "github" => Fake::start(Github, options).await,
            "gitlab" => Fake::start(Gitlab, options).await,
            _ => return None,
        };
        Some(started.unwrap())
    }
}

/// A stand-in for a host, with people and an organization.
pub(crate) struct Place {
    pub(crate) api: Api,
    pub(crate) fake: Fake,
}

impl Place {
    /// A host without repositories; `None` while there is no stand-in for it.
    pub(crate) async fn empty(api: Api) -> Option<Self> {
        Self::filled(api, Options::default()).await
    }

    /// A host without repositories whose token lets do no more than that.
    pub(crate) async fn that_lets(api: Api, access: packhorse_fakes::Access) -> Self {
        let tokens = vec![Token::new(Options::TOKEN, "alice", access)];
        Self::filled(api, Options { tokens, ..Options::default() }).await.unwrap()
    }

    async fn filled(api: Api, options: Options) -> Option<Self> {
        let fake = api.stand_in(options).await?;
        let mut records = Vec::new();
        for login in ["alice", "bob", "carol"] {
            let identity = Identity {
                email: Some(format!("{login}@acme.example")),
                name: Some(login.to_owned()),
                ..Identity::login(login, None)
            };
            let is_admin = login == "alice";
            let user = User { identity, is_admin, ..User::default() };
            records.push((Scope::Shared, Record::new(login, Object::from(user))));
        }
        let organization = Organization {
            path: api.organization.to_owned(),
            name: Some(api.organization.to_owned()),
            ..Organization::default()
        };
        let organization = Object::from(organization);
        records.push((Scope::Shared, Record::new(api.organization, organization)));
        fake.fill(records);
        Some(Self { api, fake })
    }

    /// A host with the repositories of the three projects.
    pub(crate) async fn origin(api: Api) -> Option<Self> {
        let place = Self::empty(api).await?;
        place.project(&format!("ae-alice-{ONE}"), 1).await;
        place.project(&format!("ae-bob-{TWO}"), 2).await;
        place.project(&format!("ae-alice-{EMPTY}"), 0).await;
        Some(place)
    }

    /// Full path of a repository.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.api.organization)
    }

    /// Makes a private repository with so many commits, a branch and a tag for each.
    pub(crate) async fn project(&self, name: &str, n_commits: u32) {
        let path = self.path(name);
        let project = Project {
            path: path.clone(),
            name: name.to_owned(),
            visibility: Visibility::Private,
            default_branch: Some("master".to_owned()),
            ..Project::default()
        };
        self.fake.fill([(Scope::Shared, Record::new(path.clone(), Object::from(project)))]);
        self.commit(&path, n_commits, "master").await;
    }

    /// Writes a history into a repository of a path.
    pub(crate) async fn commit(&self, path: &str, n_commits: u32, branch: &str) {
        let directory = self.fake.repository(path, RepoKind::Code);
        repository::init_bare(&directory, ObjectFormat::Sha1).unwrap();
        repository::set_head(&directory, "refs/heads/master").unwrap();
        let who = "Alice Archer <alice@acme.example>";
        let mut text = String::new();
        for n in 1..=n_commits {
            let content = format!("{path} {branch} {n}\n");
            text += &format!(
                "commit refs/heads/{branch}\ncommitter {who} {} +0000\n",
                1_709_283_000 + n
            );
            text += &format!(
                "data 5\nWork\n\nM 100644 inline file-{n}\ndata {}\n{content}\n",
                content.len()
            );
            text += &format!("reset refs/tags/0.{n}.0\nfrom refs/heads/{branch}\n\n");
            text += &format!("reset refs/heads/work-{n}\nfrom refs/heads/{branch}\n\n");
        }
        let git = Git::find().await.unwrap();
        let import = git.inside(&directory, ["fast-import", "--quiet", "--force"]);
        import.run(text.as_bytes()).await.unwrap();
    }

    /// The refs of a repository, those that the host keeps to itself apart.
    pub(crate) fn refs(&self, path: &str) -> BTreeMap<String, String> {
        let refs = self.fake.store(|store| store.refs(path, RepoKind::Code));
        let is_open =
            |name: &str| name.starts_with("refs/heads/") || name.starts_with("refs/tags/");
        refs.into_iter().filter(|(name, _)| is_open(name)).collect()
    }

    /// Who may read and who may write in a project.
    pub(crate) fn rights(&self, path: &str) -> BTreeSet<(String, bool)> {
        let scope = self.fake.store(|store| store.project(path).map(|(_, _, scope)| scope));
        let scope = scope.unwrap_or_else(|| Scope::Project(path.to_owned()));
        self.fake.store(|store| {
            let members = store.all::<Member>(&scope).filter_map(|(_, it)| match &it.grantee {
                Grantee::User(who) => Some((who.login.clone(), it.role >= Role::Write)),
                Grantee::Team { .. } | Grantee::Group(_) => None,
            });
            members.collect()
        })
    }

    /// Chooses what a clone of a project checks out.
    pub(crate) fn choose(&self, path: &str, branch: &str) {
        let directory = self.fake.repository(path, RepoKind::Code);
        repository::set_head(&directory, &format!("refs/heads/{branch}")).unwrap();
        self.fake.store(|store| {
            let id = store.project(path).map(|(id, _, _)| id).unwrap();
            let project = store.get_mut::<Project>(&Scope::Shared, id).unwrap();
            project.default_branch = Some(branch.to_owned());
        });
    }

    /// Gives somebody a right in a project.
    pub(crate) fn seat(&self, path: &str, login: &str, role: Role) {
        let grantee = Grantee::User(Identity::login(login, None));
        let member = Member { place: model::Place::Project, grantee, role, ..Member::default() };
        let scope = self.fake.store(|store| store.project(path).map(|(_, _, scope)| scope));
        let record = Record::new(login, Object::from(member));
        self.fake.fill([(scope.unwrap(), record)]);
    }

    /// The options of one side.
    pub(crate) fn options(&self, side: &str) -> String {
        format!(
            "--{side}-api-type {} --{side}-api-url {} --{side}-username alice \
             --{side}-organization {}",
            self.api.name,
            self.fake.url(),
            self.api.organization
        )
    }
}

/// A directory with the mappings file in it, and the options that are the same in each run.
pub(crate) struct Platform {
    pub(crate) bench: Bench,
    pub(crate) database: Database,
}

impl Platform {
    /// With the database of these statements; `None` where there is no PostgreSQL.
    pub(crate) fn new(statements: &str) -> Option<Self> {
        let database = Database::filled(statements)?;
        let bench = Bench::new();
        fs::write(bench.path("mappings"), MAPPINGS).unwrap();
        Some(Self { bench, database })
    }

    /// The arguments of a run between two hosts.
    pub(crate) fn arguments(&self, from: &Place, to: &Place, more: &str) -> String {
        format!(
            "migrate-projects {} {} {} --dest-user-mappings mappings {more}",
            self.database.options(),
            from.options("origin"),
            to.options("dest")
        )
    }

    /// Runs it; secrets come from the pipe.
    pub(crate) fn run(&self, from: &Place, to: &Place, more: &str) -> Ran {
        let secrets = format!("\n{0}\n{0}\n", Options::TOKEN);
        self.bench.talk(&self.arguments(from, to, more), &secrets)
    }

    /// Runs it, and all must arrive.
    #[track_caller]
    pub(crate) fn ok(&self, from: &Place, to: &Place, more: &str) -> Ran {
        let ran = self.run(from, to, more);
        assert_eq!(ran.status, Some(0), "{ran}");
        ran
    }
}
