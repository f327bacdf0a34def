//! One operation of a description.

use super::{ANYWHERE, Description, Misfit, schema::Dialect};
use serde_json::{Value, json};
use url::form_urlencoded;

/// A method of a path.
pub(super) struct Operation<'a> {
    pub(super) description: &'a Description,
    pub(super) item: &'a Value,
    pub(super) operation: &'a Value,
    pub(super) id: String,
}

impl Operation<'_> {
    pub(super) fn path_misfits(&self, captures: &[(String, String)]) -> Vec<Misfit> {
        let parameters = self.parameters("path");
        let check = |(name, value): &(String, String)| {
            let parameter = parameters.iter().find(|it| it["name"] == name.as_str());
            parameter.map(|it| self.value_misfits(it, value, &format!("path {name}")))
        };
        captures.iter().filter_map(check).flatten().collect()
    }

    pub(super) fn query_misfits(&self, target: &str, allowed: &[String]) -> Vec<Misfit> {
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let given: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let parameters = self.parameters("query");
        let mut misfits = Vec::new();
        for (name, value) in given.iter().filter(|(name, _)| !allowed.contains(name)) {
            let bare = name.strip_suffix("[]").unwrap_or(name);
            let named = |it: &&&Value| it["name"] == name.as_str() || it["name"] == bare;
            match parameters.iter().find(named) {
                Some(it) => misfits.extend(self.value_misfits(it, value, &format!("query {name}"))),
                None => misfits.push(self.misfit(&format!("query {name}"), "no such parameter")),
            }
        }
        for parameter in parameters.iter().filter(|it| it["required"] == true) {
            let name = parameter["name"].as_str().unwrap_or_default();
            if !given.iter().any(|(given, _)| given == name) {
                misfits.push(self.misfit(&format!("query {name}"), "it is required"));
            }
        }
        misfits
    }

    pub(super) fn body_misfits(&self, content_type: Option<&str>, body: &[u8]) -> Vec<Misfit> {
        let form = self.parameters("formData");
        if !form.is_empty() {
            return self.form_misfits(&form, content_type, body);
        }
        let (required, content) = match self.description.dialect {
            Dialect::OpenApi => {
                let wanted = self.description.resolve(&self.operation["requestBody"]);
                (wanted["required"] == true, wanted["content"].clone())
            }
            Dialect::Swagger => match self.parameters("body").first() {
                Some(it) => (
                    it["required"] == true,
                    json!({ "application/json": { "schema": it["schema"] } }),
                ),
                None => (false, Value::Null),
            },
        };
        if body.is_empty() {
            let missing = required.then(|| self.misfit("body", "it is required"));
            return missing.into_iter().collect();
        }
        // GitLab's and some of GitHub's descriptions leave bodies of DELETE out.
        let Some(content) = content.as_object() else {
            return vec![self.misfit("body", "the operation takes none")];
        };
        let media = media_type(content_type);
        let exact = content.get(media.as_str()).or_else(|| content.get("*/*"));
        let Some(found) = exact.or_else(|| content.get("application/octet-stream")) else {
            let known: Vec<_> = content.keys().map(String::as_str).collect();
            let why = format!("`{media}` is none of {}", known.join(", "));
            return vec![self.misfit("body", &why)];
        };
        self.json_misfits("body", &media, &found["schema"], body)
    }

    pub(super) fn answer_misfits(
        &self,
        status: u16,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Vec<Misfit> {
        let place = format!("answer {status}");
        let responses = &self.operation["responses"];
        let range = format!("{}XX", status / 100);
        let found = [status.to_string(), range, "default".to_owned()];
        let Some(found) = found.iter().find_map(|it| responses.get(it)) else {
            let anywhere = ANYWHERE.contains(&status) || status >= 500;
            let misfit = || self.misfit(&place, "the operation does not answer with this status");
            return (!anywhere).then(misfit).into_iter().collect();
        };
        if status >= 500 {
            return Vec::new();
        }
        let found = self.description.resolve(found);
        let media = media_type(content_type);
        let schema = match self.description.dialect {
            Dialect::OpenApi => match found["content"].as_object() {
                Some(content) => {
                    let exact = content.get(media.as_str()).or_else(|| content.get("*/*"));
                    let json =
                        || content.get("application/json").or_else(|| content.values().next());
                    exact.or_else(json).map(|it| &it["schema"])
                }
                None => None,
            },
            Dialect::Swagger => found.get("schema"),
        };
        let Some(schema) = schema else { return Vec::new() };
        let is_redirect = (300..400).contains(&status);
        if body.is_empty() && !is_redirect && schema.get("$ref").is_some() {
            return vec![self.misfit(&place, "the body is missing")];
        }
        self.json_misfits(&place, &media, schema, body)
    }

    /// Holds a JSON body against its schema; a body of another media type is not looked at.
    fn json_misfits(&self, part: &str, media: &str, schema: &Value, body: &[u8]) -> Vec<Misfit> {
        let is_json = media == "application/json" || media.ends_with("+json");
        if body.is_empty() || !is_json || schema.is_null() {
            return Vec::new();
        }
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => {
                let place = format!("{} {part}", self.id);
                self.description.validate(&place, schema, &value, &place)
            }
            Err(error) => vec![self.misfit(part, &format!("it is not JSON: {error}"))],
        }
    }

    /// Holds the names of a form's fields against the description; of files nothing more.
    fn form_misfits(
        &self,
        parameters: &[&Value],
        content_type: Option<&str>,
        body: &[u8],
    ) -> Vec<Misfit> {
        let media = media_type(content_type);
        let names: Vec<String> = match media.as_str() {
            "application/x-www-form-urlencoded" => {
                form_urlencoded::parse(body).map(|(name, _)| name.into_owned()).collect()
            }
            "multipart/form-data" => multipart_names(body),
            // Products take a form's fields as JSON too.
            "application/json" => serde_json::from_slice::<Value>(body)
                .ok()
                .and_then(|it| Some(it.as_object()?.keys().cloned().collect()))
                .unwrap_or_default(),
            _ => return Vec::new(),
        };
        let known = |name: &str| {
            let bare = name.split('[').next().unwrap_or(name);
            parameters.iter().any(|it| {
                it["name"]
                    .as_str()
                    .is_some_and(|it| it == name || it.split('[').next() == Some(bare))
            })
        };
        let unknown = names.iter().filter(|it| !known(it));
        let mut misfits: Vec<_> =
            unknown.map(|it| self.misfit(&format!("form {it}"), "no such field")).collect();
        for parameter in parameters.iter().filter(|it| it["required"] == true) {
            let name = parameter["name"].as_str().unwrap_or_default();
            if !names.iter().any(|it| it == name || it.split('[').next() == name.split('[').next())
            {
                misfits.push(self.misfit(&format!("form {name}"), "it is required"));
            }
        }
        misfits
    }

    fn value_misfits(&self, parameter: &Value, text: &str, part: &str) -> Vec<Misfit> {
        let schema = match self.description.dialect {
            Dialect::OpenApi => &parameter["schema"],
            Dialect::Swagger => parameter,
        };
        let schema = self.description.resolve(schema);
        let place = format!("{} {part}", self.id);
        let value = typed(schema, text);
        let schema = match self.description.dialect {
            Dialect::OpenApi => schema.clone(),
            // A Swagger parameter is its own schema, and its `required` is another word.
            Dialect::Swagger => {
                let mut schema = schema.clone();
                schema.as_object_mut().map(|it| it.remove("required"));
                schema
            }
        };
        self.description.validate(&place, &schema, &value, &place)
    }

    /// The parameters of one place, those of the path before those of the operation.
    fn parameters(&self, place: &str) -> Vec<&Value> {
        let own = self.operation["parameters"].as_array().into_iter().flatten();
        let shared = self.item["parameters"].as_array().into_iter().flatten();
        let all = own.chain(shared).map(|it| self.description.resolve(it));
        all.filter(|it| it["in"] == place).collect()
    }

    fn misfit(&self, part: &str, why: &str) -> Misfit {
        Misfit::new(format!("{} {part}", self.id), why)
    }
}

/// What a parameter's text stands for, by its schema's type.
fn typed(schema: &Value, text: &str) -> Value {
    let alternatives = ["oneOf", "anyOf"].iter().find_map(|it| schema[it].as_array());
    if let Some(alternatives) = alternatives {
        let whole_number = alternatives.iter().any(|it| it["type"] == "integer");
        return match text.parse::<i64>() {
            Ok(number) if whole_number => json!(number),
            _ => json!(text),
        };
    }
    match schema["type"].as_str() {
        Some("integer" | "number") => {
            text.parse::<serde_json::Number>().map_or(json!(text), Value::Number)
        }
        Some("boolean") => text.parse::<bool>().map_or(json!(text), Value::Bool),
        Some("array") => text.split(',').map(|it| typed(&schema["items"], it)).collect(),
        _ => json!(text),
    }
}

fn media_type(content_type: Option<&str>) -> String {
    let text = content_type.unwrap_or("application/json");
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// The names of a multipart form's fields.
fn multipart_names(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let headers = text.split("ontent-").filter(|it| it.to_lowercase().starts_with("disposition"));
    headers
        .filter_map(|it| {
            let after = it.split("; name=\"").nth(1)?;
            Some(after.split('"').next()?.to_owned())
        })
        .collect()
}
