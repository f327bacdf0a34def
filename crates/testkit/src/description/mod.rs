//! What a host's published description says of requests and answers.
//!
//! [`Description::load`] reads an OpenAPI 3.0 or Swagger 2.0 document;
//! [`Description::request`] and [`Description::answer`] tell what of an exchange
//! does not fit it, one readable [`Misfit`] for each fault. An adapter's tests
//! hold what it sends against this, a fake's tests what it answers.
//!
//! Where a description is known to be stricter or looser than its product, that
//! is said where the rule is bent: [`schema`](self) takes `oneOf` for `anyOf`,
//! because published variants overlap, and in Swagger 2.0, which has no word for
//! it, whatever is not required may be `null`, as Go's servers answer.
//!
//! Sources: OpenAPI Specification 3.0.3, Swagger 2.0 Specification.

mod misfit;
mod operation;
mod path;
mod schema;

pub use misfit::Misfit;
use operation::Operation;
use path::Template;
use schema::Dialect;
use serde_json::Value;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// Statuses that any operation may answer with, listed or not: who may not, what is not there,
/// where to go instead, and what is wrong with the server today.
const ANYWHERE: &[u16] =
    &[301, 302, 304, 307, 308, 400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 429];

/// Why a description could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{} is not an OpenAPI 3.0 or Swagger 2.0 description: {why}", path.display())]
pub struct NoDescription {
    path: PathBuf,
    why: String,
}

/// A published description of an API.
pub struct Description {
    document: Value,
    dialect: Dialect,
    prefix: String,
    templates: Vec<Template>,
    validators: Mutex<HashMap<String, Arc<jsonschema::Validator>>>,
    allowed: Vec<String>,
}

impl std::fmt::Debug for Description {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Description").field("paths", &self.templates.len()).finish_non_exhaustive()
    }
}

impl Description {
    /// Reads a description from a JSON file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is not a description.
    pub fn load(path: &Path) -> Result<Self, NoDescription> {
        let fail = |why: String| NoDescription { path: path.to_owned(), why };
        let bytes = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
        let document = serde_json::from_slice(&bytes).map_err(|error| fail(error.to_string()))?;
        Self::new(document).map_err(|why| fail(why.to_owned()))
    }

    /// Reads the description of that file name from the folder of published descriptions.
    ///
    /// The folder is `PACKHORSE_SPECS`, or `specs` in the shared folder beside the repository.
    /// `None`, with a visible line, where it is not there.
    ///
    /// # Panics
    ///
    /// When the file is there and is not a description.
    pub fn published(file: &str) -> Option<Self> {
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/specs");
        let folder = std::env::var_os("PACKHORSE_SPECS").map_or_else(beside, PathBuf::from);
        let path = folder.join(file);
        if path.exists() {
            return Some(Self::load(&path).unwrap_or_else(|error| panic!("{error}")));
        }
        let line = format!("SKIPPED: there is no {}; set PACKHORSE_SPECS\n", path.display());
        drop(std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()));
        None
    }

    fn new(document: Value) -> Result<Self, &'static str> {
        let dialect = Dialect::of(&document).ok_or("it has neither `openapi` nor `swagger`")?;
        let paths = document["paths"].as_object().ok_or("it has no `paths`")?;
        let mut templates: Vec<_> = paths.keys().map(|path| Template::new(path)).collect();
        templates.sort_by_key(Template::rank);
        let prefix = schema::prefix(&document);
        Ok(Self {
            prefix,
            templates,
            dialect,
            document,
            validators: Mutex::default(),
            allowed: Vec::new(),
        })
    }

    /// Takes paths that begin with `prefix`, such as `/api/v3`, instead of the prefix that the
    /// description names.
    #[must_use]
    pub fn at(mut self, prefix: &str) -> Self {
        prefix.trim_end_matches('/').clone_into(&mut self.prefix);
        self
    }

    /// Takes a query parameter everywhere that the description does not name.
    #[must_use]
    pub fn allow(mut self, parameter: &str) -> Self {
        self.allowed.push(parameter.to_owned());
        self
    }

    /// Whether the description has an operation for a method and a path (with or without a query).
    pub fn knows(&self, method: &str, target: &str) -> bool {
        self.find(method, target).is_ok()
    }

    /// What of a request does not fit.
    ///
    /// `target` is path and query; `content_type` decides how the body is looked at. JSON is held
    /// against its schema, of forms only the names of fields, anything else only its media type.
    pub fn request(
        &self,
        method: &str,
        target: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Vec<Misfit> {
        let (operation, captures) = match self.find(method, target) {
            Ok(found) => found,
            Err(misfit) => return vec![misfit],
        };
        let mut misfits = operation.path_misfits(&captures);
        misfits.extend(operation.query_misfits(target, &self.allowed));
        misfits.extend(operation.body_misfits(content_type, body));
        misfits
    }

    /// What of an answer to a request does not fit. An empty body has no media type.
    ///
    /// Refusals and redirects that any operation can meet need not be listed; the body of one
    /// that is not listed is not looked at. Server errors are never looked at.
    pub fn answer(
        &self,
        method: &str,
        target: &str,
        status: u16,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Vec<Misfit> {
        match self.find(method, target) {
            Ok((operation, _)) => operation.answer_misfits(status, content_type, body),
            Err(misfit) => vec![misfit],
        }
    }

    fn find<'a>(
        &'a self,
        method: &str,
        target: &str,
    ) -> Result<(Operation<'a>, Vec<(String, String)>), Misfit> {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let place = format!("{method} {path}");
        let Some(path) = path.strip_prefix(self.prefix.as_str()) else {
            return Err(Misfit::new(
                place,
                format!("the path does not begin with {}", self.prefix),
            ));
        };
        let verb = method.to_ascii_lowercase();
        let mut other_methods = false;
        for template in &self.templates {
            let Some(captures) = template.captures(path) else { continue };
            let item = &self.document["paths"][template.as_str()];
            if let Some(operation) = item.get(&verb) {
                let id = format!("{method} {}", template.as_str());
                let operation = Operation { description: self, item, operation, id };
                return Ok((operation, captures));
            }
            other_methods = true;
        }
        let why = if other_methods { "the path has no such method" } else { "no such path" };
        Err(Misfit::new(place, why))
    }

    /// Follows a `$ref` within the document; the value itself when it is none.
    fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let mut value = value;
        for _ in 0..16 {
            let Some(pointer) = value["$ref"].as_str().and_then(|it| it.strip_prefix('#')) else {
                break;
            };
            value = self.document.pointer(pointer).unwrap_or(&Value::Null);
        }
        value
    }

    /// Holds a value against a schema; `key` names the schema for the cache.
    fn validate(&self, key: &str, schema: &Value, value: &Value, place: &str) -> Vec<Misfit> {
        let mut validators = self.validators.lock().unwrap_or_else(PoisonError::into_inner);
        let validator = match validators.get(key) {
            Some(validator) => Arc::clone(validator),
            None => {
                let whole = schema::whole(&self.document, self.dialect, schema);
                match jsonschema::options().with_draft(jsonschema::Draft::Draft4).build(&whole) {
                    Ok(validator) => {
                        let validator = Arc::new(validator);
                        validators.insert(key.to_owned(), Arc::clone(&validator));
                        validator
                    }
                    Err(error) => {
                        return vec![Misfit::new(place, format!("unusable schema: {error}"))];
                    }
                }
            }
        };
        drop(validators);
        misfit::of(&validator, value, place)
    }
}

#[cfg(test)]
mod tests;
