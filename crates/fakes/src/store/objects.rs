//! Whether a repository has an object, looked up without a process.
//!
//! Source: gitrepository-layout(5), gitformat-pack(5).

use super::Store;
use data_encoding::HEXLOWER;
use packhorse_core::RepoKind;
use std::{fs, path::Path};

/// What an index of version 2 begins with.
const MAGIC: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
/// Bytes of an object's id.
const ID: usize = 20;
/// Where the ids begin: after the magic and the table by first byte.
const IDS: usize = 8 + 256 * 4;

impl Store {
    /// The whole id of the object, or of a ref's tip, whose id begins so; at least four digits.
    pub fn object(&self, project: &str, begins: &str) -> Option<String> {
        let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        if !(4..=2 * ID).contains(&begins.len()) || !begins.chars().all(is_hex) {
            return None;
        }
        let objects = self.repository(project, RepoKind::Code).join("objects");
        // Refs last, for there may be thousands.
        let tip = || {
            let refs = self.refs(project, RepoKind::Code);
            refs.into_values().find(|it| it.starts_with(begins))
        };
        loose(&objects, begins).or_else(|| packed(&objects, begins)).or_else(tip)
    }
}

fn loose(objects: &Path, begins: &str) -> Option<String> {
    let (folder, rest) = begins.split_at(2);
    let names = fs::read_dir(objects.join(folder)).ok()?.flatten();
    let mut names = names.map(|it| it.file_name().to_string_lossy().into_owned());
    names.find(|it| it.starts_with(rest)).map(|it| format!("{folder}{it}"))
}

fn packed(objects: &Path, begins: &str) -> Option<String> {
    let files = fs::read_dir(objects.join("pack")).ok()?.flatten().map(|it| it.path());
    let mut indexes = files.filter(|it| it.extension().is_some_and(|it| it == "idx"));
    indexes.find_map(|path| in_index(&fs::read(path).ok()?, begins))
}

fn in_index(index: &[u8], begins: &str) -> Option<String> {
    let table = index.get(8..IDS).filter(|_| index.starts_with(&MAGIC))?;
    let upto = |n: usize| {
        let bytes = table.get(n * 4..n * 4 + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?) as usize)
    };
    let first = usize::from_str_radix(&begins[..2], 16).ok()?;
    let from = if first == 0 { 0 } else { upto(first - 1)? };
    let ids = index.get(IDS + from * ID..IDS + upto(first)? * ID)?.chunks(ID);
    ids.map(|id| HEXLOWER.encode(id)).find(|it| it.starts_with(begins))
}
