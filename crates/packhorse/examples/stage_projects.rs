//! Two stand-ins for Git hosts, the first with many small projects, for `scripts/bench-projects`.
//!
//! `stage_projects HOST PROJECTS LATENCY_MS`: prints the two addresses and the token in a line each,
//! and runs until its input ends; then it prints how many requests each of the two got.

use packhorse_core::{
    Object, Record, RepoKind, Scope,
    model::{Identity, ObjectFormat, Organization, Project, User, Visibility},
};
use packhorse_fakes::{
    BitbucketCloud, BitbucketServer, Fake, Gitea, Github, Gitlab, Options, fault::Faults,
};
use packhorse_git::{Git, repository};
use std::{
    error::Error,
    fs,
    io::{Read as _, Write as _},
    path::Path,
    time::Duration,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, n_projects, latency] = &arguments[..] else {
        return Err("stage_projects HOST PROJECTS LATENCY_MS".into());
    };
    let options = || Options { keeps_log: false, ..Options::default() };
    let origin = Fake::start(Gitea, options()).await?;
    let destination = match host.as_str() {
        "internal" => Fake::start(Gitea, options()).await?,
        "bitbucket-v1-api" => Fake::start(BitbucketServer, options()).await?,
        "bitbucket-v2-api" => Fake::start(BitbucketCloud::default(), options()).await?,
        "github-v3-api" => Fake::start(Github, options()).await?,
        "gitlab-v4-api" => Fake::start(Gitlab, options()).await?,
        _ => return Err(format!("there is no stand-in for {host}").into()),
    };
    for (fake, organization) in [(&origin, "anaconda"), (&destination, "ACME")] {
        fake.fill(people(organization));
    }
    lay_out(&origin, n_projects.parse()?).await?;
    let latency = Duration::from_millis(latency.parse()?);
    for fake in [&origin, &destination] {
        fake.set_faults(Faults { latency, ..Faults::default() });
    }
    let mut out = std::io::stdout();
    writeln!(out, "{}\n{}\n{}", origin.url(), destination.url(), Options::TOKEN)?;
    out.flush()?;
    let waiting = tokio::task::spawn_blocking(|| {
        let mut rest = Vec::new();
        std::io::stdin().read_to_end(&mut rest)
    });
    waiting.await??;
    writeln!(out, "{} {}", origin.n_requests(), destination.n_requests())?;
    Ok(())
}

fn people(organization: &str) -> Vec<(Scope, Record)> {
    let mut records: Vec<_> = ["alice", "bob"]
        .into_iter()
        .map(|login| {
            let identity = Identity {
                email: Some(format!("{login}@acme.example")),
                ..Identity::login(login, None)
            };
            let user = User { identity, is_admin: login == "alice", ..User::default() };
            (Scope::Shared, Record::new(login, Object::from(user)))
        })
        .collect();
    let path = organization.to_owned();
    let organization = Organization { name: Some(path.clone()), path, ..Organization::default() };
    let id = organization.path.clone();
    records.push((Scope::Shared, Record::new(id, Object::from(organization))));
    records
}

/// Makes the projects `alice-<id>`, all with the same ten commits and two tags.
async fn lay_out(origin: &Fake, n_projects: u32) -> Result<(), Box<dyn Error>> {
    let mut text = String::new();
    for n in 1..=10 {
        let content = format!("{n}\n").repeat(200);
        text += &format!("commit refs/heads/master\ncommitter a <a@acme.example> {n} +0000\n");
        text += &format!("data 5\nWork\n\nM 100644 inline file-{n}\ndata {}\n", content.len());
        text += &format!("{content}\n");
    }
    text += "reset refs/tags/0.1.0\nfrom refs/heads/master\n\n";
    text += "reset refs/tags/0.2.0\nfrom refs/heads/master\n\n";
    let git = Git::find().await?;
    let mut first = None;
    for n in 1..=n_projects {
        let path = format!("anaconda/alice-{n:032x}");
        let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
        let project = Project {
            path: path.clone(),
            name,
            visibility: Visibility::Private,
            default_branch: Some("master".to_owned()),
            ..Project::default()
        };
        origin.fill([(Scope::Shared, Record::new(path.clone(), Object::from(project)))]);
        let directory = origin.repository(&path, RepoKind::Code);
        match &first {
            None => {
                repository::init_bare(&directory, ObjectFormat::Sha1)?;
                repository::set_head(&directory, "refs/heads/master")?;
                let import = git.inside(&directory, ["fast-import", "--quiet"]);
                import.run(text.as_bytes()).await?;
                first = Some(directory);
            }
            Some(first) => copy(first, &directory)?,
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
