//! Keys: what objects are called.

use object_store::path::{Path, PathPart};

/// The longest key with its prefix, in bytes.
///
/// Source: Amazon, *Naming Amazon S3 objects*; Azure and Google allow no less.
const LONGEST: usize = 1_024;

/// The path of a key below a prefix, or what is wrong with it.
pub(crate) fn below(prefix: &Path, key: &str) -> Result<Path, &'static str> {
    let mut path = prefix.clone();
    for part in key.split('/') {
        match part {
            "" => return Err("a part of it between slashes is empty"),
            // SECURITY: in a directory these would lead elsewhere.
            "." | ".." => return Err("it goes up or stays"),
            _ if part.contains(char::is_control) => return Err("it holds a control character"),
            _ => {}
        }
        // What a store would write otherwise would not be found under its own name.
        let plain = PathPart::parse(part).map_err(|_| "it holds a character that stores forbid")?;
        path = path.join(plain);
    }
    if path.as_ref().len() > LONGEST {
        return Err("it is longer than 1024 bytes");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use object_store::path::Path;

    #[test]
    fn a_key_stands_below_the_prefix() {
        let prefix = Path::from("team/archives");

        assert_eq!(below(&prefix, "a.tar.gz").unwrap().as_ref(), "team/archives/a.tar.gz");
        assert_eq!(below(&Path::default(), "a/b").unwrap().as_ref(), "a/b");
        assert_eq!(below(&Path::default(), "a b ü").unwrap().as_ref(), "a b ü");
    }

    #[test]
    fn a_key_that_leads_elsewhere_is_refused() {
        let long = "k".repeat(1_025);
        for wrong in ["", "/a", "a/", "a//b", "..", "../a", "a/./b", "a\nb", "a\0", long.as_str()] {
            assert!(below(&Path::default(), wrong).is_err(), "{wrong:?}");
        }
    }
}
