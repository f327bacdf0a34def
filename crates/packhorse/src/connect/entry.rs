//! The section that says which Git host the platform uses.

use super::file::{Key, Lines};
use crate::projects::host::ApiType;
use packhorse_core::Secret;
use serde_json::Value;

/// The one name of repositories that the platform understands.
pub(super) const PATTERN: &str = "{owner}-{id}";

/// Words for types that older releases of the platform take.
pub(super) const OLD_TYPES: [(&str, ApiType); 3] = [
    ("github", ApiType::Github),
    ("gitlab", ApiType::Gitlab),
    // The page names Bitbucket Cloud alone.
    ("bitbucket", ApiType::BitbucketCloud),
];

/// The API type of a word of the configuration, old or new.
pub(super) fn type_named(word: &str) -> Option<ApiType> {
    let old = OLD_TYPES.iter().find(|(name, _)| *name == word).map(|(_, api)| *api);
    old.or_else(|| ApiType::named(word))
}

/// Where the section is: its keys, from the top.
pub(super) fn place(lines: &Lines) -> Option<Key> {
    // Releases differ in whether the list of hosts stands below `storage`.
    for path in [&["storage", "git"][..], &["git", "storage"], &["git"]] {
        let Some(git) = lines.find(path) else { continue };
        let entries: Vec<_> = lines
            .keys(git.block.clone())
            .into_iter()
            .filter(|it| lines.keys(it.block.clone()).iter().any(|it| it.name == "type"))
            .collect();
        let default = entries.iter().find(|it| it.name == "default").or(entries.first());
        if let Some(found) = default {
            return Some(found.clone());
        }
    }
    None
}

/// The section that `reverse-proxy-auth` belongs to: `git`, outside of `storage`.
pub(super) fn server(lines: &Lines) -> Option<Key> {
    lines.find(&["git"])
}

/// What the section says.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) url: String,
    /// `credential-hostname`, or `credential-url` in newer releases.
    pub(super) credential_host: String,
    pub(super) repository: String,
    pub(super) organization: String,
    pub(super) username: String,
    pub(super) token: Option<Secret>,
}

impl Entry {
    /// Reads the section out of the file's values.
    pub(super) fn read(lines: &Lines, values: &Value) -> Option<Self> {
        let key = place(lines)?;
        let found =
            [&["storage", "git"][..], &["git", "storage"], &["git"]].iter().find_map(|path| {
                path.iter().try_fold(values, |it, name| it.get(name))?.get(&key.name)
            })?;
        let text = |name: &str| match found.get(name) {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) | None => String::new(),
        };
        let credential = Some(text("credential-hostname")).filter(|it| !it.is_empty());
        Some(Self {
            name: text("name"),
            kind: text("type"),
            url: text("url"),
            credential_host: credential.unwrap_or_else(|| text("credential-url")),
            repository: text("repository"),
            organization: text("organization"),
            username: text("username"),
            token: Some(text("auth-token")).filter(|it| !it.is_empty()).map(Secret::new),
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{super::file::values, *};

    /// A file as the platform comes with.
    pub(in super::super) const PLATFORM: &str = "\
# Platform configuration
db:
  drivername: postgresql # do not change

storage:
  host: anaconda-enterprise-ap-storage
  git:
    # Example external repo configuration
    # default:
    #   name: Example.com GitHub repo
    #   type: github-v3-api
    #   url: https://api.github.com
    # Internal repo configuration
    default:
      name: anaconda.example.com # shown to people
      type: internal
      url: http://anaconda-enterprise-ap-git-storage/
      # used in clones
      credential-url: http://anaconda-enterprise-ap-git-storage/
      repository: '{owner}-{id}'
      auth-token: hunter2
      http-timeout: 60

# The server of the platform itself
git:
  url: https://anaconda.example.com/platform/git
  directory: /git-data
kubernetes:
  server: https://10.100.0.1
";

    #[test]
    fn the_section_is_read_where_the_platform_has_it() {
        let lines = Lines::of(PLATFORM);

        let entry = Entry::read(&lines, &values(PLATFORM).unwrap()).unwrap();

        assert_eq!(
            (entry.name.as_str(), entry.kind.as_str()),
            ("anaconda.example.com", "internal")
        );
        assert_eq!(entry.repository, PATTERN);
        assert_eq!(entry.token.as_ref().unwrap().expose(), "hunter2");
        assert!(!format!("{entry:?}").contains("hunter2"));
        assert_eq!(server(&lines).unwrap().name, "git");
    }

    #[test]
    fn old_and_new_words_are_types() {
        for (word, api) in [
            ("github", Some(ApiType::Github)),
            ("gitlab-v4-api", Some(ApiType::Gitlab)),
            ("bitbucket", Some(ApiType::BitbucketCloud)),
            ("bitbucket-v1-api", Some(ApiType::BitbucketServer)),
            ("svn", None),
        ] {
            assert_eq!(type_named(word), api);
        }
    }
}
