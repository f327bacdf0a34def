//! Bodies that were sent as forms, with brackets in the names of fields.

use serde_json::{Map, Value};
use url::form_urlencoded;

/// Most fields of a form.
const MOST_FIELDS: usize = 10_000;

/// Reads a form: `a[b]=c` is a field of an object, `a[][b]=c` one of the newest object of a list,
/// which is begun anew when a field comes again.
pub(super) fn read(body: &[u8]) -> Option<Map<String, Value>> {
    let mut root = Map::new();
    for (n, (name, value)) in form_urlencoded::parse(body).enumerate() {
        if n >= MOST_FIELDS {
            return None;
        }
        let (head, rest) = name.split_once('[').map_or((&*name, ""), |it| (it.0, it.1));
        let keys: Vec<&str> = rest.split('[').filter_map(|it| it.strip_suffix(']')).collect();
        match keys.as_slice() {
            [] => {
                root.insert(head.to_owned(), Value::from(&*value));
            }
            [field] if !field.is_empty() => {
                let of = root.entry(head).or_insert_with(|| Value::Object(Map::new()));
                of.as_object_mut()?.insert((*field).to_owned(), Value::from(&*value));
            }
            // A list whose places are numbered is read in the order in which they come.
            [place, field] if place.is_empty() || place.bytes().all(|it| it.is_ascii_digit()) => {
                let list = root.entry(head).or_insert_with(|| Value::Array(Vec::new()));
                add(list.as_array_mut()?, field, &value)?;
            }
            _ => return None,
        }
    }
    Some(root)
}

fn add(list: &mut Vec<Value>, field: &str, value: &str) -> Option<()> {
    let is_new = list.last().is_none_or(|it| it.get(field).is_some());
    if is_new {
        list.push(Value::Object(Map::new()));
    }
    list.last_mut()?.as_object_mut()?.insert(field.to_owned(), Value::from(value));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn brackets_make_objects_and_lists() {
        let body = b"configuration[url]=https%3A%2F%2Fh&configuration[access_token]=t\
            &entities[][source_type]=group_entity&entities[][source_full_path]=a\
            &entities[][source_type]=project_entity&entities[][source_full_path]=a/b&x=1";

        let found = read(body).unwrap();

        let expected = json!({
            "configuration": {"url": "https://h", "access_token": "t"},
            "entities": [
                {"source_type": "group_entity", "source_full_path": "a"},
                {"source_type": "project_entity", "source_full_path": "a/b"},
            ],
            "x": "1",
        });
        assert_eq!(Value::Object(found), expected);
    }

    #[test]
    fn forms_that_contradict_themselves_are_refused() {
        assert_eq!(read(b"a=1&a[b]=2"), None);
        assert_eq!(read(b"a[b][c][d]=2"), None);
    }
}
