//! How often both hosts are asked for one project more.

use super::world::{APIS, Api, INTERNAL, Place, Platform};

/// Projects that are all alike, each with somebody who may write beside its owner.
fn database(n_projects: usize) -> String {
    let mut text = "
        CREATE TABLE projects (id varchar(32) PRIMARY KEY, name text, owner text);
        CREATE TABLE project_acls (project_id varchar(32), name text, permission text);"
        .to_owned();
    for n in 0..n_projects {
        text += &format!(
            "INSERT INTO projects VALUES ('{n:032x}', 'p', 'ae-alice');
             INSERT INTO project_acls VALUES ('{n:032x}', 'ae-bob', 'rw');"
        );
    }
    text
}

/// Requests to the origin and to the destination, of a run with so many projects.
async fn asked(to: Api, n_projects: usize) -> Option<(u64, u64)> {
    let origin = Place::empty(INTERNAL).await?;
    let destination = Place::empty(to).await?;
    for n in 0..n_projects {
        origin.project(&format!("ae-alice-{n:032x}"), 1).await;
    }
    let platform = Platform::new(&database(n_projects))?;
    platform.ok(&origin, &destination, "");
    Some((origin.fake.n_requests(), destination.fake.n_requests()))
}

/// Of these, three go to the origin's Git and three to the destination's: refs, a pack, refs again.
/// A Gitea is asked until it has noticed the push.
#[tokio::test(flavor = "multi_thread")]
async fn a_project_more_asks_for_little_more() {
    const MORE: usize = 6;
    let at_most = [(4, 14), (4, 9), (4, 9), (6, 12), (4, 13)];
    let mut found = Vec::new();
    for to in APIS {
        let (Some(few), Some(many)) = (asked(to, 2).await, asked(to, 2 + MORE).await) else {
            return;
        };
        let each = |few: u64, many: u64| (many - few).div_ceil(MORE as u64);
        found.push((each(few.0, many.0), each(few.1, many.1)));
    }

    let is_little = found.iter().zip(at_most).all(|(it, most)| it.0 <= most.0 && it.1 <= most.1);
    assert!(is_little, "{found:?} are more than {at_most:?}");
}
