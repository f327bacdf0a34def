//! Bitbucket Cloud against its stand-in.

use packhorse_core::{Access, GitCredentials, Location, OpenContext, Secret, port::Source};
use packhorse_testkit::{
    description::Description,
    fake::{BitbucketCloud, Fake, Options, misfits, sample},
    suite,
};
use std::sync::Arc;
use tempfile::TempDir;

/// A stand-in, and a directory for what its ends keep for a while.
struct Stand {
    fake: Fake,
    scratch: TempDir,
}

impl Stand {
    async fn new(product: BitbucketCloud) -> Self {
        let fake = Fake::start(product, Options::default()).await.unwrap();
        Self { fake, scratch: tempfile::tempdir().unwrap() }
    }

    fn open(&self, access: Access) -> packhorse_core::Endpoint {
        let password = Secret::new(Options::TOKEN);
        let location = Location {
            host: "bitbucket-cloud".to_owned(),
            rest: format!("{}/acme", self.fake.url()),
            project: None,
            credentials: Some(GitCredentials { username: "alice".to_owned(), password }),
            more_credentials: Vec::new(),
        };
        let scratch = self.scratch.path().to_owned();
        let context = OpenContext { scratch, access, resume: false };
        (packhorse_hosts::named("bitbucket-cloud").unwrap().open)(&location, &context).unwrap()
    }

    fn source(&self) -> Arc<dyn Source> {
        self.open(Access::Read).source.unwrap()
    }

    /// All that was asked and answered must be as the descriptions say.
    fn check(&self, files: &[&str]) {
        let log = self.fake.take_log();
        for file in files {
            let Some(description) = Description::published(file) else { return };
            // Said of listings in general, and not of each.
            let general = ["page", "pagelen", "fields", "sort", "q", "ctx"];
            let description = general.into_iter().fold(description, Description::allow);
            let known: Vec<_> = log
                .iter()
                .filter(|it| description.knows(&it.method, &it.target))
                .cloned()
                .collect();
            let mut found = misfits(&description, &known, &["/refs/branches/"]);
            found.retain(|it| !it.contains(": null"));
            assert_eq!(found, Vec::<String>::new(), "{file}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sample_keeps_the_contract_of_a_source() {
    for has_issues in [false, true] {
        let stand = Stand::new(BitbucketCloud { has_issues }).await;
        sample::fill(&stand.fake).await.unwrap();

        suite::source(&*stand.source()).await;

        stand.check(&[
            "bitbucket-cloud.trim.json",
            "bitbucket-cloud.2023-apisguru.issues-only.json",
        ]);
    }
}
