//! What clients send, checked as GitLab checks it.

use super::error::GitlabError;
use packhorse_core::Secret;
use serde_json::{Map, Value};
use url::Url;

/// Most entities of a request.
const MOST_ENTITIES: usize = 1_000;
/// Longest text of a field, in bytes.
const LONGEST: usize = 1_024;

/// What a migration shall carry.
pub(super) struct Start {
    /// Address of the source, without a slash at its end.
    pub(super) url: String,
    pub(super) token: Secret,
    pub(super) entities: Vec<Entity>,
}

/// A group or a project to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entity {
    pub(super) is_group: bool,
    pub(super) source_full_path: String,
    pub(super) slug: String,
    pub(super) namespace: String,
    pub(super) migrate_projects: bool,
    pub(super) migrate_memberships: bool,
}

impl Entity {
    /// Where it goes.
    pub(super) fn destination(&self) -> String {
        match self.namespace.as_str() {
            "" => self.slug.clone(),
            namespace => format!("{namespace}/{}", self.slug),
        }
    }
}

/// Collects what is wrong, to be told all at once.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn add(&mut self, field: &str, what: &str) {
        self.0.push(format!("{field} {what}"));
    }

    /// A text that must be there.
    fn text(&mut self, of: Option<&Value>, name: &str, field: &str) -> String {
        match of.and_then(|it| it.get(name)) {
            None | Some(Value::Null) => self.add(field, "is missing"),
            Some(Value::String(text)) if text.len() <= LONGEST => return text.clone(),
            Some(_) => self.add(field, "is invalid"),
        }
        String::new()
    }

    /// A yes or no that counts as yes when nothing is said.
    fn flag(&mut self, of: &Value, name: &str, field: &str) -> bool {
        match of.get(name) {
            None | Some(Value::Null | Value::Bool(true)) => true,
            Some(Value::Bool(false)) => false,
            Some(Value::String(text)) if text == "true" || text == "1" => true,
            Some(Value::String(text)) if text == "false" || text == "0" => false,
            Some(_) => {
                self.add(field, "is invalid");
                true
            }
        }
    }
}

impl Start {
    /// Reads a body.
    pub(super) fn read(body: &Map<String, Value>) -> Result<Self, GitlabError> {
        let mut faults = Faults::default();
        let configuration = body.get("configuration").filter(|it| it.is_object());
        if configuration.is_none() {
            faults.add("configuration", "is missing");
        }
        let url = faults.text(configuration, "url", "configuration[url]");
        let token = faults.text(configuration, "access_token", "configuration[access_token]");
        let list = match body.get("entities") {
            Some(Value::Array(list)) if !list.is_empty() => list.as_slice(),
            None | Some(Value::Null) => {
                faults.add("entities", "is missing");
                &[]
            }
            Some(_) => {
                faults.add("entities", "is invalid");
                &[]
            }
        };
        if list.len() > MOST_ENTITIES {
            faults.add("entities", "is too long");
        }
        let entities = list.iter().take(MOST_ENTITIES).enumerate();
        let entities = entities.map(|(n, it)| entity(&mut faults, n, it)).collect();
        if !faults.0.is_empty() {
            return Err(GitlabError::parameters(faults.0.join(", ")));
        }
        Ok(Self { url: address(&url)?, token: Secret::new(token), entities })
    }
}

fn entity(faults: &mut Faults, n: usize, value: &Value) -> Entity {
    let field = |name: &str| format!("entities[{n}][{name}]");
    let kind = faults.text(Some(value), "source_type", &field("source_type"));
    if !matches!(kind.as_str(), "group_entity" | "project_entity" | "") {
        faults.add(&field("source_type"), "does not have a valid value");
    }
    let source = faults.text(Some(value), "source_full_path", &field("source_full_path"));
    if !source.is_empty() && !is_relative(&source) {
        faults.add(&field("source_full_path"), NOT_A_SOURCE);
    }
    let namespace =
        faults.text(Some(value), "destination_namespace", &field("destination_namespace"));
    if !namespace.is_empty() && !is_relative(&namespace) {
        faults.add(&field("destination_namespace"), NOT_A_DESTINATION);
    }
    let slug = slug(faults, value, &field);
    Entity {
        is_group: kind == "group_entity",
        source_full_path: source,
        slug,
        namespace,
        migrate_projects: faults.flag(value, "migrate_projects", &field("migrate_projects")),
        migrate_memberships: faults.flag(
            value,
            "migrate_memberships",
            &field("migrate_memberships"),
        ),
    }
}

const NOT_A_SOURCE: &str = "must be a relative path and not include protocol, sub-domain, or \
    domain information. For example, 'source/full/path' not 'https://example.com/source/full/path'";

const NOT_A_DESTINATION: &str = "must be a relative path and not include protocol, sub-domain, or \
    domain information. For example, 'destination/full/path' not \
    'https://example.com/destination/full/path'";

const NOT_A_SLUG: &str = "can only include non-accented letters, digits, '_', '-' and '.'. It \
    must not start with '-', '_', or '.', nor end with '-', '_', '.', '.git', or '.atom'. For \
    example, 'destination_namespace' not 'destination/namespace'";

