//! Tokens of the service.

use super::{Store, StoreError, now_ms};
use rusqlite::{OptionalExtension, Row};
use serde::Serialize;

/// A token as it is kept: never the token itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenRow {
    /// Its public part, by which it is found.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// Who acts with it.
    pub user: String,
    /// Keyed hash of the whole token.
    #[serde(skip)]
    pub digest: Vec<u8>,
    /// What it may do, separated by spaces.
    pub scopes: String,
    /// When it was made, in milliseconds since 1970.
    pub created_at: i64,
    /// When it ends, in milliseconds since 1970.
    pub expires_at: Option<i64>,
    /// When it was taken back, in milliseconds since 1970.
    pub revoked_at: Option<i64>,
}

const COLUMNS: &str = "id, name, user, digest, scopes, created_at, expires_at, revoked_at";

fn row(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        id: row.get(0)?,
        name: row.get(1)?,
        user: row.get(2)?,
        digest: row.get(3)?,
        scopes: row.get(4)?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
        revoked_at: row.get(7)?,
    })
}

impl Store {
    pub(crate) async fn add_token(&self, token: TokenRow) -> Result<(), StoreError> {
        self.write("keep a token", move |tx| {
            let values = (
                token.id,
                token.name,
                token.user,
                token.digest,
                token.scopes,
                token.created_at,
                token.expires_at,
            );
            tx.execute(
                "INSERT INTO tokens (id, name, user, digest, scopes, created_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                values,
            )?;
            Ok(())
        })
        .await
    }

    pub(crate) async fn token(&self, id: String) -> Result<Option<TokenRow>, StoreError> {
        self.read("look up a token", move |tx| {
            let sql = format!("SELECT {COLUMNS} FROM tokens WHERE id = ?1");
            Ok(tx.prepare_cached(&sql)?.query_row([id], row).optional()?)
        })
        .await
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        self.read("list tokens", |tx| {
            let sql = format!("SELECT {COLUMNS} FROM tokens ORDER BY created_at, id");
            let mut statement = tx.prepare(&sql)?;
            let rows = statement.query_map([], row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Takes a token back; `false` when there is no such token, or it was taken back already.
    ///
    /// # Errors
    ///
    /// When the database cannot be written.
    pub async fn revoke_token(&self, id: &str) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write("take a token back", move |tx| {
            let sql = "UPDATE tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
            Ok(tx.execute(sql, (id, now_ms()))? > 0)
        })
        .await
    }
}
