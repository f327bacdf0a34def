//! Numbers that the host gives by itself.

use packhorse_core::{Object, ObjectKind};

/// Whether a host that numbers by itself numbers that kind.
pub(super) fn is_numbered(kind: ObjectKind) -> bool {
    kind == ObjectKind::Issue || kind == ObjectKind::ChangeRequest
}

/// The object under the number that it got.
pub(super) fn renumbered(mut object: Object, id: &str) -> Object {
    let Ok(n) = id.parse() else { return object };
    if let Object::Issue(it) = &mut object {
        it.number = n;
    } else if let Object::ChangeRequest(it) = &mut object {
        it.number = n;
    }
    object
}
