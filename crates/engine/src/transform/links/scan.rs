//! Finding references in a marked-up text, by place in its bytes.

use super::place::{self, Thing};
use crate::transform::paths::PathMap;
use packhorse_core::{Addresses, Web, model::Markup};
use pulldown_cmark::{Event, Options, Parser, Tag};
use std::ops::Range;

/// Something in a text that may have to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    /// Where it stands, in bytes.
    pub(super) range: Range<usize>,
    /// What it is.
    pub(super) what: What,
}

/// What stands in a spot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// An address at the old host; its fragment, if any, is part of the spot.
    Address { project: String, thing: Thing, fragment: String },
    /// `#12`, `!12`, or the same after a project's path.
    Shorthand { project: Option<String>, thing: Thing },
    /// `@somebody`.
    Mention(String),
}

/// Finds what may have to change: addresses at one of `webs`, shorthands, mentions.
pub(super) fn scan(text: &str, markup: Markup, webs: &[Web], paths: &PathMap) -> Vec<Spot> {
    let has_address = webs.iter().any(|it| text.contains(&it.url));
    let has_sign = markup != Markup::Plain && text.contains(['#', '!', '@']);
    if !has_address && !has_sign {
        return Vec::new();
    }
    let mut closed = Closed::of(text, markup);
    let mut spots = Vec::new();
    for web in webs.iter().filter(|_| has_address) {
        addresses(text, web, paths, &closed.code, &mut spots);
    }
    if has_sign {
        closed.close_urls(text);
        signs(text, markup, paths, &closed, &mut spots);
    }
    spots.sort_by_key(|it| it.range.start);
    spots
}

/// Addresses that hosts give to files of texts, wherever they are.
///
/// Source: the pages of GitHub, GitLab, Gitea and Bitbucket themselves.
pub(super) fn files(text: &str, markup: Markup) -> Vec<Range<usize>> {
    const PARTS: [&str; 4] = [
        "/attachments/",
        "/user-attachments/",
        "/uploads/",
        "//user-images.githubusercontent.com/",
    ];
    // Without a host, within what leads to them.
    let short = match markup {
        Markup::Gitlab => Some("/uploads/"),
        Markup::Bitbucket => Some("attachment:"),
        Markup::Plain | Markup::Github | Markup::Gitea => None,
    };
    if !PARTS.iter().chain(&short).any(|it| text.contains(it)) {
        return Vec::new();
    }
    let closed = Closed::of(text, markup);
    let urls = text.match_indices("://").map(|(at, _)| {
        let start = text[..at].rfind(|c: char| !c.is_ascii_alphabetic()).map_or(0, |it| it + 1);
        at.min(start)..at + url_end(&text[at..])
    });
    let urls = urls.filter(|it| {
        let url = &text[it.clone()];
        url.starts_with("http") && PARTS.iter().any(|part| url.contains(part))
    });
    let short = short.into_iter().flat_map(|it| text.match_indices(it)).filter_map(|(at, _)| {
        let opens = text[..at].ends_with(['(', '"', '\'', '<', ' ', '\n']) || at == 0;
        opens.then(|| at..at + url_end(&text[at..]))
    });
    let mut found: Vec<_> = urls.chain(short).filter(|it| !closed.code.hold(it.start)).collect();
    found.sort_by_key(|it| it.start);
    found
}

/// Sorted ranges that do not overlap.
#[derive(Debug, Default)]
struct Ranges(Vec<Range<usize>>);

impl Ranges {
    fn tidy(mut list: Vec<Range<usize>>) -> Self {
        list.sort_by_key(|it| it.start);
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(list.len());
        for range in list {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                Some(_) | None => merged.push(range),
            }
        }
        Self(merged)
    }

    fn hold(&self, at: usize) -> bool {
        let next = self.0.partition_point(|it| it.start <= at);
        next > 0 && self.0[next - 1].end > at
    }
}

/// Where nothing is to be looked for.
#[derive(Debug, Default)]
struct Closed {
    /// Code: nothing in it is touched.
    code: Ranges,
    /// Code, links, HTML, addresses: a `#12` in them is no reference.
    any: Ranges,
}

impl Closed {
    fn of(text: &str, markup: Markup) -> Self {
        if markup == Markup::Plain {
            return Self::default();
        }
        let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
        let events = Parser::new_ext(text, options).into_offset_iter();
        let (mut code, mut any) = (Vec::new(), Vec::new());
        any.extend(events.reference_definitions().iter().map(|(_, it)| it.span.clone()));
        for (event, range) in events {
            let is_code = matches!(event, Event::Code(_) | Event::Start(Tag::CodeBlock(_)))
                || matches!(event, Event::Start(Tag::HtmlBlock) if is_preformatted(&text[range.clone()]));
            let is_closed = matches!(
                event,
                Event::Start(Tag::HtmlBlock | Tag::Link { .. } | Tag::Image { .. })
                    | Event::Html(_)
                    | Event::InlineHtml(_)
            );
            if is_code {
                code.push(range);
            } else if is_closed {
                any.push(range);
            }
        }
        any.extend(code.iter().cloned());
        Self { code: Ranges::tidy(code), any: Ranges::tidy(any) }
    }

    /// Closes bare addresses, of whatever host.
    fn close_urls(&mut self, text: &str) {
        let urls = text.match_indices("://").map(|(at, _)| {
            let start = text[..at].rfind(|c: char| !c.is_ascii_alphabetic()).map_or(0, |it| it + 1);
            at.min(start)..at + url_end(&text[at..])
        });
        let mut list = std::mem::take(&mut self.any.0);
        list.extend(urls);
        self.any = Ranges::tidy(list);
    }
}

