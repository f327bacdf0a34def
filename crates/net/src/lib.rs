//! HTTP, once, for every host: so far how listings go on from page to page.
//!
//! Nothing here knows a host by name. What sends requests comes with the first
//! host that is reached over HTTP.

pub mod page;
