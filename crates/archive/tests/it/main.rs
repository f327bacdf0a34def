//! Archive formats against the suites, against real archives and against hostile ones.

mod github;
mod packhorse;
