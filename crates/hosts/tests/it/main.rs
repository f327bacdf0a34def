//! The hosts, through their public door alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends there")]

mod bitbucket_cloud;
mod git;
mod gitea;
mod local;
mod place;
mod sinks;
mod suites;

#[test]
fn every_host_is_found_by_its_name() {
    for host in packhorse_hosts::HOSTS {
        assert_eq!(packhorse_hosts::named(host.id).map(|it| it.id), Some(host.id));
    }

    assert!(packhorse_hosts::named("nowhere").is_none());
}
