//! Who may do what: read, write or administer.

use packhorse_core::{
    Loss,
    model::{Member, Role},
};

/// The rights of either Bitbucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    Read,
    Write,
    Admin,
}

/// The right that lets do no more than a role, and what is lost; or why there is none.
///
/// `owners` says who owns there.
pub(crate) fn right(role: Role, owners: &str) -> Result<(Right, Option<Loss>), &'static str> {
    let less = |detail: &str| Some(Loss::sink("role", detail));
    match role {
        Role::None => Err("it has no rights"),
        Role::Guest | Role::Planner => Err("the least right here shows the code too"),
        Role::Read => Ok((Right::Read, None)),
        Role::Triage => {
            Ok((Right::Read, less("may read; closing what others opened needs more here")))
        }
        Role::Write => Ok((Right::Write, None)),
        Role::Maintain => {
            Ok((Right::Write, less("may write; settings are for administrators here")))
        }
        Role::Admin => Ok((Right::Admin, None)),
        Role::Owner => Ok((Right::Admin, less(&format!("administers; {owners}")))),
    }
}

/// The field for which somebody is given no right at all, and why.
pub(crate) fn unfit(it: &Member) -> Option<(&'static str, &'static str)> {
    if it.pending {
        return Some(("pending", "it was offered, and not accepted yet"));
    }
    it.expires_at.map(|_| ("expires_at", "rights have no end here, and it had one"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_role_lets_do_more_than_it_did() {
        for (role, most) in [
            (Role::None, None),
            (Role::Guest, None),
            (Role::Planner, None),
            (Role::Read, Some(Right::Read)),
            (Role::Triage, Some(Right::Read)),
            (Role::Write, Some(Right::Write)),
            (Role::Maintain, Some(Right::Write)),
            (Role::Admin, Some(Right::Admin)),
            (Role::Owner, Some(Right::Admin)),
        ] {
            assert_eq!(right(role, "").ok().map(|(it, _)| it), most, "{role:?}");
        }
    }
}
