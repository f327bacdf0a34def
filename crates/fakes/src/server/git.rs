//! Git over HTTP, through `git http-backend`. Source: git-http-backend(1), RFC 3875.

use super::{
    Inner, locked,
    serve::{Body, Response, respond},
};
use crate::{
    access::{Access, Caller},
    exchange::Answer,
};
use bytes::BytesMut;
use futures::stream;
use http::{HeaderName, HeaderValue, StatusCode, request::Parts};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use packhorse_core::{
    RepoKind,
    model::{Project, StateValue, Visibility},
};
use packhorse_git::{process::GitCommand, repository};
use std::{io, process::Stdio, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, ChildStdout},
};

/// Longest head that `git http-backend` may write, in bytes.
const LONGEST_HEAD: usize = 16 << 10;

/// Tells a path of a repository (without `.git`) from what is asked of it.
pub(super) fn split(path: &str) -> Option<(String, String)> {
    let marks = ["/info/refs", "/git-upload-pack", "/git-receive-pack", "/info/lfs/"];
    let at = marks.iter().find_map(|mark| path.find(mark))?;
    let repository = path[..at].strip_suffix(".git").unwrap_or(&path[..at]);
    Some((repository.to_owned(), path[at + 1..].to_owned()))
}

/// What a caller may do with a repository.
pub(super) struct Door {
    pub(super) project: String,
    pub(super) kind: RepoKind,
}

/// Lets a caller through to a repository, or says why not.
pub(super) fn door(
    inner: &Inner,
    path: &str,
    caller: &Caller,
    wanted: Access,
) -> Result<Door, Box<Answer>> {
    let challenge = || {
        let refusal = Answer::empty(StatusCode::UNAUTHORIZED);
        Box::new(refusal.with("www-authenticate", "Basic realm=\"fake\""))
    };
    let not_found = || Box::new(Answer::empty(StatusCode::NOT_FOUND));
    let (path, kind) = inner.product.repository(path);
    let store = locked(&inner.store);
    let Some((_, project, scope)) = store.project(&path) else {
        return Err(if *caller == Caller::Wrong { challenge() } else { not_found() });
    };
    let is_public = project.visibility == Visibility::Public && *caller != Caller::Wrong;
    let may_read = wanted == Access::Read && is_public;
    if !caller.may(wanted) && !may_read {
        return Err(match caller {
            Caller::Anonymous | Caller::Wrong => challenge(),
            Caller::Known { .. } => Box::new(Answer::empty(StatusCode::FORBIDDEN)),
        });
    }
    let is_archived = store
        .find::<packhorse_core::model::State>(&scope, |it| it.value == StateValue::Archived)
        .is_some();
    if wanted > Access::Read && is_archived {
        return Err(Box::new(Answer::empty(StatusCode::FORBIDDEN)));
    }
    let project = project.path.clone();
    let there = repository::is_repository(&store.repository(&project, kind));
    // A wiki is there when somebody has written to it.
    if !there && (wanted == Access::Read || store.make_repository(&project, kind).is_err()) {
        return Err(not_found());
    }
    Ok(Door { project, kind })
}

/// Serves one request of Git's protocol.
pub(super) async fn serve(
    inner: &Arc<Inner>,
    parts: &Parts,
    (path, rest): (&str, &str),
    caller: &Caller,
    body: Incoming,
) -> io::Result<Response> {
    let query = parts.uri.query().unwrap_or_default();
    let pushes = rest == "git-receive-pack" || query.contains("service=git-receive-pack");
    let wanted = if pushes { Access::Write } else { Access::Read };
    let door = match door(inner, path, caller, wanted) {
        Ok(door) => door,
        Err(answer) => return respond(*answer, &parts.headers, None).await,
    };
    if rest == "git-receive-pack" && door.kind == RepoKind::Code {
        locked(&inner.store).will_be_pushed(&door.project, inner.product.notices_after());
    }
    let command = command(inner, parts, rest, &door, caller);
    let mut child = command.spawn(Stdio::piped(), Stdio::piped()).map_err(io::Error::other)?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("the child has no streams"));
    };
    tokio::spawn(feed(body, stdin));
    let end = End { inner: Arc::clone(inner), command, child, door: pushes.then_some(door) };
    answer(BufReader::new(stdout), end).await
}

