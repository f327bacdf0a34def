//! Tables of the model's fields, made of the model's own definitions.

use packhorse_core::{ObjectKind, fingerprint::exact};
use packhorse_testkit::samples;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::PathBuf,
};

/// A field, or a field of a variant.
struct Field {
    name: String,
    of: String,
    doc: String,
}

/// One of the values of a choice.
struct Variant {
    name: String,
    is_default: bool,
    doc: String,
    holds: Holds,
}

enum Holds {
    Nothing,
    One(String),
    Fields(Vec<Field>),
}

enum Body {
    Fields(Vec<Field>),
    Choice(Vec<Variant>),
}

struct Item {
    doc: String,
    body: Body,
}

/// The definitions of the model, by name.
pub(super) struct Model {
    items: BTreeMap<String, Item>,
    /// Name of the struct of each kind.
    kinds: BTreeMap<ObjectKind, String>,
}

/// What stands above a definition.
#[derive(Default)]
struct Above {
    doc: Vec<String>,
    is_default: bool,
}

impl Above {
    /// The first paragraph.
    fn take(&mut self) -> (String, bool) {
        let above = std::mem::take(self);
        let first = above.doc.iter().take_while(|it| !it.is_empty());
        (first.map(String::as_str).collect::<Vec<_>>().join(" "), above.is_default)
    }
}

impl Model {
    /// Reads the definitions out of the sources of the core.
    pub(super) fn read() -> Self {
        let core = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../core/src");
        let mut model = Self { items: BTreeMap::new(), kinds: BTreeMap::new() };
        for entry in fs::read_dir(core.join("model")).unwrap() {
            model.file(&fs::read_to_string(entry.unwrap().path()).unwrap());
        }
        for line in fs::read_to_string(core.join("catalogue.rs")).unwrap().lines() {
            let row = line.trim().split_once(" = \"").filter(|it| it.1.ends_with(';'));
            let kind = row.and_then(|it| ObjectKind::named(it.1.split('"').next()?));
            if let (Some((name, _)), Some(kind)) = (row, kind) {
                model.kinds.insert(kind, name.to_owned());
            }
        }
        model
    }

