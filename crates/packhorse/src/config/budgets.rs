//! What is left of hosts' limits, shared with other processes through a database.

use crate::error::AppError;
use async_trait::async_trait;
use packhorse_database::{Notes, Pool};
use packhorse_net::{
    Budgets, Common,
    budget::{Change, CommonError},
};
use std::sync::Arc;

/// Budgets in a database.
struct InDatabase(Notes);

#[async_trait]
impl Common for InDatabase {
    async fn change(&self, account: &str, step: Change<'_>) -> Result<(), CommonError> {
        self.0.change(account, step).await
    }
}

/// From now on, this process keeps hosts' limits together with all others at that database.
pub(crate) async fn share_budgets(pool: Pool) -> Result<(), AppError> {
    let notes = Notes::new(pool);
    let salt = notes.salt().await;
    let salt =
        salt.map_err(|error| AppError::failed("the database cannot be used").because(error))?;
    // What was said before holds: it is the same database.
    let _is_first = Budgets::shared().share(Arc::new(InDatabase(notes)), salt);
    Ok(())
}
