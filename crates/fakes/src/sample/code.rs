//! The repositories of the sample, made by `git fast-import`.

use super::SampleError;
use packhorse_core::model::ObjectFormat;
use packhorse_git::{Git, repository};
use std::{collections::BTreeMap, path::Path};

/// The tips of branches and tags, by full name.
pub(super) type Tips = BTreeMap<String, String>;

/// `main` with three commits, three branches from it, two tags, a file of LFS.
pub(super) async fn rocket(path: &Path, pointer: &str) -> Result<Tips, SampleError> {
    let mut text = String::new();
    commit(&mut text, "main", None, "Begin", &[("README.md", "# Rocket\n")]);
    let attributes = ("model.bin filter=lfs diff=lfs merge=lfs -text\n", ".gitattributes");
    let files = [(attributes.1, attributes.0), ("model.bin", pointer)];
    commit(&mut text, "main", None, "Add the model", &files);
    commit(&mut text, "main", None, "Light it", &[("engine.rs", "fn ignite() {}\n")]);
    text += "reset refs/tags/v1.0\nfrom refs/heads/main\n\n";
    for (branch, file) in [("more-fuel", "fuel.rs"), ("wings", "wings.rs"), ("paint", "paint.rs")] {
        let content = format!("// {branch}\nfn {}() {{}}\n", branch.replace('-', "_"));
        commit(&mut text, branch, Some("main"), &format!("Work on {branch}"), &[(file, &content)]);
    }
    import(path, &text).await
}

/// `main` with one page.
pub(super) async fn pages(path: &Path, title: &str) -> Result<Tips, SampleError> {
    let mut text = String::new();
    let page = format!("# {title}\n\nRead me first.\n");
    commit(&mut text, "main", None, "Write the first page", &[("Home.md", &page)]);
    import(path, &text).await
}

/// A commit as `git fast-import` reads it. Source: git-fast-import(1).
fn commit(
    text: &mut String,
    branch: &str,
    from: Option<&str>,
    message: &str,
    files: &[(&str, &str)],
) {
    let who = "Alice Archer <alice@acme.example>";
    *text += &format!("commit refs/heads/{branch}\ncommitter {who} 1709283000 +0000\n");
    *text += &format!("data {}\n{message}\n", message.len());
    if let Some(from) = from {
        *text += &format!("from refs/heads/{from}\n");
    }
    for (name, content) in files {
        *text += &format!("M 100644 inline {name}\ndata {}\n{content}\n", content.len());
    }
    text.push('\n');
}

async fn import(path: &Path, text: &str) -> Result<Tips, SampleError> {
    repository::init_bare(path, ObjectFormat::Sha1)?;
    let git = Git::find().await?;
    git.inside(path, ["fast-import", "--quiet", "--force"]).run(text.as_bytes()).await?;
    repository::set_head(path, "refs/heads/main")?;
    let remote = packhorse_core::GitRemote::local(path);
    Ok(packhorse_git::refs::list(&git, &remote).await?.refs.into_iter().collect())
}
