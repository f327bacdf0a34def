//! Short texts under names, which processes change one after the other.

use crate::{AnyError, Connections, Pool, Schema};

/// The tables; they are made under the lock `PHN1`.
const SCHEMA: Schema = Schema {
    of: "notes of processes",
    version: "notes_version",
    lock: 0x5048_4e31,
    steps: &[include_str!("../migrations/0001_notes.sql")],
};

/// Short texts under names, which processes change one after the other. They may be gone after a
/// crash of the database: whoever needs them knows them too.
#[derive(Debug)]
pub struct Notes {
    connections: Connections,
}

impl Notes {
    /// In that database; its tables are made when it is first used.
    #[must_use]
    pub const fn new(pool: Pool) -> Self {
        Self { connections: Connections::new(pool, SCHEMA) }
    }

    /// A text that nobody outside of the database could guess, the same for all processes.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    pub async fn salt(&self) -> Result<String, AnyError> {
        let client = self.connections.take().await?;
        Ok(client.query_one("SELECT salt FROM notes_version", &[]).await?.try_get(0)?)
    }

    /// Calls `step` once with the text under a name, and keeps what it gives, if anything. Nobody
    /// else changes that text meanwhile.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached; `step` may have been called even so.
    pub async fn change(
        &self,
        name: &str,
        step: &mut (dyn FnMut(Option<&str>) -> Option<String> + Send),
    ) -> Result<(), AnyError> {
        let mut client = self.connections.take().await?;
        let transaction = client.transaction().await?;
        let select = "SELECT body FROM notes WHERE name = $1 FOR UPDATE";
        let select = transaction.prepare_cached(select).await?;
        let mut row = transaction.query_opt(&select, &[&name]).await?;
        if row.is_none() {
            let add = "INSERT INTO notes (name, body) VALUES ($1, NULL) ON CONFLICT DO NOTHING";
            transaction.execute(add, &[&name]).await?;
            row = transaction.query_opt(&select, &[&name]).await?;
        }
        let kept: Option<String> = row.map(|row| row.try_get(0)).transpose()?.flatten();
        if let Some(text) = step(kept.as_deref()) {
            let update =
                transaction.prepare_cached("UPDATE notes SET body = $2 WHERE name = $1").await?;
            transaction.execute(&update, &[&name, &text]).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
