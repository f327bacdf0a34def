//! What a new text changes in an old one, line by line, without any secret.

/// Lines around a change that are shown.
const AROUND: usize = 3;
/// Keys whose values are never shown.
const HIDDEN: [&str; 4] = ["token", "password", "secret", "passwd"];

/// The lines that differ, each with its sign; the ends of both texts that are the same are left out.
pub(super) fn difference(old: &[String], new: &[String]) -> String {
    let n_before = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - n_before;
    let n_after =
        old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    if n_before == old.len() && n_before == new.len() {
        return String::new();
    }
    let (old_part, new_part) =
        (&old[n_before..old.len() - n_after], &new[n_before..new.len() - n_after]);
    let from = n_before.saturating_sub(AROUND);
    let to = (old.len() - n_after + AROUND).min(old.len());
    let mut text = format!("@@ line {} @@\n", from + 1);
    let mut put = |sign: char, lines: &[String]| {
        lines.iter().for_each(|it| text += &format!("{sign}{}\n", without_secret(it)));
    };
    put(' ', &old[from..n_before]);
    put('-', old_part);
    put('+', new_part);
    put(' ', &old[old.len() - n_after..to]);
    text
}

/// A line whose value is left out where it is a secret.
///
/// SECURITY: a token that is commented out is one as well.
fn without_secret(line: &str) -> String {
    let Some((key, _)) = line.split_once(':') else { return line.to_owned() };
    let name = key.to_lowercase();
    match HIDDEN.iter().any(|it| name.contains(it)) {
        true => format!("{key}: …"),
        false => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_shown_and_never_a_token() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let old = lines("a\nb\nc\nd\n  auth-token: one\ne\nf\ng\nh");
        let new = lines("a\nb\nc\nd\n  auth-token: two\n  # auth-token: one\ne\nf\ng\nh");

        let shown = difference(&old, &new);

        assert_eq!(
            shown,
            "@@ line 2 @@\n b\n c\n d\n-  auth-token: …\n+  auth-token: …\n+  # auth-token: …\n e\n f\n g\n"
        );
        assert_eq!(difference(&old, &old), "");
        assert_eq!(difference(&old[..1], &old[..2]), "@@ line 1 @@\n a\n+b\n");
    }
}
