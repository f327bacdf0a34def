//! Stateful stand-ins for hosts, from the crate of fakes, and the check that tests want of them:
//! that every request of an adapter and every answer of a fake fits the host's own description.

use crate::description::Description;
pub use packhorse_fakes::*;

/// What of a log does not fit a description, one line for each fault.
///
/// Exchanges whose path contains one of `outside` are left out: what a product has and its
/// description leaves out. So are answers that a fault of the fake has spoilt.
pub fn misfits(description: &Description, log: &[Exchange], outside: &[&str]) -> Vec<String> {
    let mut misfits = Vec::new();
    for exchange in log {
        let is_outside = outside.iter().any(|it| exchange.target.contains(it));
        if is_outside {
            continue;
        }
        let Exchange { method, target, content_type, body, .. } = exchange;
        // A body that is sent without a media type is no JSON: GitHub takes it as one, and says so.
        misfits.extend(description.request(method, target, content_type.as_deref(), body));
        if let (Some(status), None) = (exchange.status, exchange.fault) {
            let media = exchange.answer_type.as_deref();
            misfits.extend(description.answer(method, target, status, media, &exchange.answer));
        }
    }
    let mut lines: Vec<String> = misfits.iter().map(ToString::to_string).collect();
    lines.sort();
    lines.dedup();
    lines
}
