//! Origin ids as keys of the database, in the order in which they are read.
//!
//! Numbers come first and sort by value, so that issue 9 comes before issue 10;
//! other ids follow, by their bytes. The encoding loses nothing, so that the
//! key alone is stored.

/// Marks an id that is not a number; sorts behind every length.
const TEXT: char = ':';

/// The key of an id.
pub(super) fn encode(id: &str) -> String {
    let mut key = String::with_capacity(id.len() + 2);
    if is_number(id) {
        let digit = |n: usize| char::from(b'0' + (n % 10) as u8);
        key.extend([digit(id.len() / 10), digit(id.len())]);
    } else {
        key.push(TEXT);
    }
    key.push_str(id);
    key
}

/// The id of a key; `None` when no id has that key.
pub(super) fn decode(key: &str) -> Option<&str> {
    if let Some(id) = key.strip_prefix(TEXT) {
        return (!is_number(id)).then_some(id);
    }
    let (length, id) = key.split_at_checked(2)?;
    (is_number(id) && length.parse() == Ok(id.len())).then_some(id)
}

/// Whether an id is a decimal number as people write it: `007` is a name.
fn is_number(id: &str) -> bool {
    (1..=99).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_digit())
        && (id == "0" || !id.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_numbers_by_value_and_names_behind() {
        let ids = ["0", "1", "9", "10", "11", "99", "100", "18446744073709551616", "", "007", "a"];

        let mut keys: Vec<String> = ids.iter().map(|id| encode(id)).collect();
        keys.sort();

        let sorted: Vec<&str> = keys.iter().filter_map(|key| decode(key)).collect();
        assert_eq!(sorted, ids);
    }

    #[track_caller]
    fn check_foreign(key: &str) {
        assert_eq!(decode(key), None);
    }

    #[test]
    fn what_no_id_encodes_to_is_not_decoded() {
        check_foreign("");
        check_foreign("1");
        check_foreign("0212x");
        check_foreign("0312");
        check_foreign("+112");
        check_foreign("é1");
        check_foreign(":12");
    }

    #[test]
    fn a_very_long_number_is_a_name() {
        let id = "1".repeat(100);

        assert_eq!(decode(&encode(&id)), Some(id.as_str()));
        assert!(encode(&id).starts_with(TEXT));
    }
}
