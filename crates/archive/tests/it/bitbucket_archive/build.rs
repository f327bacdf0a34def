//! Exports made in the test, and endpoints opened on them.

use crate::ends;
pub(super) use crate::{
    ends::{app, explain, records},
    github::build::{gzip, tar},
};
use packhorse_archive::bitbucket_archive::SPEC;
use packhorse_core::port::{Sink, Source};
use std::{path::Path, sync::Arc};

pub(super) const INSTANCE: &str = "com.atlassian.bitbucket.server.bitbucket-instance-migration";
pub(super) const GIT: &str = "com.atlassian.bitbucket.server.bitbucket-git";

/// Entries of an export, in their order.
#[derive(Default)]
pub(super) struct Entries(pub(super) Vec<(String, Vec<u8>)>);

impl Entries {
    /// One repository, `acme/app`, with nothing in it.
    pub(super) fn app() -> Self {
        let mut entries = Self::default();
        entries.json(
            &format!("{INSTANCE}_instanceDetails/instance-details.json.atl.gz"),
            r#"{"product":"Bitbucket Data Center","version":"9.4.18","archiveVersion":2}"#,
        );
        entries.json(
            &format!("{INSTANCE}_metadata/project_1/project.json.atl.gz"),
            r#"{"description":"All of it","id":"1","key":"acme","name":"Acme","public":false,"type":0}"#,
        );
        entries.json(
            &format!("{INSTANCE}_permissions/project/1/all-permissions.json.atl.gz"),
            r#"{"projectAdmin":false,"projectRead":false,"projectWrite":false}"#,
        );
        entries
            .0
            .push(("_/repository/hierarchy_begin/0123456789abcdef0123".to_owned(), Vec::new()));
        entries.json(
            &format!("{INSTANCE}_metadata/project_1/repository_2.json.atl.gz"),
            r#"{"forkable":true,"hierarchyId":"0123456789abcdef0123","id":"2","name":"The app","projectId":"1","public":false,"scmId":"git","slug":"app"}"#,
        );
        entries
    }

    pub(super) fn json(&mut self, name: &str, json: &str) -> &mut Self {
        self.0.push((name.to_owned(), gzip(json.as_bytes())));
        self
    }

    /// A tar of refs, a tar of objects.
    pub(super) fn git(
        &mut self,
        skeleton: &[(&str, &[u8])],
        objects: &[(&str, &[u8])],
    ) -> &mut Self {
        let name = |part: &str| format!("{GIT}_git/repositories/2/{part}");
        self.0.push((name("metadata/metadata.atl.tar.atl.gz"), gzip(&tar(skeleton))));
        self.0.push((name("contents/objects.atl.tar"), tar(objects)));
        self
    }

    /// A change request, with its activities.
    pub(super) fn request(&mut self, number: u64, metadata: &str, activities: &str) -> &mut Self {
        let name = |file: &str| {
            format!("{INSTANCE}_pullRequests/repository/2/pullrequest/{number}/{file}.json.atl.gz")
        };
        self.json(&name("metadata"), metadata);
        self.json(&name("activities"), activities)
    }

    /// The file of it, and its end.
    pub(super) fn file(&self, directory: &Path) -> std::path::PathBuf {
        let mut bytes = Vec::new();
        let file = directory.join("Bitbucket_export_1.tar");
        let members: Vec<(&str, &[u8])> =
            self.0.iter().map(|(name, data)| (name.as_str(), data.as_slice())).collect();
        // Most names are longer than a header has room for.
        let mut tar = tar::Builder::new(&mut bytes);
        for (name, data) in members {
            let mut header = tar::Header::new_gnu();
            header.set_size(data.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, data).unwrap();
        }
        tar.into_inner().unwrap();
        std::fs::write(&file, bytes).unwrap();
        file
    }

    pub(super) fn source(&self, directory: &Path) -> Arc<dyn Source> {
        source(&self.file(directory))
    }
}

pub(super) fn source(path: &Path) -> Arc<dyn Source> {
    ends::source(&SPEC, path)
}

pub(super) fn sink(path: &Path, resume: bool) -> Arc<dyn Sink> {
    ends::sink(&SPEC, path, resume)
}
