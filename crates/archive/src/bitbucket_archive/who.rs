//! How the archive names people: `name|display name||NORMAL`.
//!
//! The third part is where an e-mail address would stand; it is empty always.

use packhorse_core::model::{Identity, IdentityKind};

/// Whom the archive names where nobody is known: every record has an author there.
const NOBODY: &str = "packhorse-nobody";
const NOBODYS_NAME: &str = "Nobody known";

/// Somebody as the archive names them; `None` for nobody.
pub(super) fn read(text: &str) -> Option<Identity> {
    let mut parts = vec![String::new()];
    let mut rest = text.chars().peekable();
    while let Some(it) = rest.next() {
        match it {
            '\\' if rest.peek() == Some(&'|') => {
                rest.next();
                parts.last_mut()?.push('|');
            }
            '|' => parts.push(String::new()),
            other => parts.last_mut()?.push(other),
        }
    }
    let mut parts = parts.into_iter();
    let login = parts.next().filter(|it| !it.is_empty() && it != NOBODY)?;
    // A name that is the account's tells nothing more.
    let name = parts.next().filter(|it| !it.is_empty() && *it != login);
    let email = parts.next().filter(|it| !it.is_empty());
    let kind = match parts.next().as_deref() {
        Some("SERVICE") => IdentityKind::Bot,
        Some(_) | None => IdentityKind::Person,
    };
    Some(Identity { login, name, email, kind, host: None })
}

/// Somebody as the archive names them.
pub(super) fn write(who: Option<&Identity>) -> String {
    let escaped = |text: &str| text.replace('|', "\\|");
    let Some(who) = who.filter(|it| !it.login.is_empty()) else {
        return format!("{NOBODY}|{NOBODYS_NAME}||NORMAL");
    };
    let name = who.name.as_deref().filter(|it| !it.is_empty()).unwrap_or(&who.login);
    let kind = if who.kind == IdentityKind::Bot { "SERVICE" } else { "NORMAL" };
    format!("{}|{}||{kind}", escaped(&who.login), escaped(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_are_told_by_name_and_kind() {
        let found = read("ada|Ada Lovelace||NORMAL").unwrap();
        assert_eq!((found.login.as_str(), found.name.as_deref()), ("ada", Some("Ada Lovelace")));
        assert_eq!(write(Some(&found)), "ada|Ada Lovelace||NORMAL");
        assert_eq!(read("bot|bot||SERVICE").unwrap().kind, IdentityKind::Bot);
        assert_eq!(read(&write(None)), None);
        assert_eq!(read(""), None);
    }

    proptest! {
        #[test]
        fn bars_in_names_do_not_end_them(login in "[a-z|]{1,8}", name in "[A-Z][A-Z|]{0,7}") {
            let who = Identity { login, name: Some(name), ..Identity::default() };

            prop_assert_eq!(read(&write(Some(&who))), Some(who));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "[a|\\\\]{0,12}") {
            read(&text);
        }
    }
}
