//! Carries one repository: `carry FROM TO [FROM TO]…`, several at once.

use futures::{StreamExt, stream};
use packhorse_core::{GitRemote, GitUrl};
use packhorse_git::{Git, RefPolicy, TransferOptions, transfer};
use std::io::Write;

/// Repositories at once, as many as `packhorse migrate` carries.
const AT_ONCE: usize = 8;

/// A thread for each core, as in the program itself: one alone takes a sixth less CPU and, where the
/// servers have both cores busy, some 5 % more time.
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addresses: Vec<String> = std::env::args().skip(1).collect();
    let git = Git::find().await?;
    let scratch = std::env::temp_dir();
    let mut done = stream::iter(addresses.chunks_exact(2))
        .map(|pair| {
            let (git, scratch) = (git.clone(), scratch.clone());
            async move {
                let [from, to] = [&pair[0], &pair[1]].map(|it| {
                    let (url, credentials) = GitUrl::parse(it);
                    GitRemote { url, credentials }
                });
                let policy = RefPolicy::between("git", "git");
                let mut options = TransferOptions::new(policy, scratch);
                // As `git push` does: the server's report is believed.
                options.reads_back = false;
                transfer(&git, &from, &to, &options).await
            }
        })
        .buffer_unordered(AT_ONCE);
    while let Some(done) = done.next().await {
        let done = done?;
        writeln!(
            std::io::stdout(),
            "{} created, {} updated, {} unchanged, {} refused",
            done.created,
            done.updated,
            done.unchanged,
            done.refused.len()
        )?;
    }
    Ok(())
}