fn is_preformatted(html: &str) -> bool {
    let html = html.trim_start().as_bytes();
    html.get(..4).is_some_and(|it| it.eq_ignore_ascii_case(b"<pre"))
}

/// How far an address goes on.
fn url_end(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || c.is_control() || "<>()[]{}\"'`|\\^".contains(c);
    text.find(ends).unwrap_or(text.len())
}

fn addresses(text: &str, web: &Web, paths: &PathMap, code: &Ranges, spots: &mut Vec<Spot>) {
    for (start, _) in text.match_indices(&web.url) {
        let before = text[..start].chars().next_back();
        if code.hold(start) || before.is_some_and(char::is_alphanumeric) {
            continue;
        }
        let begin = start + web.url.len();
        let rest = &text[begin..begin + url_end(&text[begin..])];
        let Some((project, path_len)) = project_in(rest, web.layout, paths) else { continue };
        let Some((thing, len)) = place::parse(&rest[path_len..]) else { continue };
        let after = &rest[path_len + len..];
        let fragment = match after.strip_prefix('#') {
            Some(name) => {
                let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
                let end = name.find(|c| !plain(c)).unwrap_or(name.len());
                &after[..=end]
            }
            None => comment_in(after),
        };
        let end = begin + path_len + len + fragment.len();
        let what = What::Address { project, thing, fragment: fragment.to_owned() };
        spots.push(Spot { range: start..end, what });
    }
}

/// The question by which Bitbucket Data Center's pages lead to a comment.
fn comment_in(after: &str) -> &str {
    const SIGN: &str = "?commentId=";
    let Some(rest) = after.strip_prefix(SIGN) else { return "" };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    &after[..SIGN.len() + end]
}

/// The longest path of a project of this job that `/path/…` begins with, and how long it is there.
fn project_in(rest: &str, layout: Addresses, paths: &PathMap) -> Option<(String, usize)> {
    const MAX_DEPTH: usize = 24;
    let inner = rest.strip_prefix('/')?;
    if layout == Addresses::Repositories {
        let (path, len) = place::repository(inner)?;
        return paths.project(&path).map(|_| (path, len + 1));
    }
    let ends = inner.match_indices(['/', '#', '?']).map(|(at, _)| at).take(MAX_DEPTH);
    let mut ends: Vec<usize> =
        ends.chain([inner.trim_end_matches(['.', ',', ';', ':', '!']).len()]).collect();
    ends.sort_unstable();
    ends.into_iter().rev().find_map(|end| {
        let path = inner.get(..end)?;
        paths.project(path).map(|_| (path.to_owned(), end + 1))
    })
}

fn signs(text: &str, markup: Markup, paths: &PathMap, closed: &Closed, spots: &mut Vec<Spot>) {
    for (at, sign) in text.match_indices(['#', '!', '@']) {
        if closed.any.hold(at) {
            continue;
        }
        let spot = match sign {
            "@" => mention(text, at, markup),
            _ => shorthand(text, at, markup, paths),
        };
        spots.extend(spot);
    }
}

/// Whether a reference may begin after that character.
fn opens(before: Option<char>) -> bool {
    before.is_none_or(|c| !c.is_alphanumeric() && !"_/\\&#!@.-+=%~$".contains(c))
}

fn shorthand(text: &str, at: usize, markup: Markup, paths: &PathMap) -> Option<Spot> {
    let digits = text[at + 1..].bytes().take_while(u8::is_ascii_digit).count();
    let end = at + 1 + digits;
    // `#010` is nobody's number: hosts write none with zeros before it.
    let n: u64 = text[at + 1..end].parse().ok()?;
    if text[at + 1..].starts_with('0') {
        return None;
    }
    if text[end..].starts_with(|c: char| c.is_alphanumeric() || c == '_') {
        return None;
    }
    let thing = match (&text[at..=at], markup) {
        ("!", Markup::Gitlab) => Thing::ChangeRequest(n),
        ("!", _) => return None,
        (_, Markup::Gitlab | Markup::Bitbucket) => Thing::Issue(n),
        _ => Thing::Numbered(n),
    };
    let in_path = |c: char| c.is_alphanumeric() || "._-/".contains(c);
    let start = text[..at]
        .rfind(|c| !in_path(c))
        .map_or(0, |it| it + text[it..].chars().next().map_or(1, char::len_utf8));
    if !opens(text[..start].chars().next_back()) {
        return None;
    }
    let path = &text[start..at];
    let project = match path {
        "" => None,
        path => Some(paths.project(path).map(|_| path.to_owned())?),
    };
    Some(Spot { range: start..end, what: What::Shorthand { project, thing } })
}

fn mention(text: &str, at: usize, markup: Markup) -> Option<Spot> {
    if !opens(text[..at].chars().next_back()) {
        return None;
    }
    let rest = &text[at + 1..];
    let quoted = match markup {
        Markup::Bitbucket => rest.strip_prefix('"').map(|it| (it, '"')),
        Markup::Plain | Markup::Github | Markup::Gitlab | Markup::Gitea => None,
    };
    if let Some((inner, end)) = quoted.or_else(|| rest.strip_prefix('{').map(|it| (it, '}'))) {
        let end = inner.find(end).filter(|it| (1..=128).contains(it))?;
        let login = inner[..end].to_owned();
        return Some(Spot { range: at..at + 3 + end, what: What::Mention(login) });
    }
    let in_login = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let end = rest.find(|c| !in_login(c)).unwrap_or(rest.len());
    // `@team/people` is a team, and `@a@b` an address.
    if rest[end..].starts_with(['/', '@']) {
        return None;
    }
    let login = rest[..end].trim_end_matches(['.', '-']);
    let range = at..at + 1 + login.len();
    (!login.is_empty()).then(|| Spot { range, what: What::Mention(login.to_owned()) })
}
