//! Whether a remote has the files that history points to.

use super::{
    LfsError, LfsRoute, LostAt, LostFile, Pointer,
    batch::{Granted, OBJECTS_A_BATCH, Operation, Verdict},
    checked::{Fault, checked},
    download::Opened,
    end::End,
};
use futures::{
    Stream, StreamExt, TryStreamExt,
    stream::{self, BoxStream},
};
use std::sync::Arc;

/// How deep to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// The destination says that it has the file.
    Presence,
    /// The file is read there, and has its size and hash.
    Content,
}

impl LfsRoute {
    /// The files that the destination lacks or, where its content is looked at,
    /// has otherwise; `found` hears of each.
    ///
    /// # Errors
    ///
    /// When the destination cannot be asked.
    pub async fn missing(
        &self,
        pointers: impl Stream<Item = Pointer> + Send,
        depth: Depth,
        found: &(dyn Fn(LostFile) + Send + Sync),
    ) -> Result<(), LfsError> {
        let end = self.end(&self.to, &self.options.to, Operation::Download)?;
        let end = &end;
        let files: BoxStream<'_, Result<(Pointer, Option<Granted>), LfsError>> = pointers
            .chunks(OBJECTS_A_BATCH)
            .then(|files| async move {
                let granted = end.ask(Operation::Download, &files).await?;
                Ok::<_, LfsError>(files.into_iter().zip(granted))
            })
            .map_ok(|list| stream::iter(list).map(Ok))
            .try_flatten()
            .boxed();
        let parallel = self.options.parallel.get();
        files
            .try_for_each_concurrent(parallel, |(pointer, granted)| async move {
                let is_granted =
                    granted.as_ref().is_some_and(|it| matches!(it.verdict, Verdict::Move { .. }));
                if depth == Depth::Presence {
                    let is_there = match end {
                        End::Store(store) => store.has(&pointer),
                        End::Shelf(shelf) => {
                            shelf.has(std::slice::from_ref(&pointer)).await? == [true]
                        }
                        End::Server(_) => is_granted,
                    };
                    if is_there {
                        return Ok(());
                    }
                }
                let (at, reason) = match end.open(&pointer, granted.as_ref()).await? {
                    Opened::Missing(reason) => (LostAt::Destination, reason),
                    Opened::Damaged(reason) => (LostAt::Damaged, reason),
                    Opened::Bytes(bytes) => {
                        let fault = Fault::default();
                        let bytes = checked(bytes, &pointer, Arc::clone(&fault), Box::new(|_| ()));
                        let read = bytes.try_for_each(|_| std::future::ready(Ok(()))).await;
                        match (fault.get(), read) {
                            (Some(reason), _) => (LostAt::Damaged, reason.clone()),
                            (None, Err(error)) => {
                                return Err(LfsError::system("read a large file")(error));
                            }
                            (None, Ok(())) => return Ok(()),
                        }
                    }
                };
                found(LostFile { pointer, at, reason });
                Ok(())
            })
            .await
    }
}
