//! People: who becomes whom, and who wrote what where the destination does not keep it.

mod credit;
mod map;
mod visit;

pub use credit::Credit;
pub(crate) use credit::{inert, name};
pub use map::{Account, MAX_USERS_BYTES, UserMap, UsersError};
pub use visit::{identities, identities_mut};

use packhorse_core::{
    Record,
    model::Identity,
    port::{Context, Transform},
};
use std::sync::Arc;

/// Gives every identity in a record the account that the users file says.
///
/// Somebody whom the file does not mention stays who they are.
#[derive(Debug)]
pub struct Users {
    map: Arc<UserMap>,
}

impl Users {
    /// The step for that map.
    pub fn new(map: Arc<UserMap>) -> Self {
        Self { map }
    }
}

impl Transform for Users {
    fn name(&self) -> &'static str {
        "users"
    }

    fn apply(&self, context: &Context<'_>, record: &mut Record) {
        let host = context.sink.web_url.as_deref().and_then(host_of);
        for identity in identities_mut(&mut record.object) {
            if let Some(account) = self.map.account(&identity.login) {
                become_account(identity, account, host);
            }
        }
    }
}

fn become_account(identity: &mut Identity, account: &Account, host: Option<&str>) {
    identity.login.clone_from(&account.login);
    if account.name.is_some() {
        identity.name.clone_from(&account.name);
    }
    if account.email.is_some() {
        identity.email.clone_from(&account.email);
    }
    identity.host = host.map(str::to_owned);
}

/// The host's name in an address such as `https://host.example:8443/path`.
fn host_of(web_url: &str) -> Option<&str> {
    let rest = web_url.split_once("://")?.1;
    rest.split(['/', ':']).next().filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use packhorse_core::{
        Capabilities, Object, Scope, Support,
        model::{Grantee, Issue, Member},
    };

    fn apply(file: &str, object: Object) -> Object {
        let caps = Capabilities::promised(|_| Support::Full, "test");
        let context = Context { source: &caps, sink: &caps, scope: &Scope::Shared };
        let step = Users::new(Arc::new(UserMap::parse(file).unwrap()));
        let mut record = Record::new("1", object);
        step.apply(&context, &mut record);
        record.object
    }

    #[test]
    fn mapped_people_change_and_others_stay() {
        let object = Object::from(Issue {
            author: Some(Identity::login("ann", Some("old.example"))),
            assignees: vec![Identity::login("bob", Some("old.example"))],
            ..Issue::default()
        });

        let Object::Issue(issue) = apply("ann:lee", object) else { panic!("an issue") };

        assert_eq!(issue.author, Some(Identity::login("lee", None)));
        assert_eq!(issue.assignees, [Identity::login("bob", Some("old.example"))]);
    }

    #[test]
    fn a_grantee_is_mapped_too() {
        let grantee = Grantee::User(Identity::login("ann", None));

        let object = apply("ann:lee", Object::from(Member { grantee, ..Member::default() }));

        assert_eq!(identities(&object)[0].login, "lee");
    }

    #[test]
    fn the_host_is_read_out_of_an_address() {
        assert_eq!(host_of("https://git.example:8443/x"), Some("git.example"));
        assert_eq!(host_of("local"), None);
    }
}
