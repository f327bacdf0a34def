//! Archive formats against the suites, against real archives and against hostile ones.

mod container;
mod github;
mod packhorse;
