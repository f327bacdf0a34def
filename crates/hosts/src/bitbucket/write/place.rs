//! Where something said of code can stand, from its exact place to none.

use packhorse_core::{Loss, model::Position};
use serde_json::Value;

/// How an API tells a place in a change.
pub(crate) trait Places {
    /// The file as a whole.
    fn file(position: &Position) -> Value;

    /// One line of the file, in each of the ways that may be right; never none.
    fn line(file: &Value, position: &Position, line: u64) -> Vec<Value>;

    /// Several lines that end with this one.
    fn lines(line: &Value, position: &Position, start: u64) -> Value;
}

/// A place to try, or none; and what standing there loses.
pub(crate) type Place = (Option<Value>, Vec<Loss>);

/// Places to try, from the exact one to none.
pub(crate) fn places<P: Places>(position: &Position) -> Vec<Place> {
    let mut list = Vec::new();
    let file = P::file(position);
    if let Some(line) = position.line.filter(|_| !position.whole_file) {
        let ways = P::line(&file, position, line);
        let start = position.start_line.filter(|it| *it < line);
        let several = start.zip(ways.first()).map(|(start, it)| P::lines(it, position, start));
        let loss = several
            .as_ref()
            .map(|_| Loss::sink("position.start_line", "it stands on the last of its lines"));
        list.extend(several.map(|it| (Some(it), Vec::new())));
        list.extend(ways.into_iter().map(|it| (Some(it), loss.iter().cloned().collect())));
    }
    let lost = position.line.or(position.original_line);
    let lost = lost.map(|line| Loss::sink("position", format!("it was on line {line}")));
    list.push((Some(file), lost.into_iter().collect()));
    let detail = format!("it was in {}, which is not in the change here", position.path);
    let kind = "became a comment on the change request, with a line that says where it was";
    list.push((None, vec![Loss::sink("position", detail), Loss::sink(Loss::KIND, kind)]));
    list
}

/// Where something was, for people: what stands above a text that has no place.
pub(crate) fn in_words(position: &Position) -> String {
    let tame = |it: char| if it == '`' || it.is_control() { '\'' } else { it };
    let path: String = position.path.chars().map(tame).collect();
    match position.line.or(position.original_line) {
        Some(line) => format!("*On `{path}`, line {line}:*"),
        None => format!("*On `{path}`:*"),
    }
}
