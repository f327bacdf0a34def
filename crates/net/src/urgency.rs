//! Requests that others wait for go before those.
//!
//! Where a host numbers what comes, everything that hangs on a number waits until it was given. Were
//! each request served in its turn, dozens that hang on numbers that are there would stand before
//! the one that gives the next.

tokio::task_local! {
    static FIRST: ();
}

/// Does work whose requests go before all others where a host is asked as often as it may be.
pub async fn first<T>(work: impl Future<Output = T>) -> T {
    FIRST.scope((), work).await
}

/// Whether this is done for such work.
pub(crate) fn is_first() -> bool {
    FIRST.try_with(|()| ()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_goes_first_until_it_ends() {
        assert!(!is_first());
        assert!(first(async { is_first() }).await);
        assert!(!is_first());
    }
}
