//! APIs of other products, one folder each: routes, wire, render, error.

pub(crate) mod bitbucket;
pub(crate) mod github;
pub(crate) mod gitlab;
