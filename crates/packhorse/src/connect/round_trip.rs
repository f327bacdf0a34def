//! A private repository that is made, pushed to, cloned, and removed again.

use super::check::Finding;
use crate::{error::AppError, projects::host::Host, registry};
use packhorse_core::{
    Access, GitRemote, HostError, HostErrorKind, Object, Origin, Record, RepoKind, Scope, TargetId,
    model::{ObjectFormat, Project, Visibility},
    port::Sink,
};
use packhorse_git::{Git, RefPolicy, TransferOptions, refs, repository, transfer};
use std::path::Path;

/// What the probe's name begins with.
const PREFIX: &str = "packhorse-probe-";

/// Makes the probe, pushes, clones, and removes it; whatever happens, it is removed if it can be.
pub(super) async fn run(host: &Host, scratch: &Path) -> Result<Vec<Finding>, AppError> {
    let sink = registry::sink(&host.location, scratch, (Access::Write, false))?;
    // The time is in it, so that no two are called the same.
    let name = format!("{PREFIX}{}", uuid::Uuid::now_v7().simple());
    let path = format!("{}/{name}", host.organization);
    let scope = Scope::Project(path.clone());
    let project = Project {
        path: path.clone(),
        name,
        description: Some("A probe; it can be removed".to_owned()),
        visibility: Visibility::Private,
        default_branch: Some("main".to_owned()),
        ..Project::default()
    };
    let record = Record::new(path.clone(), Object::from(project));
    let made = match sink.write(&scope, &record, None).await {
        Ok(made) => made,
        Err(error) => {
            return Ok(vec![Finding::failed(
                "probe",
                &format!("`{path}` could not be made"),
                &error,
                "give the account the right to make repositories in the organization",
            )]);
        }
    };
    let mut findings = vec![Finding::good("probe", format!("`{path}` was made, private"))];
    findings.push(match there_and_back(&*sink, host, &path, scratch).await {
        Ok(()) => Finding::good("push and clone", "one commit came back as it went"),
        Err(error) => Finding::failed(
            "push and clone",
            "the commit did not come back",
            &*error,
            "look whether the token may write repositories over https",
        ),
    });
    findings.push(remove(&*sink, &scope, &record.origin, &made.target).await);
    Ok(findings)
}

async fn remove(sink: &dyn Sink, scope: &Scope, origin: &Origin, target: &TargetId) -> Finding {
    match sink.remove(scope, origin, target).await {
        Ok(()) => Finding::good("removal", "the probe is gone"),
        Err(error) => Finding::failed(
            "removal",
            &format!("`{scope}` is still there"),
            &error,
            "remove it by hand; the platform removes repositories with their projects, so its \
             account needs that right",
        ),
    }
}

type Error = Box<dyn std::error::Error + Send + Sync>;

async fn there_and_back(
    sink: &dyn Sink,
    host: &Host,
    path: &str,
    scratch: &Path,
) -> Result<(), Error> {
    let git = Git::find().await?;
    let (here, back) = (scratch.join("probe.git"), scratch.join("probe-back.git"));
    for directory in [&here, &back] {
        repository::init_bare(directory, ObjectFormat::Sha1)?;
    }
    let commit = "commit refs/heads/main\n\
                  committer Packhorse <packhorse@packhorse.invalid> 0 +0000\n\
                  data 5\nProbe\n\n";
    git.inside(&here, ["fast-import", "--quiet"]).run(commit.as_bytes()).await?;
    let remote = sink.remote(path, RepoKind::Code).await?;
    let remote = remote
        .ok_or_else(|| HostError::new(HostErrorKind::NotFound, "find the probe's repository"))?;
    let (here, back) = (GitRemote::local(&here), GitRemote::local(&back));
    let policy = RefPolicy::between("local", host.spec.id);
    transfer(&git, &here, &remote, &TransferOptions::new(policy, scratch)).await?;
    let policy = RefPolicy::between(host.spec.id, "git");
    transfer(&git, &remote, &back, &TransferOptions::new(policy, scratch)).await?;
    let (sent, found) = (refs::list(&git, &here).await?, refs::list(&git, &back).await?);
    match sent.refs == found.refs {
        true => Ok(()),
        false => Err("what came back is not what was sent".into()),
    }
}
