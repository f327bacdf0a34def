//! What a host that cannot hold some fields does to an object.

use packhorse_core::{Gap, HostError, HostErrorKind, Loss, Object, fingerprint::exact};
use serde_json::Value;

/// The object without the fields of the gaps, and a loss for each that held something.
pub(super) fn without(
    object: &Object,
    gaps: &[Gap],
    losses: &mut Vec<Loss>,
) -> Result<Object, HostError> {
    if gaps.is_empty() {
        return Ok(object.clone());
    }
    let fail = |error| HostError::new(HostErrorKind::Protocol, "write a record").because(error);
    let mut fields: Value = serde_json::from_slice(&exact(object)).map_err(fail)?;
    for gap in gaps {
        if take(&mut fields, gap.field) {
            losses.push(Loss::sink(gap.field, gap.why));
        }
    }
    Object::from_fields(object.kind(), fields.to_string().as_bytes()).map_err(fail)
}

/// Removes a field, named by the fields around it and dots; whether it was there.
pub(crate) fn take(fields: &mut Value, name: &str) -> bool {
    let Some(fields) = fields.as_object_mut() else { return false };
    match name.split_once('.') {
        Some((outer, inner)) => fields.get_mut(outer).is_some_and(|it| take(it, inner)),
        None => fields.remove(name).is_some(),
    }
}