fn slug(faults: &mut Faults, value: &Value, field: &dyn Fn(&str) -> String) -> String {
    let there = |name: &str| value.get(name).is_some_and(|it| !it.is_null());
    let names = ["destination_slug", "destination_name"];
    let both = format!("{}, {}", field(names[0]), field(names[1]));
    match (there(names[0]), there(names[1])) {
        (true, true) => {
            faults.add(&both, "are mutually exclusive");
            return String::new();
        }
        (false, false) => {
            faults.add(&both, "are missing, at least one parameter must be provided");
            return String::new();
        }
        (true, false) | (false, true) => {}
    }
    let name = if there(names[0]) { names[0] } else { names[1] };
    let text = faults.text(Some(value), name, &field(name));
    if !text.is_empty() && !is_slug(&text) {
        faults.add(&field(name), NOT_A_SLUG);
    }
    text
}

/// Whether a text is a path of groups, and no address.
fn is_relative(text: &str) -> bool {
    let first = text.split('/').next().unwrap_or_default();
    let is_name = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.chars().all(|it| it.is_alphanumeric() || "_-.".contains(it))
    };
    text.split('/').all(is_name) && !text.contains("://") && !first.starts_with("www.")
}

fn is_slug(text: &str) -> bool {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "_-.".contains(it);
    text.chars().all(is_plain)
        && !text.starts_with(['-', '_', '.'])
        && !text.ends_with(['-', '_', '.'])
        && !text.ends_with(".git")
        && !text.ends_with(".atom")
}

/// The base of a server's address.
fn address(text: &str) -> Result<String, GitlabError> {
    let fail = || {
        GitlabError::unprocessable(
            "Invalid source URL. Enter only the base URL of the source GitLab instance.",
        )
    };
    let url: Url = text.trim().parse().map_err(|_| fail())?;
    let is_base = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|it| !it.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && !url.path().contains("/-");
    is_base.then(|| url.as_str().trim_end_matches('/').to_owned()).ok_or_else(fail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn body(change: impl FnOnce(&mut Value)) -> Value {
        let mut value = json!({
            "configuration": {"url": "https://gitlab.example.com", "access_token": "t"},
            "entities": [{
                "source_full_path": "source/full/path",
                "source_type": "group_entity",
                "destination_slug": "destination_slug",
                "destination_namespace": "destination/namespace/path",
            }],
        });
        change(&mut value);
        value
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut Value), expected: &str) {
        let value = body(change);
        let error = Start::read(value.as_object().unwrap()).err().expect("it is refused");
        assert_eq!(error.told(), (400, expected));
    }

    #[test]
    fn the_documented_request_is_read() {
        let value = body(|_| {});
        let start = Start::read(value.as_object().unwrap()).unwrap();

        assert_eq!(start.url, "https://gitlab.example.com");
        let entity = &start.entities[0];
        assert!(entity.is_group && entity.migrate_projects && entity.migrate_memberships);
        assert_eq!(entity.destination(), "destination/namespace/path/destination_slug");
    }

    #[test]
    fn faults_are_told_in_gitlabs_words() {
        let entity =
            |name: &'static str, to: Value| move |it: &mut Value| it["entities"][0][name] = to;
        check(
            entity("destination_name", json!("x")),
            "entities[0][destination_slug], entities[0][destination_name] are mutually exclusive",
        );
        check(
            entity("destination_slug", Value::Null),
            "entities[0][destination_slug], entities[0][destination_name] are missing, at least \
             one parameter must be provided",
        );
        check(
            entity("source_full_path", json!("https://example.com/source/full/path")),
            "entities[0][source_full_path] must be a relative path and not include protocol, \
             sub-domain, or domain information. For example, 'source/full/path' not \
             'https://example.com/source/full/path'",
        );
        check(
            entity("destination_namespace", json!("https://example.com/x")),
            "entities[0][destination_namespace] must be a relative path and not include protocol, \
             sub-domain, or domain information. For example, 'destination/full/path' not \
             'https://example.com/destination/full/path'",
        );
        check(
            entity("destination_slug", json!("destination/namespace")),
            "entities[0][destination_slug] can only include non-accented letters, digits, '_', \
             '-' and '.'. It must not start with '-', '_', or '.', nor end with '-', '_', '.', \
             '.git', or '.atom'. For example, 'destination_namespace' not 'destination/namespace'",
        );
        check(
            entity("source_type", json!("user_entity")),
            "entities[0][source_type] does not have a valid value",
        );
        check(|it| it["entities"] = Value::Null, "entities is missing");
        check(|it| it["configuration"]["url"] = Value::Null, "configuration[url] is missing");
    }

    #[test]
    fn an_address_is_a_servers_base() {
        assert_eq!(address("https://h.example/gitlab/").unwrap(), "https://h.example/gitlab");
        for wrong in ["h.example", "ftp://h", "https://a:b@h", "https://h/?x=1", "file:///etc"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