    fn file(&mut self, text: &str) {
        let mut above = Above::default();
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            let named = |word| line.strip_prefix(word).and_then(|it: &str| it.strip_suffix(" {"));
            if let Some(doc) = line.strip_prefix("///") {
                above.doc.push(doc.trim().to_owned());
            } else if let Some(name) = named("pub struct ") {
                let (doc, _) = above.take();
                let body = Body::Fields(fields(&mut lines));
                self.items.insert(name.to_owned(), Item { doc, body });
            } else if let Some(name) = named("pub enum ") {
                let (doc, _) = above.take();
                let body = Body::Choice(variants(&mut lines));
                self.items.insert(name.to_owned(), Item { doc, body });
            } else if !line.starts_with("#[") {
                above = Above::default();
            }
        }
    }

    /// The tables: a section for each kind, then one for each type that they use.
    pub(super) fn tables(&self) -> String {
        let mut text = String::new();
        for (kind, name) in &self.kinds {
            if let Some(repo) = ["repository", "wiki"].iter().find(|it| **it == kind.name()) {
                writeln!(text, "#### `{repo}`\n\nHas no records: section 6.\n").unwrap();
            } else {
                self.section(&format!("`{kind}`"), &self.items[name], &mut text);
            }
        }
        for name in self.used() {
            self.section(&name, &self.items[&name], &mut text);
        }
        text
    }

    fn section(&self, title: &str, item: &Item, text: &mut String) {
        writeln!(text, "#### {title}\n\n{}\n", item.doc).unwrap();
        match &item.body {
            Body::Fields(fields) => {
                writeln!(text, "| field | type | meaning |\n|---|---|---|").unwrap();
                for it in fields {
                    let of = self.shown(&it.of);
                    writeln!(text, "| `{}` | {of} | {} |", it.name, cell(&it.doc)).unwrap();
                }
            }
            Body::Choice(variants) => {
                writeln!(text, "| value | meaning |\n|---|---|").unwrap();
                for it in variants {
                    let default = if it.is_default { " (the default)" } else { "" };
                    let doc = cell(&it.doc);
                    writeln!(text, "| {}{default} | {doc} |", self.value(it)).unwrap();
                }
            }
        }
        text.push('\n');
    }

    /// How a value of a choice looks in JSON.
    fn value(&self, variant: &Variant) -> String {
        let name = &variant.name;
        match &variant.holds {
            Holds::Nothing => format!("`\"{name}\"`"),
            Holds::One(of) => match argument(of, "Option") {
                Some(of) => format!("`{{\"{name}\": …}}`, {} or `null`", self.shown(of)),
                None => format!("`{{\"{name}\": …}}`, {}", self.shown(of)),
            },
            Holds::Fields(fields) => {
                let of = |it: &Field| format!("`{}` a {}", it.name, self.shown(&it.of));
                let list: Vec<_> = fields.iter().map(of).collect();
                format!("`{{\"{name}\": {{…}}}}`, {}", list.join(", "))
            }
        }
    }

    fn shown(&self, of: &str) -> String {
        if let Some(of) = argument(of, "Option") {
            return self.shown(of);
        }
        if let Some(of) = argument(of, "Vec") {
            return format!("list of {}", self.shown(of));
        }
        if let Some(of) = argument(of, "BTreeMap") {
            return format!("map to {}", self.shown(of.split_once(", ").unwrap().1));
        }
        match of {
            "String" => "string".to_owned(),
            "bool" => "boolean".to_owned(),
            "u64" | "i64" => "number".to_owned(),
            "HostId" => "*host id*".to_owned(),
            "Time" => "*time*".to_owned(),
            "TextBody" => "*text body*".to_owned(),
            "serde_json::Value" => "any JSON".to_owned(),
            name => {
                assert!(self.items.contains_key(name), "{name} is not of the model");
                format!("[{name}](#{})", name.to_lowercase())
            }
        }
    }

    /// Types that records use, directly or not.
    fn used(&self) -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        let mut waiting: Vec<&str> = self.kinds.values().map(String::as_str).collect();
        while let Some(name) = waiting.pop() {
            for of in self.items[name].types() {
                let inner = innermost(of);
                if let Some((name, _)) =
                    self.items.get_key_value(inner).filter(|_| !is_plain(inner))
                    && used.insert(name.clone())
                {
                    waiting.push(name);
                }
            }
        }
        used
    }

    /// Panics when a value is not as the tables say.
    fn check(&self, of: &str, value: &Value, at: &str) {
        if let Some(of) = argument(of, "Option") {
            if !value.is_null() {
                self.check(of, value, at);
            }
            return;
        }
        if let Some(of) = argument(of, "Vec") {
            let list = value.as_array().unwrap_or_else(|| panic!("{at} is no list"));
            return list.iter().for_each(|it| self.check(of, it, at));
        }
        if let Some(of) = argument(of, "BTreeMap") {
            let of = of.split_once(", ").unwrap().1;
            let map = value.as_object().unwrap_or_else(|| panic!("{at} is no map"));
            return map.values().for_each(|it| self.check(of, it, at));
        }
        match of {
            "String" | "HostId" | "Time" | "TextBody" => assert!(value.is_string(), "{at}"),
            "bool" => assert!(value.is_boolean(), "{at}"),
            "u64" | "i64" => assert!(value.is_i64() || value.is_u64(), "{at}"),
            "serde_json::Value" => {}
            name => self.check_item(&self.items[name], value, at),
        }
    }

    fn check_item(&self, item: &Item, value: &Value, at: &str) {
        let variants = match &item.body {
            Body::Fields(fields) => return self.check_fields(fields, value, at),
            Body::Choice(variants) => variants,
        };
        let (name, held) = match value {
            Value::String(name) => (name, None),
            Value::Object(map) => map.iter().next().map(|it| (it.0, Some(it.1))).unwrap(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                panic!("{at} is no choice: {value}")
            }
        };
        let variant = variants.iter().find(|it| it.name == *name);
        match (&variant.unwrap_or_else(|| panic!("{at} is `{name}`")).holds, held) {
            (Holds::Nothing, None) => {}
            (Holds::One(of), Some(held)) => self.check(of, held, at),
            (Holds::Fields(fields), Some(held)) => self.check_fields(fields, held, at),
            _ => panic!("{at} is not written as the table says: {value}"),
        }
    }

    fn check_fields(&self, fields: &[Field], value: &Value, at: &str) {
        for (key, value) in value.as_object().unwrap_or_else(|| panic!("{at} has no fields")) {
            let field = fields.iter().find(|it| it.name == *key);
            let of = &field.unwrap_or_else(|| panic!("{at} has a field `{key}`")).of;
            self.check(of, value, &format!("{at}.{key}"));
        }
    }
}

