//! Tokens of the service.

use super::{
    AnyError, Store, StoreError, now_ms,
    sql::{Row, values},
};
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

const COLUMNS: &str = "id, name, \"user\", digest, scopes, created_at, expires_at, revoked_at";

fn token(row: &Row) -> Result<TokenRow, AnyError> {
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
    pub(crate) async fn add_token(&self, new: TokenRow) -> Result<(), StoreError> {
        self.write("keep a token", move |tx| {
            Box::pin(async move {
                let sql = "INSERT INTO tokens
                     (id, name, \"user\", digest, scopes, created_at, expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
                let (id, times) = (new.id, (new.created_at, new.expires_at));
                let whose =
                    values![id, new.name, new.user, new.digest, new.scopes, times.0, times.1];
                tx.execute(sql, whose).await?;
                Ok(())
            })
        })
        .await
    }

    /// A token by its public part.
    pub(crate) async fn token(&self, id: String) -> Result<Option<TokenRow>, StoreError> {
        if let Some(row) = self.tokens.of(&id) {
            return Ok(Some(row));
        }
        let found = self.read("look up a token", move |tx| {
            Box::pin(async move {
                let sql = format!("SELECT {COLUMNS} FROM tokens WHERE id = ?1");
                tx.row(&sql, values![id]).await?.as_ref().map(token).transpose()
            })
        });
        let found = found.await?;
        if let Some(row) = found.as_ref().filter(|_| self.is_shared()) {
            self.tokens.keep(row.id.clone(), row.clone());
        }
        Ok(found)
    }

    /// All tokens, oldest first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, StoreError> {
        self.read("list tokens", |tx| {
            Box::pin(async move {
                let sql = format!("SELECT {COLUMNS} FROM tokens ORDER BY created_at, id");
                tx.rows(&sql, &[]).await?.iter().map(token).collect()
            })
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
        let gone = id.clone();
        let done = self.write("take a token back", move |tx| {
            Box::pin(async move {
                let sql = "UPDATE tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
                Ok(tx.execute(sql, values![gone, now_ms()]).await? > 0)
            })
        });
        let done = done.await;
        self.tokens.forget(&id);
        done
    }
}
