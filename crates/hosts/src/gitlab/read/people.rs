//! Names behind the server's ids, asked for once each.

use super::GitlabSource;
use crate::gitlab::{
    map::{identity, settings::Named},
    wire,
};
use packhorse_core::{HostError, model::Grantee};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// How many names are remembered.
const REMEMBERED: usize = 10_000;

/// What ids stand for; `None` for what is gone.
#[derive(Default)]
pub(super) struct People {
    grantees: Mutex<BTreeMap<(bool, u64), Option<Grantee>>>,
    projects: Mutex<BTreeMap<u64, Option<String>>>,
}

/// What is remembered, and room for more.
fn remember<K: Ord, V>(map: &Mutex<BTreeMap<K, V>>, key: K, value: V) {
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    if map.len() >= REMEMBERED {
        map.clear();
    }
    map.insert(key, value);
}

fn recall<K: Ord, V: Clone>(map: &Mutex<BTreeMap<K, V>>, key: &K) -> Option<V> {
    map.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
}

impl GitlabSource {
    /// Who is named in a rule; those who are gone are left out.
    pub(super) async fn grantees(&self, named: &[Named]) -> Result<Vec<Grantee>, HostError> {
        let mut found = Vec::new();
        for it in named {
            let (key, id) = match it {
                Named::User(id) => ((true, *id), id.to_string()),
                Named::Group(id) => ((false, *id), id.to_string()),
            };
            if let Some(known) = recall(&self.people.grantees, &key) {
                found.extend(known);
                continue;
            }
            let grantee = match it {
                Named::User(_) => {
                    let user: Option<wire::User> =
                        self.api.find(&["users", &id], &[], "read who is named in a rule").await?;
                    user.and_then(|it| identity(&it, self.host())).map(Grantee::User)
                }
                Named::Group(_) => {
                    let group: Option<wire::Group> =
                        self.api.find(&["groups", &id], &[], "read who is named in a rule").await?;
                    group.and_then(|it| it.full_path).map(Grantee::Group)
                }
            };
            remember(&self.people.grantees, key, grantee.clone());
            found.extend(grantee);
        }
        Ok(found)
    }

    /// The path of a project by its id; `None` for one that is gone or hidden.
    pub(super) async fn path_of(&self, id: u64) -> Result<Option<String>, HostError> {
        if let Some(known) = recall(&self.people.projects, &id) {
            return Ok(known);
        }
        let text = id.to_string();
        let found: Option<wire::Project> =
            self.api.find(&["projects", &text], &[], "read where a change comes from").await?;
        let path = found.and_then(|it| it.path_with_namespace);
        remember(&self.people.projects, id, path.clone());
        Ok(path)
    }
}
