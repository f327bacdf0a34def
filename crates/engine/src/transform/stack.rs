//! The list of steps.

use super::{
    limits::Limits,
    links::{Files, Links, Numbers},
    paths::{PathMap, Paths},
    provenance::Provenance,
    users::{Credit, UserMap, Users, UsersError},
};
use packhorse_core::{Capabilities, job::JobOptions, port::Transform};
use std::sync::Arc;

/// What the steps have to know of a job.
#[derive(Clone, Copy, Debug)]
pub struct Route<'a> {
    /// How the job shall be done.
    pub options: &'a JobOptions,
    /// What the source can do.
    pub source: &'a Capabilities,
    /// What the destination can do.
    pub sink: &'a Capabilities,
    /// Which project becomes which.
    pub paths: &'a Arc<PathMap>,
}

/// The steps that every record of a job goes through, in order.
///
/// Links come before credit, so that only what people wrote is searched for
/// links; limits come after all that adds, but for the mark, which they leave
/// room for and which must never be cut.
///
/// # Errors
///
/// When the users file among the options cannot be read.
pub fn stack(route: Route<'_>) -> Result<Vec<Box<dyn Transform>>, UsersError> {
    let users = route.options.users.as_deref().map(UserMap::parse).transpose()?;
    let users = users.filter(|it| !it.is_empty()).map(Arc::new);
    let paths = route.paths;
    let links = Links::between(route.source, route.sink, Arc::clone(paths), users.clone());

    let mut steps: Vec<Box<dyn Transform>> = Vec::new();
    if let Some(map) = users {
        steps.push(Box::new(Users::new(map)));
    }
    if !paths.is_identity() {
        steps.push(Box::new(Paths::new(Arc::clone(paths))));
    }
    // Before numbers, since files are looked up by what they belong to at the source, and before
    // links, which give a text the destination's markup.
    steps.push(Box::new(Files));
    if !route.sink.keeps.numbers {
        steps.push(Box::new(Numbers));
    }
    if let Some(links) = links {
        steps.push(Box::new(links));
    }
    steps.push(Box::new(Credit));
    steps.push(Box::new(Limits));
    steps.push(Box::new(Provenance));
    Ok(steps)
}
