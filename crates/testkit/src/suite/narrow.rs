//! A sink that promises less than it can: the kinds all variants of which it holds.

use async_trait::async_trait;
use packhorse_core::{
    Capabilities, HostError, ObjectKind,
    port::{AroundSink, Sink},
};
use std::sync::Arc;

/// A sink, and whether it is asked for a kind.
///
/// [`sink`](super::sink) writes samples of everything that is promised. Where a host or a format
/// holds some of a kind's variants alone, this leaves the kind to tests beside the suite.
pub struct Narrow(pub Arc<dyn Sink>, pub fn(ObjectKind) -> bool);

#[async_trait]
impl AroundSink for Narrow {
    fn inner(&self) -> &dyn Sink {
        &*self.0
    }

    async fn probe(&self) -> Result<Capabilities, HostError> {
        let promised = self.0.probe().await?;
        let others = ObjectKind::ALL.iter().filter(|it| !(self.1)(**it));
        Ok(others.fold(promised, |it, kind| it.without(*kind, "it is tested beside the suite")))
    }
}
