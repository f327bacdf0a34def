//! Stub.
use crate::{
    exchange::{Answer, Request},
    limit::{Limit, Standing},
    server::Product,
    store::Store,
};
/// Stub.
pub struct Gitea;
impl Product for Gitea {
    fn published_limits(&self) -> Vec<Limit> {
        Vec::new()
    }
    fn limit_headers(&self, _: &[Standing]) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    fn too_many(&self, _: &Standing) -> Answer {
        Answer::no_content()
    }
    fn broken(&self) -> Answer {
        Answer::no_content()
    }
    fn answer(&self, _: &Request, _: &mut Store) -> Answer {
        Answer::no_content()
    }
}
