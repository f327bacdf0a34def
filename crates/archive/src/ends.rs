//! What a location of a spooled format is opened as.

use crate::spool::{Layout, SpoolSink};
use packhorse_core::{Access, Endpoint, HostError, Location, OpenContext, port::Source};
use std::{path::Path, sync::Arc};

/// A source where an archive is read, or is there already; a sink where one is written.
pub(crate) fn open<L: Layout + 'static>(
    location: &Location,
    context: &OpenContext,
    source: impl FnOnce(&Path, Option<String>, &Path) -> Result<Arc<dyn Source>, HostError>,
    layout: impl FnOnce(&Path) -> L,
) -> Result<Endpoint, HostError> {
    let path = Path::new(&location.rest);
    let is_written = context.access != Access::Read;
    let mut endpoint = Endpoint::default();
    if !is_written || path.exists() {
        endpoint.source = Some(source(path, location.project.clone(), &context.scratch)?);
    }
    if is_written {
        let sink = SpoolSink::new(layout(path), path, &context.scratch, context.resume);
        endpoint.sink = Some(Arc::new(sink));
    }
    Ok(endpoint)
}
