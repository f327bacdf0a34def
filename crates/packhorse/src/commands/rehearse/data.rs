//! What a stand-in is filled with: somebody's own data, and the accounts that both ends know.

use crate::{
    cli::Globals,
    config::{self, End, Hosts},
    error::AppError,
    registry,
};
use futures::TryStreamExt as _;
use packhorse_core::{
    HostError, Lane, Object, ObjectKind, Record, RepoKind, Scope,
    model::Blob,
    port::{BlobRef, Source},
};
use packhorse_fakes::{Handle, store};
use std::path::Path;

/// Largest blob that is laid out in a stand-in, in bytes; a larger one is left without its bytes.
const LARGEST_BLOB: u64 = 64 << 20;

/// Fills a stand-in with everything that a location holds.
pub(super) async fn carry(
    globals: &Globals,
    from: &str,
    to: &Handle,
    scratch: &Path,
) -> Result<(), AppError> {
    let hosts = Hosts::read(globals)?;
    let from = config::with_credentials(&hosts, &hosts.locate(from)?, End::Source)?;
    let source = registry::source(&from, scratch)?;
    source.probe().await?;
    let mut projects = Vec::new();
    for &kind in ObjectKind::ALL {
        if kind.is_shared() || kind == ObjectKind::Project {
            let lane = Lane::new(Scope::Shared, kind);
            each(&*source, &lane, |record| {
                if let Object::Project(it) = &record.object {
                    projects.push(it.path.clone());
                }
                to.fill([(Scope::Shared, record)]);
            })
            .await?;
        }
    }
    for path in projects {
        project(&*source, &path, to).await?;
    }
    Ok(())
}

/// Reads a lane to its end.
async fn each(
    source: &dyn Source,
    lane: &Lane,
    mut take: impl FnMut(Record),
) -> Result<(), HostError> {
    let mut at = None;
    loop {
        let page = source.read(lane, at.as_ref()).await?;
        page.records.into_iter().for_each(&mut take);
        match page.next {
            Some(next) => at = Some(next),
            None => return Ok(()),
        }
    }
}

async fn project(source: &dyn Source, path: &str, to: &Handle) -> Result<(), AppError> {
    let scope = Scope::Project(path.to_owned());
    for kind in [RepoKind::Code, RepoKind::Wiki] {
        if let Some(remote) = source.remote(path, kind).await? {
            to.fill_repository(path, kind, &remote).await.map_err(|error| {
                AppError::failed(format!("could not copy a repository of {path}")).because(error)
            })?;
        }
    }
    for &kind in ObjectKind::ALL {
        let is_git = matches!(kind, ObjectKind::Repository | ObjectKind::Wiki);
        if !kind.in_project() || is_git {
            continue;
        }
        let mut blobs = Vec::new();
        each(source, &Lane::new(scope.clone(), kind), |record| {
            if let Some(blob) = blob_of(&record.object) {
                blobs.push((record.origin.clone(), blob));
            }
            to.fill([(scope.clone(), record)]);
        })
        .await?;
        for (origin, blob) in blobs {
            let size = blob.size.unwrap_or(0);
            let at = BlobRef { scope: scope.clone(), origin, size: blob.size, sha256: blob.sha256 };
            if size <= LARGEST_BLOB {
                lay_out(source, path, to, &at).await?;
            }
        }
    }
    Ok(())
}

fn blob_of(object: &Object) -> Option<Blob> {
    if let Object::ReleaseAsset(it) = object {
        return it.blob.clone();
    }
    if let Object::Attachment(it) = object {
        return Some(it.blob.clone());
    }
    if let Object::LfsObject(it) = object { Some(it.blob.clone()) } else { None }
}

async fn lay_out(
    source: &dyn Source,
    path: &str,
    to: &Handle,
    at: &BlobRef,
) -> Result<(), AppError> {
    let bytes: Vec<bytes::Bytes> = source.open(at, 0).await?.try_collect().await?;
    let bytes = bytes.concat();
    if at.origin.kind == ObjectKind::LfsObject {
        to.fill_lfs(path, at.sha256.as_deref().unwrap_or_default(), &bytes)?;
        return Ok(());
    }
    to.store(|store| {
        let Some(id) = store.id_of(&at.scope, &at.origin) else { return Ok(()) };
        let name = if at.origin.kind == ObjectKind::Attachment {
            store::attachment_blob(path, id)
        } else {
            store::asset_blob(path, id)
        };
        store.save_blob(&name, &bytes)
    })?;
    Ok(())
}
