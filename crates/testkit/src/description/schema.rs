//! From a description's schemas to JSON Schema, draft 4, which both dialects grew out of.

use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, btree_map::Entry};

/// Which specification a description follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// OpenAPI 3.0.
    OpenApi,
    /// Swagger 2.0.
    Swagger,
}

impl Dialect {
    pub(super) fn of(document: &Value) -> Option<Self> {
        if document["openapi"].is_string() {
            Some(Self::OpenApi)
        } else {
            document["swagger"].is_string().then_some(Self::Swagger)
        }
    }
}

/// The path that all of the description's paths hang under, without a `/` at its end.
pub(super) fn prefix(document: &Value) -> String {
    if let Some(base) = document["basePath"].as_str() {
        return base.trim_end_matches('/').to_owned();
    }
    let url = document["servers"][0]["url"].as_str().unwrap_or_default();
    let after = url.split_once("://").map_or(url, |(_, rest)| rest);
    after.find('/').map_or("", |at| after[at..].trim_end_matches('/')).to_owned()
}

/// A schema with everything that it refers to.
pub(super) fn whole(document: &Value, dialect: Dialect, schema: &Value) -> Value {
    let mut translator = Translator { document, dialect, wanted: Vec::new() };
    let mut root = translator.schema(schema);
    let mut definitions = BTreeMap::new();
    while let Some(pointer) = translator.wanted.pop() {
        if let Entry::Vacant(entry) = definitions.entry(name(&pointer)) {
            let found = document.pointer(&pointer).unwrap_or(&Value::Null);
            entry.insert(translator.schema(found));
        }
    }
    if root.get("$ref").is_some() {
        root = json!({ "allOf": [root] });
    }
    if let Some(fields) = root.as_object_mut() {
        fields.insert("definitions".to_owned(), json!(definitions));
    }
    root
}

/// The name among our definitions of what a pointer points to.
fn name(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace(['/', '~', '%'], ".")
}

struct Translator<'a> {
    document: &'a Value,
    dialect: Dialect,
    wanted: Vec<String>,
}

impl Translator<'_> {
    fn schema(&mut self, schema: &Value) -> Value {
        let Some(fields) = schema.as_object() else { return json!({}) };
        if let Some(pointer) = fields.get("$ref").and_then(Value::as_str) {
            return self.reference(pointer);
        }
        let mut out = Map::new();
        for (keyword, value) in fields {
            let (keyword, value) = match keyword.as_str() {
                "properties" => (keyword.as_str(), self.properties(value, schema)),
                "items" | "not" => (keyword.as_str(), self.schema(value)),
                "additionalProperties" if value.is_object() => {
                    (keyword.as_str(), self.schema(value))
                }
                // Published variants overlap: a value that fits two of them is no fault.
                "oneOf" | "anyOf" => ("anyOf", self.schemas(value)),
                "allOf" => ("allOf", self.schemas(value)),
                "type" if value == "file" => continue,
                "type"
                | "enum"
                | "required"
                | "minLength"
                | "maxLength"
                | "minimum"
                | "maximum"
                | "exclusiveMinimum"
                | "exclusiveMaximum"
                | "minItems"
                | "maxItems"
                | "additionalProperties"
                | "minProperties"
                | "maxProperties"
                | "uniqueItems" => (keyword.as_str(), value.clone()),
                _ => continue,
            };
            out.insert(keyword.to_owned(), value);
        }
        if out.get("required").is_some_and(|it| !it.is_array() || it == &json!([])) {
            out.remove("required");
        }
        let nullable = fields.get("nullable").or_else(|| fields.get("x-nullable"));
        if nullable == Some(&Value::Bool(true)) { or_null(Value::Object(out)) } else { out.into() }
    }

    fn schemas(&mut self, value: &Value) -> Value {
        value.as_array().into_iter().flatten().map(|it| self.schema(it)).collect()
    }

    fn properties(&mut self, value: &Value, all: &Value) -> Value {
        let mut out = Map::new();
        for (name, schema) in value.as_object().into_iter().flatten() {
            let translated = self.schema(schema);
            let required = all["required"].as_array().is_some_and(|it| it.contains(&json!(name)));
            let may_be_null = self.dialect == Dialect::Swagger && !required;
            out.insert(name.clone(), if may_be_null { or_null(translated) } else { translated });
        }
        out.into()
    }

    fn reference(&mut self, pointer: &str) -> Value {
        let Some(pointer) = pointer.strip_prefix('#') else { return json!({}) };
        if self.document.pointer(pointer).is_none() {
            return json!({});
        }
        self.wanted.push(pointer.to_owned());
        json!({ "$ref": format!("#/definitions/{}", name(pointer)) })
    }
}

/// The schema, or `null`.
fn or_null(mut schema: Value) -> Value {
    let simple = schema["type"].is_string() && schema.get("enum").is_none();
    if simple && let Some(fields) = schema.as_object_mut() {
        let own = fields["type"].clone();
        fields.insert("type".to_owned(), json!([own, "null"]));
        return schema;
    }
    json!({ "anyOf": [{ "type": "null" }, schema] })
}
