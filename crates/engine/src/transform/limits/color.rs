//! Colours of labels as six hexadecimal digits.

use packhorse_core::Loss;

/// The sixteen names that every host's style sheets know.
///
/// Source: W3C, "CSS Color Module Level 4", basic colour keywords.
const NAMED: [(&str, &str); 16] = [
    ("aqua", "00ffff"),
    ("black", "000000"),
    ("blue", "0000ff"),
    ("fuchsia", "ff00ff"),
    ("gray", "808080"),
    ("green", "008000"),
    ("lime", "00ff00"),
    ("maroon", "800000"),
    ("navy", "000080"),
    ("olive", "808000"),
    ("purple", "800080"),
    ("red", "ff0000"),
    ("silver", "c0c0c0"),
    ("teal", "008080"),
    ("white", "ffffff"),
    ("yellow", "ffff00"),
];

/// Brings a colour into the form that the destination wants, or drops it with a loss.
///
/// Another spelling of the same colour is no loss.
pub(super) fn enforce(color: &mut Option<String>, losses: &mut Vec<Loss>) {
    let Some(text) = color.take() else { return };
    let found = digits(&text);
    if found.as_ref().is_none_or(|it| it.changed) {
        let became = found.as_ref().map_or("the destination's default", |it| &it.digits);
        let shown: String = text.chars().filter(|c| !c.is_control()).take(32).collect();
        losses.push(Loss::sink("color", format!("`{shown}` became {became}")));
    }
    *color = found.map(|it| it.digits);
}

struct Digits {
    digits: String,
    changed: bool,
}

fn digits(text: &str) -> Option<Digits> {
    let text = text.trim().trim_start_matches('#').to_ascii_lowercase();
    if let Ok(at) = NAMED.binary_search_by(|(name, _)| (*name).cmp(text.as_str())) {
        return Some(Digits { digits: NAMED[at].1.to_owned(), changed: false });
    }
    if !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    match text.len() {
        6 => Some(Digits { digits: text, changed: false }),
        8 => Some(Digits { digits: text[..6].to_owned(), changed: &text[6..] != "ff" }),
        3 => Some(Digits { digits: text.chars().flat_map(|c| [c, c]).collect(), changed: false }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>, n_losses: usize) {
        let mut color = Some(text.to_owned());
        let mut losses = Vec::new();

        enforce(&mut color, &mut losses);

        assert_eq!((color.as_deref(), losses.len()), (expected, n_losses));
    }

    #[test]
    fn another_spelling_is_no_loss() {
        check("ff8800", Some("ff8800"), 0);
        check("#FF8800", Some("ff8800"), 0);
        check("#f80", Some("ff8800"), 0);
        check("Red", Some("ff0000"), 0);
        check("ff8800ff", Some("ff8800"), 0);
    }

    #[test]
    fn what_is_no_colour_is_lost() {
        check("ff880080", Some("ff8800"), 1);
        check("chartreuse-ish", None, 1);
        check("", None, 1);
        check("ééé", None, 1);
    }
}