fn command(inner: &Inner, parts: &Parts, rest: &str, door: &Door, caller: &Caller) -> GitCommand {
    let header = |name: &str| {
        parts.headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default().to_owned()
    };
    let root = locked(&inner.store).git_root();
    let suffix = match door.kind {
        RepoKind::Code => "git",
        RepoKind::Wiki => "wiki.git",
    };
    inner
        .git
        .command(["http-backend"])
        .setting("receive.hideRefs", inner.product.own_refs())
        .variable("GIT_PROJECT_ROOT", root.to_string_lossy())
        .variable("GIT_HTTP_EXPORT_ALL", "1")
        .variable("REMOTE_USER", caller.login().unwrap_or_default())
        .variable("REQUEST_METHOD", parts.method.as_str())
        .variable("PATH_INFO", format!("/{}.{suffix}/{rest}", door.project))
        .variable("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .variable("CONTENT_TYPE", header("content-type"))
        .variable("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .variable("GIT_PROTOCOL", header("git-protocol"))
}

async fn feed(mut body: Incoming, mut stdin: ChildStdin) {
    while let Some(Ok(frame)) = body.frame().await {
        if let Some(data) = frame.data_ref()
            && stdin.write_all(data).await.is_err()
        {
            break;
        }
    }
}

/// What has to be done when the program is through.
struct End {
    inner: Arc<Inner>,
    command: GitCommand,
    child: Child,
    door: Option<Door>,
}

impl End {
    async fn come(self) {
        // What Git said on its standard error is of no use to a client that has its answer.
        drop(self.command.wait(self.child).await);
        if let Some(door) = self.door {
            adopt_branch(&self.inner, &door);
        }
    }
}

/// An end that comes also when the client leaves as soon as it knows what it wants to know.
struct Surely(Option<End>);

impl Drop for Surely {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(end), Ok(runtime)) = (self.0.take(), runtime) {
            runtime.spawn(end.come());
        }
    }
}

/// Lets the first branch that was pushed be what a clone checks out, as hosts do.
fn adopt_branch(inner: &Inner, door: &Door) {
    let mut store = locked(&inner.store);
    let refs = store.refs(&door.project, door.kind);
    let mut branches = refs.keys().filter_map(|it| it.strip_prefix("refs/heads/"));
    let Some((id, project, _)) = store.project(&door.project) else { return };
    let told = project.default_branch.clone().unwrap_or_default();
    let chosen = format!("refs/heads/{told}");
    if refs.contains_key(&chosen) {
        // It was chosen before there was anything to check out.
        if door.kind == RepoKind::Code {
            let path = store.repository(&door.project, door.kind);
            drop(repository::set_head(&path, &chosen));
        }
        return;
    }
    let known =
        ["main", "master"].into_iter().find(|it| refs.contains_key(&format!("refs/heads/{it}")));
    let Some(branch) = known.or_else(|| branches.next()).map(str::to_owned) else { return };
    let path = store.repository(&door.project, door.kind);
    drop(repository::set_head(&path, &format!("refs/heads/{branch}")));
    if door.kind == RepoKind::Code
        && let Some(project) = store.get_mut::<Project>(&packhorse_core::Scope::Shared, id)
    {
        project.default_branch = Some(branch);
    }
}

/// Reads the head that the program writes, and streams the rest.
async fn answer(mut output: BufReader<ChildStdout>, end: End) -> io::Result<Response> {
    let mut response = http::Response::new(Body::default());
    let mut read = 0;
    loop {
        let mut line = String::new();
        read += (&mut output).take(LONGEST_HEAD as u64).read_line(&mut line).await?;
        if line.is_empty() || read > LONGEST_HEAD {
            *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            return Ok(response);
        }
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        if name == "Status" {
            let number = value.split(' ').next().and_then(|it| it.parse().ok());
            *response.status_mut() = number.unwrap_or(StatusCode::OK);
        } else if let (Ok(name), Ok(value)) =
            (name.parse::<HeaderName>(), HeaderValue::from_str(value))
        {
            response.headers_mut().insert(name, value);
        }
    }
    let state = (output, Surely(Some(end)));
    let pieces = stream::try_unfold(state, |(mut output, mut end)| async move {
        let mut piece = BytesMut::with_capacity(64 << 10);
        if output.read_buf(&mut piece).await? == 0 {
            if let Some(end) = end.0.take() {
                end.come().await;
            }
            return Ok::<_, io::Error>(None);
        }
        Ok(Some((Frame::data(piece.freeze()), (output, end))))
    });
    *response.body_mut() = StreamBody::new(pieces).boxed_unsync();
    Ok(response)
}
