//! Carries one repository: `carry FROM TO [FROM TO]…`, several at once.

use futures::{StreamExt, stream};
use packhorse_core::{GitRemote, GitUrl};
use packhorse_git::{Git, RefPolicy, TransferOptions, transfer};
use std::io::Write;

/// Repositories at once, as many as `packhorse migrate` carries.
const AT_ONCE: usize = 8;

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
                let options = TransferOptions::new(policy, scratch);
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
