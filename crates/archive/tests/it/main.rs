//! Archive formats against the suites, against real archives and against hostile ones.

mod bitbucket_archive;
mod container;
mod ends;
mod gitea_dump;
mod github;
mod gitlab_archive;
mod packhorse;
