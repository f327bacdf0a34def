//! The page that describes the format is as the code is.
//!
//! With `PACKHORSE_REGENERATE=1` in the environment its generated parts are written anew.

mod example;
mod fields;

use std::{fs, path::PathBuf};

const END: &str = "<!-- end -->";

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/formats/packhorse-archive.md")
}

/// The page with another text between the markers of a part.
fn with_part(page: &str, part: &str, text: &str) -> String {
    let begin = format!("<!-- generated: {part} -->");
    let (before, rest) = page.split_once(&begin).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    format!("{before}{begin}\n\n{}\n\n{END}{after}", text.trim())
}

#[tokio::test]
async fn the_page_is_fresh() {
    let committed = fs::read_to_string(page()).unwrap();

    let made = with_part(&committed, "fields", &fields::Model::read().tables());
    let made = with_part(&made, "example", &example::text().await);

    if std::env::var_os("PACKHORSE_REGENERATE").is_some() {
        fs::write(page(), &made).unwrap();
    } else {
        assert!(
            made == committed,
            "docs/formats/packhorse-archive.md is not fresh: run this test with PACKHORSE_REGENERATE=1"
        );
    }
}
