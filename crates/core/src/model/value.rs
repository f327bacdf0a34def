//! Values that many records share: ids, people, times, texts, subjects.

use super::{choice, model};
use jiff::{Timestamp, tz::Offset};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// A reference by the source's own id, where people have no name for the thing.
///
/// Left out of fingerprints: ids differ from host to host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostId(pub String);

impl From<&str> for HostId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

/// A moment, with the offset from UTC under which it was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Time {
    instant: Timestamp,
    offset_seconds: i32,
}

/// Why a text is not a time.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is not a time like 2026-01-31T12:00:00+01:00")]
pub struct TimeError {
    text: String,
}

impl Time {
    /// A moment told in UTC.
    pub const fn utc(instant: Timestamp) -> Self {
        Self { instant, offset_seconds: 0 }
    }

    /// A moment by milliseconds since 1970, told in UTC.
    pub fn from_millis(millis: i64) -> Option<Self> {
        Timestamp::from_millisecond(millis).ok().map(Self::utc)
    }

    /// The moment itself.
    pub const fn instant(self) -> Timestamp {
        self.instant
    }

    /// The same moment told in UTC.
    #[must_use]
    pub const fn to_utc(self) -> Self {
        Self::utc(self.instant)
    }
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let fail = || TimeError { text: text.chars().take(64).collect() };
        let instant: Timestamp = text.parse().map_err(|_| fail())?;
        let offset_seconds = offset_seconds(text).ok_or_else(fail)?;
        Ok(Self { instant, offset_seconds })
    }
}

/// Reads the offset at the end of a time that has parsed already.
fn offset_seconds(text: &str) -> Option<i32> {
    if text.ends_with(['Z', 'z']) {
        return Some(0);
    }
    let at = text.rfind(['+', '-'])?;
    let (sign, rest) = (if text.as_bytes()[at] == b'-' { -1 } else { 1 }, &text[at + 1..]);
    let digits: Vec<i32> = rest
        .split(':')
        .flat_map(|part| part.as_bytes().chunks(2))
        .map(|pair| std::str::from_utf8(pair).ok()?.parse().ok())
        .collect::<Option<_>>()?;
    let seconds = match digits[..] {
        [h] => h * 3600,
        [h, m] => h * 3600 + m * 60,
        [h, m, s] => h * 3600 + m * 60 + s,
        _ => return None,
    };
    Some(sign * seconds)
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Offset::from_seconds(self.offset_seconds) {
            Ok(offset) if self.offset_seconds != 0 => {
                write!(f, "{}", self.instant.display_with_offset(offset))
            }
            _ => write!(f, "{}", self.instant),
        }
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct("Time", &self.to_string())
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

choice! {
    /// What stands behind an account.
    pub enum IdentityKind {
        /// A person.
        #[default]
        Person,
        /// A program.
        Bot,
        /// An account that is gone.
        Deleted,
        /// A group that acts as one.
        Organization,
    }
}

model! {
    /// Somebody, as a host knows them.
    #[derive(Eq, Hash, PartialOrd, Ord)]
    pub struct Identity {
        /// Name of the account.
        pub login: String,
        /// Name for people.
        pub name: Option<String>,
        /// E-mail address.
        pub email: Option<String>,
        /// What stands behind the account.
        pub kind: IdentityKind,
        /// Host that knows the account, such as `github.com`.
        pub host: Option<String>,
    }
}

impl Identity {
    /// The account of that name on that host.
    pub fn login(login: impl Into<String>, host: Option<&str>) -> Self {
        Self { login: login.into(), host: host.map(str::to_owned), ..Self::default() }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) if !name.is_empty() => write!(f, "{name} (@{})", self.login),
            _ => write!(f, "@{}", self.login),
        }
    }
}

choice! {
    /// The language a text is marked up in.
    pub enum Markup {
        /// No markup.
        #[default]
        Plain,
        /// GitHub Flavored Markdown, with GitHub's references.
        Github,
        /// GitLab Flavored Markdown.
        Gitlab,
        /// Gitea's and Forgejo's Markdown.
        Gitea,
        /// Bitbucket's Markdown and wiki-style markup.
        Bitbucket,
    }
}

/// The characters of a text; fingerprints ignore how its lines end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TextBody(pub String);

model! {
    /// What somebody wrote, and in which markup.
    #[derive(Eq, Hash)]
    pub struct Text {
        /// The characters.
        pub text: TextBody,
        /// The markup.
        pub markup: Markup,
    }
}

impl Text {
    /// A text in that markup.
    pub fn new(text: impl Into<String>, markup: Markup) -> Self {
        Self { text: TextBody(text.into()), markup }
    }

    /// The characters.
    pub fn as_str(&self) -> &str {
        &self.text.0
    }
}

/// What a comment, a reaction, an event or a state is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The project itself.
    #[default]
    Project,
    /// The issue of that number.
    Issue(u64),
    /// The change request of that number.
    ChangeRequest(u64),
    /// The discussion of that number.
    Discussion(u64),
    /// The release of that tag.
    Release(String),
    /// The commit of that object id.
    Commit(String),
    /// A comment.
    Comment(HostId),
    /// A review.
    Review(HostId),
    /// A review comment.
    ReviewComment(HostId),
    /// A comment on a commit.
    CommitComment(HostId),
    /// A snippet.
    Snippet(HostId),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_time(text: &str) {
        assert_eq!(text.parse::<Time>().unwrap().to_string(), text);
    }

    #[test]
    fn a_time_keeps_its_offset() {
        check_time("2019-11-13T05:13:22+08:00");
        check_time("2019-11-13T05:13:22-03:30");
        check_time("2019-11-13T05:13:22Z");
        check_time("2019-11-13T05:13:22.25Z");
    }

    #[test]
    fn equal_moments_are_one_in_utc() {
        let east: Time = "2019-11-13T05:13:22.000+08:00".parse().unwrap();
        let utc: Time = "2019-11-12T21:13:22Z".parse().unwrap();

        assert_eq!(east.to_utc(), utc);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        assert!("yesterday".parse::<Time>().is_err());
        assert!("".parse::<Time>().is_err());
        assert!("2019-11-13".parse::<Time>().is_err());
    }
}
