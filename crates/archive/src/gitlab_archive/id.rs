//! Ids as the archive wants them: numbers of rows, names of discussions and files.
//!
//! What already has such an id keeps it; all others get one that is the same each time.

use data_encoding::HEXLOWER;
use packhorse_core::{
    Object,
    model::{Attachment, HostId, Subject},
};
use sha2::{Digest, Sha256};

pub(super) use crate::key::{number, row};

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

/// Name of a discussion: 40 hexadecimal digits.
pub(super) fn discussion(id: &str) -> String {
    if is_hex(id, 40) {
        id.to_owned()
    } else {
        HEXLOWER.encode(&Sha256::digest(id))[..40].to_owned()
    }
}

/// Splits `…/uploads/<secret>/<name>`, or its end alone.
pub(super) fn upload(address: &str) -> Option<&str> {
    let end = address.rfind("/uploads/").map_or(address, |at| &address[at + "/uploads/".len()..]);
    let (secret, name) = end.split_once('/')?;
    let is_name =
        !name.is_empty() && !matches!(name, "." | "..") && !name.contains(['/', '\\', '\0']);
    (is_hex(secret, 32) && is_name).then_some(end)
}

/// Longest name of an upload that is kept, in bytes: what file systems take.
const MAX_NAME_BYTES: usize = 200;

/// Name of an uploaded file: 32 hexadecimal digits, a slash and a name that leads nowhere.
pub(super) fn attachment(id: &str, it: &Attachment) -> String {
    let own = it.url.as_deref().and_then(upload).or_else(|| upload(id));
    if let Some(own) = own.filter(|own| own.len() <= MAX_NAME_BYTES) {
        return own.to_owned();
    }
    let plain = |it: char| if it.is_control() || "/\\?#%".contains(it) { '_' } else { it };
    let mut name: String = it.name.chars().map(plain).collect();
    while name.len() > MAX_NAME_BYTES {
        name.pop();
    }
    if name.trim_matches('.').is_empty() {
        name = "file".to_owned();
    }
    format!("{}/{name}", &HEXLOWER.encode(&Sha256::digest(id))[..32])
}

/// A subject with the ids that its records have in the archive.
fn placed(subject: &mut Subject) {
    match subject {
        Subject::Comment(id)
        | Subject::Review(id)
        | Subject::ReviewComment(id)
        | Subject::CommitComment(id)
        | Subject::Snippet(id) => id.0 = row(&id.0),
        Subject::Project
        | Subject::Issue(_)
        | Subject::ChangeRequest(_)
        | Subject::Discussion(_)
        | Subject::Release(_)
        | Subject::Commit(_) => {}
    }
}

/// Gives everything that an object refers to by an id the id that it has in the archive.
pub(super) fn place(object: &mut Object) {
    let rows = |id: &mut Option<HostId>| {
        if let Some(id) = id {
            id.0 = row(&id.0);
        }
    };
    if let Object::Comment(it) = object {
        placed(&mut it.subject);
        rows(&mut it.reply_to);
    } else if let Object::Reaction(it) = object {
        placed(&mut it.subject);
    } else if let Object::Event(it) = object {
        placed(&mut it.subject);
    } else if let Object::Attachment(it) = object {
        placed(&mut it.subject);
    } else if let Object::State(it) = object {
        placed(&mut it.subject);
    } else if let Object::ReviewThread(it) = object {
        rows(&mut it.review);
    } else if let Object::ReviewComment(it) = object {
        rows(&mut it.review);
        rows(&mut it.reply_to);
        if let Some(thread) = &mut it.thread {
            thread.0 = discussion(&thread.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_and_names_become_numbers() {
        assert_eq!(number("42"), 42);
        assert_ne!(number("042"), 42);
        assert!(number("comment/7") < 1 << 62);
        assert_eq!(number("comment/7"), number("comment/7"));
    }

    #[test]
    fn an_uploads_name_leads_nowhere() {
        let secret = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            upload(&format!("https://h.example/acme/app/uploads/{secret}/a.png")),
            Some(format!("{secret}/a.png").as_str())
        );
        assert_eq!(upload(&format!("/uploads/{secret}/../x")), None);
        let named = |name: &str| {
            attachment("7", &Attachment { name: name.to_owned(), ..Attachment::default() })
        };
        assert!(named("../../etc/passwd").ends_with("/.._.._etc_passwd"));
        assert!(named("..").ends_with("/file"));
        assert!(named("über 1.png").ends_with("/über 1.png"));
    }
}
