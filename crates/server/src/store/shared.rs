//! What processes that share a database settle between them; in a file of one process it is
//! settled at once.

use super::{Inner, Store, StoreError, now_ms, sql::values};
use packhorse_core::job::JobId;
use packhorse_database::Client;

/// Number of the lock for whoever looks whether there is room and takes it: `PHTU`.
const TURN: i64 = 0x5048_5455;

/// How long something is in hand without a sign of life, in milliseconds.
const IN_HAND_MS: i64 = 60_000;

/// It is this process's turn, until this goes.
pub(crate) struct Turn<'a> {
    _here: tokio::sync::MutexGuard<'a, ()>,
    there: Option<Client>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // The lock belongs to the connection, and ends with it.
        drop(self.there.take().map(Client::take));
    }
}

impl Store {
    /// Waits for its turn to look whether there is room, and to take it: one at a time, in all
    /// processes together. `here` is the same for all who wait in this process.
    pub(crate) async fn turn<'a>(
        &self,
        here: &'a tokio::sync::Mutex<()>,
    ) -> Result<Turn<'a>, StoreError> {
        let here = here.lock().await;
        let there = match &*self.inner {
            Inner::File(_) => None,
            Inner::Shared(connections) => {
                let waiting = async {
                    let client = connections.take().await?;
                    client.execute("SELECT pg_advisory_lock($1)", &[&TURN]).await?;
                    Ok(client)
                };
                let waited = waiting.await;
                Some(waited.map_err(|source| StoreError { operation: "wait for a turn", source })?)
            }
        };
        Ok(Turn { _here: here, there })
    }

    /// Takes something in hand with a part that no claim of the journal guards; `false` when
    /// another process has it. It is to be renewed before a minute has gone.
    pub(crate) async fn take_in_hand(&self, part: u64) -> Result<bool, StoreError> {
        let now = now_ms();
        self.write("take a job in hand", move |tx| {
            Box::pin(async move {
                let sql = "UPDATE parts SET held_until = ?2 WHERE id = ?1 AND held_until <= ?3";
                Ok(tx.execute(sql, values![part, now + IN_HAND_MS, now]).await? > 0)
            })
        })
        .await
    }

    /// Keeps it in hand for another minute, or lets go of it.
    pub(crate) async fn keep_in_hand(&self, part: u64, still: bool) -> Result<(), StoreError> {
        let until = if still { now_ms() + IN_HAND_MS } else { 0 };
        self.write("keep a job in hand", move |tx| {
            Box::pin(async move {
                tx.execute("UPDATE parts SET held_until = ?2 WHERE id = ?1", values![part, until])
                    .await?;
                Ok(())
            })
        })
        .await
    }

    /// Nobody has anything in hand: for a file, whose only process has just begun.
    pub(crate) async fn let_all_go(&self) -> Result<(), StoreError> {
        self.write("let all jobs go", move |tx| {
            Box::pin(async move {
                tx.execute("UPDATE parts SET held_until = 0, queueing_at = 0 WHERE held_until > 0 OR queueing_at > 0", &[]).await?;
                Ok(())
            })
        })
        .await
    }

    /// Notes under which number a job stands in the journal; `false` when it stands there under
    /// another already.
    pub(crate) async fn queued(&self, part: u64, job: JobId) -> Result<bool, StoreError> {
        self.write("note a job's number", move |tx| {
            Box::pin(async move {
                let sql = "UPDATE parts SET job = ?2, spec = NULL WHERE id = ?1 AND job IS NULL";
                Ok(tx.execute(sql, values![part, job]).await? > 0)
            })
        })
        .await
    }

    /// Keeps what tells the service's key from others in a shared database, unless something is
    /// kept there; whether what is kept there is this.
    pub(crate) async fn knows_key(&self, mark: Vec<u8>) -> Result<bool, StoreError> {
        if !self.is_shared() {
            return Ok(true);
        }
        self.write("look up the mark of the key", move |tx| {
            Box::pin(async move {
                let add = "INSERT INTO service_key (mark) VALUES (?1) ON CONFLICT DO NOTHING";
                tx.execute(add, values![mark.clone()]).await?;
                let kept: Vec<u8> = tx.value("SELECT mark FROM service_key", &[]).await?;
                Ok(kept == mark)
            })
        })
        .await
    }
}
