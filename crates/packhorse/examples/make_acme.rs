//! Writes `examples/acme.tar.gz` from the files in `examples/acme/`.
//!
//! `records.ndjson` has a record a line in the canonical model, the
//! `.fast-import` files are Git histories, the rest are the bytes of an
//! attachment and of a release asset. `examples/make-acme` runs it.

use packhorse_core::{
    Access, Location, Object, ObjectKind, OpenContext, Record, RepoKind, Scope,
    model::{Grantee, Member, Place, Subject},
    port::{BlobRef, Sink},
};
use packhorse_git::{Git, repository};
use serde::Deserialize;
use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

/// A line of `records.ndjson`; an empty id is made from the record.
#[derive(Deserialize)]
struct Line {
    scope: String,
    kind: ObjectKind,
    id: String,
    value: serde_json::Value,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let out = std::env::args_os().nth(1);
    let out = out.map_or_else(|| examples.join("acme.tar.gz"), PathBuf::from);
    if out.exists() {
        fs::remove_file(&out)?;
    }
    let scratch = tempfile::tempdir()?;
    let location: Location = format!("github-archive:{}", out.display()).parse()?;
    let context =
        OpenContext { scratch: scratch.path().to_owned(), access: Access::Write, resume: false };
    let endpoint = (packhorse_archive::github::SPEC.open)(&location, &context)?;
    let sink = endpoint.sink.ok_or("the format cannot be written")?;

    let input = examples.join("acme");
    let mut lines = Vec::new();
    for line in fs::read_to_string(input.join("records.ndjson"))?.lines() {
        lines.push(serde_json::from_str::<Line>(line)?);
    }
    // Load order, as the engine would bring them.
    lines.sort_by_key(|it| (it.scope.clone(), it.kind));
    for line in lines {
        write(&*sink, &input, line).await?;
    }
    for (project, repo, file) in [
        ("acme/widgets", RepoKind::Code, "widgets.fast-import"),
        ("acme/widgets", RepoKind::Wiki, "widgets.wiki.fast-import"),
        ("acme/site", RepoKind::Code, "site.fast-import"),
    ] {
        import(&*sink, project, repo, &input.join(file)).await?;
    }
    for project in ["acme/site", "acme/widgets"] {
        sink.finish(&Scope::Project(project.to_owned())).await?;
    }
    sink.finish(&Scope::Shared).await?;
    Ok(())
}

async fn write(sink: &dyn Sink, input: &Path, line: Line) -> Result<(), Box<dyn Error>> {
    let scope = Scope::from_key(&line.scope);
    let object = Object::from_fields(line.kind, line.value.to_string().as_bytes())?;
    let id = if line.id.is_empty() { id_of(&object) } else { line.id };
    let record = Record::new(id, object);
    let file = if let Object::Attachment(it) = &record.object {
        Some(it.name.clone())
    } else if let Object::ReleaseAsset(it) = &record.object {
        Some(it.name.clone())
    } else {
        None
    };
    if let Some(name) = file {
        let bytes = fs::read(input.join(name))?;
        let size = Some(bytes.len() as u64);
        let origin = record.origin.clone();
        let blob = BlobRef { scope: scope.clone(), origin, size, sha256: None };
        let bytes = futures::stream::iter([Ok(bytes.into())]);
        sink.save(&blob, Box::pin(bytes)).await?;
    }
    let written = sink.write(&scope, &record, None).await?;
    // What the archive cannot hold has no place in the sample.
    if let Some(loss) = written.losses.first() {
        return Err(format!("{} {}: {}", record.origin, loss.field, loss.detail).into());
    }
    Ok(sink.flush(&scope).await?)
}

/// Ids of what people have no name for, as the reader of the format makes them.
fn id_of(object: &Object) -> String {
    if let Object::Member(it) = object {
        return member_id(it);
    }
    let Object::Reaction(it) = object else { return format!("{object:?}") };
    let author = it.author.as_ref().map(|it| it.login.clone()).unwrap_or_default();
    let subject = if let Subject::Issue(number) = &it.subject {
        format!("issue/{number}")
    } else if let Subject::ChangeRequest(number) = &it.subject {
        format!("change_request/{number}")
    } else if let Subject::Comment(id) = &it.subject {
        format!("comment/{}", id.0)
    } else {
        format!("{:?}", it.subject)
    };
    format!("{subject}/{author}/{}", it.content)
}

fn member_id(it: &Member) -> String {
    let place = match &it.place {
        Place::Project => "project".to_owned(),
        Place::ProjectAt(path) => format!("project/{path}"),
        Place::Organization(path) => format!("organization/{path}"),
        Place::Team { organization, slug } => format!("team/{organization}/{slug}"),
    };
    let who = match &it.grantee {
        Grantee::User(user) => user.login.clone(),
        Grantee::Team { organization, slug } => format!("team/{organization}/{slug}"),
        Grantee::Group(name) => format!("group/{name}"),
    };
    format!("{place}/{who}")
}

async fn import(
    sink: &dyn Sink,
    project: &str,
    repo: RepoKind,
    history: &Path,
) -> Result<(), Box<dyn Error>> {
    let remote = sink.remote(project, repo).await?.ok_or("no place for a repository")?;
    let path = remote.url.as_path().ok_or("the repository is not on this machine")?.to_owned();
    let history = fs::read(history)?;
    Git::find().await?.inside(&path, ["fast-import", "--quiet"]).run(&history).await?;
    let head = if repo == RepoKind::Wiki { "refs/heads/master" } else { "refs/heads/main" };
    Ok(repository::set_head(&path, head)?)
}
