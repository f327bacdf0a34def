//! APIs of other products, one folder each: routes, wire, render, error.

pub(crate) mod github;