impl Item {
    fn types(&self) -> Vec<&str> {
        match &self.body {
            Body::Fields(fields) => fields.iter().map(|it| it.of.as_str()).collect(),
            Body::Choice(variants) => variants.iter().flat_map(Variant::types).collect(),
        }
    }
}

impl Variant {
    fn types(&self) -> Vec<&str> {
        match &self.holds {
            Holds::Nothing => Vec::new(),
            Holds::One(of) => vec![of],
            Holds::Fields(fields) => fields.iter().map(|it| it.of.as_str()).collect(),
        }
    }
}

/// Types that section 8.3 describes.
fn is_plain(name: &str) -> bool {
    ["HostId", "Time", "TextBody"].contains(&name)
}

fn argument<'a>(of: &'a str, outer: &str) -> Option<&'a str> {
    of.strip_prefix(outer)?.strip_prefix('<')?.strip_suffix('>')
}

fn innermost(of: &str) -> &str {
    let of = of.trim_end_matches('>').rsplit('<').next().unwrap();
    of.rsplit(", ").next().unwrap()
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Reads `name: Type,` lines up to the closing brace.
fn fields<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<Field> {
    let mut list = Vec::new();
    let mut above = Above::default();
    for line in lines.take_while(|it| !it.starts_with('}')) {
        if let Some(doc) = line.strip_prefix("///") {
            above.doc.push(doc.trim().to_owned());
        } else if let Some((name, of)) = line.trim_end_matches(',').split_once(": ") {
            let of = of.replace("super::", "");
            let name = name.trim_start_matches("pub ").to_owned();
            list.push(Field { name, of, doc: above.take().0 });
        }
    }
    list
}

fn variants<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<Variant> {
    let mut list = Vec::new();
    let mut above = Above::default();
    while let Some(line) = lines.next() {
        if line.starts_with('}') {
            break;
        }
        if let Some(doc) = line.strip_prefix("///") {
            above.doc.push(doc.trim().to_owned());
        } else if line == "#[default]" {
            above.is_default = true;
        } else {
            let (name, holds) = if let Some(name) = line.strip_suffix(" {") {
                (name, Holds::Fields(fields(&mut *lines)))
            } else if let Some((name, of)) = line.trim_end_matches("),").split_once('(') {
                (name, Holds::One(of.to_owned()))
            } else {
                (line.trim_end_matches(','), Holds::Nothing)
            };
            let (doc, is_default) = above.take();
            list.push(Variant { name: snake_case(name), is_default, doc, holds });
        }
    }
    list
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for (n, letter) in name.chars().enumerate() {
        if n > 0 && letter.is_uppercase() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

#[test]
fn every_kind_has_a_table() {
    let model = Model::read();

    let kinds: Vec<ObjectKind> = model.kinds.keys().copied().collect();

    assert_eq!(kinds, ObjectKind::ALL);
}

#[test]
fn records_are_written_as_the_tables_say() {
    let model = Model::read();

    for (kind, name) in &model.kinds {
        for n in 0..8 {
            let value = serde_json::from_slice(&exact(&samples::object(*kind, n))).unwrap();
            model.check(name, &value, kind.name());
        }
    }
}
