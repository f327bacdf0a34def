//! Paths with names in braces.

use url::form_urlencoded;

/// Names that stand for several segments where they end a path: of files, of refs.
const OF_SEVERAL: &[&str] = &["path", "filepath", "file_path", "ref", "tag", "basehead"];

/// A path of a description, such as `/repos/{owner}/{repo}`.
pub(super) struct Template {
    text: String,
    segments: Vec<Vec<Piece>>,
}

/// Part of a segment: `{index}.{type}` has three.
enum Piece {
    Literal(String),
    Name(String),
}

impl Template {
    pub(super) fn new(text: &str) -> Self {
        let segments = text.split('/').skip(1).map(pieces).collect();
        Self { text: text.to_owned(), segments }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Sorts templates that say more before those that say less, and those that take all that is
    /// left after all others.
    pub(super) fn rank(&self) -> (bool, Vec<u8>) {
        let rank = |pieces: &Vec<Piece>| match pieces[..] {
            [Piece::Literal(_)] | [] => 0,
            [Piece::Name(_)] => 2,
            [..] => 1,
        };
        (self.takes_rest(), self.segments.iter().map(rank).collect())
    }

    fn takes_rest(&self) -> bool {
        let last = self.segments.last().map(Vec::as_slice);
        matches!(last, Some([Piece::Name(name)]) if OF_SEVERAL.contains(&name.as_str()))
    }

    /// The names in the path and what stands for them, decoded; `None` if it is another path.
    ///
    /// A name of [`OF_SEVERAL`] at the end takes all that is left, as with `contents/{path}`.
    pub(super) fn captures(&self, path: &str) -> Option<Vec<(String, String)>> {
        let found: Vec<&str> = path.trim_end_matches('/').split('/').skip(1).collect();
        let n = self.segments.iter().filter(|it| !it.is_empty()).count();
        if n == 0 || found.len() < n || (found.len() > n && !self.takes_rest()) {
            return None;
        }
        let mut captures = Vec::new();
        for (i, pieces) in self.segments.iter().take(n).enumerate() {
            let text = if i + 1 == n { found[i..].join("/") } else { found[i].to_owned() };
            capture(pieces, &text, &mut captures)?;
        }
        Some(captures)
    }
}

fn pieces(segment: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = segment;
    while let Some((literal, after)) = rest.split_once('{') {
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.to_owned()));
        }
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        pieces.push(Piece::Name(name.to_owned()));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    pieces
}

fn capture(pieces: &[Piece], text: &str, captures: &mut Vec<(String, String)>) -> Option<()> {
    let mut rest = text;
    for (i, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
            Piece::Name(name) => {
                let end = match pieces.get(i + 1) {
                    Some(Piece::Literal(next)) => rest.rfind(next.as_str())?,
                    Some(Piece::Name(_)) | None => rest.len(),
                };
                let (value, after) = rest.split_at(end);
                if value.is_empty() {
                    return None;
                }
                captures.push((name.clone(), decoded(value)));
                rest = after;
            }
        }
    }
    rest.is_empty().then_some(())
}

/// Percent-decodes a part of a path, where `+` is itself.
fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(text.as_bytes()).map(|(name, _)| name.into_owned()).collect()
}
