//! Reads everything out of an archive, whatever it is.

use packhorse_core::{Access, HostSpec, Lane, Location, ObjectKind, OpenContext, Scope};
use std::path::Path;

/// Puts something where an archive is looked for, opens it as one of that format and reads every
/// lane of every project in it.
pub fn read_all(spec: &HostSpec, put: impl FnOnce(&Path) -> std::io::Result<()>) {
    let Ok(directory) = tempfile::tempdir() else { return };
    let path = &directory.path().join("archive");
    if put(path).is_err() {
        return;
    }
    let (host, rest) = (spec.id.into(), path.display().to_string());
    let (project, credentials, more_credentials) = (None, None, Vec::new());
    let location = Location { host, rest, project, credentials, more_credentials };
    let scratch = directory.path().join("scratch");
    let context = OpenContext { scratch, access: Access::Read, resume: false };
    // What is wrong with it is an error; only a panic is a finding.
    drop(packhorse_archive::check(path));
    let Ok(endpoint) = (spec.open)(&location, &context) else { return };
    let Some(source) = endpoint.source else { return };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    runtime.block_on(async {
        let projects = Lane::new(Scope::Shared, ObjectKind::Project);
        let Ok(page) = source.read(&projects, None).await else { return };
        let scopes = page.records.into_iter().map(|it| Scope::Project(it.origin.id));
        for scope in scopes.chain([Scope::Shared]) {
            for kind in ObjectKind::ALL.iter().copied() {
                drop(source.read(&Lane::new(scope.clone(), kind), None).await);
            }
        }
    });
}
