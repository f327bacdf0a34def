//! Where texts of the store may lead to what is in it: the hosts that it was filled from.

use super::error::StoreError;
use packhorse_core::{Addresses, Web};
use rusqlite::{Connection, Row, Transaction};

/// Most that are given: each text is searched for every one of them.
const MOST: u64 = 64;

const fn name(layout: Addresses) -> &'static str {
    match layout {
        Addresses::Paths => "paths",
        Addresses::Repositories => "repositories",
    }
}

/// Remembers some; what is known already stays as it is.
pub(super) fn remember(transaction: &Transaction<'_>, webs: &[Web]) -> Result<(), StoreError> {
    let mut insert = transaction
        .prepare_cached("INSERT INTO webs (url, layout) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for web in webs {
        insert.execute((&web.url, name(web.layout)))?;
    }
    Ok(())
}

/// All that are remembered, in order.
pub(super) fn all(connection: &Connection) -> Result<Vec<Web>, StoreError> {
    let mut select =
        connection.prepare_cached("SELECT url, layout FROM webs ORDER BY url LIMIT ?1")?;
    let web = |row: &Row<'_>| {
        let is_other = row.get::<_, String>(1)? == name(Addresses::Repositories);
        let layout = if is_other { Addresses::Repositories } else { Addresses::Paths };
        Ok(Web { layout, url: row.get(0)? })
    };
    let webs = select.query_map([MOST], web)?;
    Ok(webs.collect::<Result<_, _>>()?)
}
