//! Arguments as Python's `argparse` takes them, and its words for those that it does not take.
//!
//! Scripts around `migrate_projects.py` were written against that parser: unambiguous beginnings
//! of options, `--option=value`, usage on stderr and exit status 2.
//!
//! # Sources
//!
//! Python, "argparse", and its behaviour before 3.10, which calls options "optional arguments".

use std::collections::BTreeMap;

/// Width of usage and help, in characters: a terminal of 80 columns, less two.
const WIDTH: usize = 78;
/// Column at which the help of an option begins.
const HELP_COLUMN: usize = 24;

/// One option that takes a value, or a flag.
#[derive(Debug)]
pub(super) struct Opt {
    /// As it is written, with its dashes.
    pub(super) name: &'static str,
    /// What it takes.
    pub(super) takes: Takes,
    /// Whether it has to be there.
    pub(super) required: bool,
    /// What it is for.
    pub(super) help: &'static str,
    /// Whether it stands on the original's page, rather than among our additions.
    pub(super) original: bool,
}

/// What an option takes.
#[derive(Debug)]
pub(super) enum Takes {
    /// Nothing: it is there or it is not.
    Nothing,
    /// A text.
    Text,
    /// A whole number.
    Number,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

impl Opt {
    /// The name of its value in usage: the option's own, in capitals.
    fn metavar(&self) -> String {
        match self.takes {
            Takes::Nothing => String::new(),
            Takes::Text | Takes::Number => self.name[2..].to_uppercase().replace('-', "_"),
            Takes::OneOf(words) => format!("{{{}}}", words.join(",")),
        }
    }

    /// The option with its value, as usage and help write it.
    fn header(&self) -> String {
        format!("{} {}", self.name, self.metavar()).trim_end().to_owned()
    }
}

/// A parser: what it is called, and what it takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parser<'a> {
    /// Name of the program, as usage shows it.
    pub(super) program: &'a str,
    /// Its options, in order.
    pub(super) options: &'static [Opt],
    /// What stands at the end of its help.
    pub(super) epilog: &'static str,
}

/// What was given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Given(BTreeMap<&'static str, String>);

impl Given {
    /// The value of an option.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whether an option was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

/// Why nothing is run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Help was asked for: its text, for stdout and exit status 0.
    Help(String),
    /// It was used wrongly: the text, for stderr and exit status 2.
    Wrong(String),
}

/// An option that a word names.
enum Named<'a> {
    /// With what was written behind it in the same word.
    Help(Option<&'a str>),
    One(&'static Opt),
    Several(Vec<&'static str>),
    Unknown,
}

impl Parser<'_> {
    /// Reads arguments, without the program's own name.
    pub(super) fn parse(&self, arguments: &[String]) -> Result<Given, Ended> {
        let mut given = Given::default();
        let mut unknown = Vec::new();
        let mut words = arguments.iter().peekable();
        while let Some(word) = words.next() {
            if !is_option(word) {
                unknown.push(word.as_str());
                continue;
            }
            if word == "--" {
                unknown.push(word);
                unknown.extend(words.by_ref().map(String::as_str));
                break;
            }
            let (name, explicit) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word.as_str(), None),
            };
            let option = match self.named(name) {
                Named::Help(rest) => {
                    return Err(match explicit.or(rest) {
                        None => Ended::Help(self.help()),
                        Some(more) => {
                            let more = quoted(more);
                            self.wrong(&format!(
                                "argument -h/--help: ignored explicit argument {more}"
                            ))
                        }
                    });
                }
                Named::Unknown => {
                    unknown.push(word);
                    continue;
                }
                Named::Several(several) => {
                    let several = several.join(", ");
                    return Err(
                        self.wrong(&format!("ambiguous option: {word} could match {several}"))
                    );
                }
                Named::One(option) => option,
            };
            let fail = |why: &str| self.wrong(&format!("argument {}: {why}", option.name));
            let value = match (&option.takes, explicit) {
                (Takes::Nothing, None) => String::new(),
                (Takes::Nothing, Some(value)) => {
                    return Err(fail(&format!("ignored explicit argument {}", quoted(value))));
                }
                (_, Some(value)) => value.to_owned(),
                (_, None) => match words.next_if(|it| !is_option(it)) {
                    Some(value) => value.clone(),
                    None => return Err(fail("expected one argument")),
                },
            };
            check(option, &value).map_err(|why| fail(&why))?;
            given.0.insert(option.name, value);
        }
        self.check_required(&given)?;
        match unknown.is_empty() {
            true => Ok(given),
            false => Err(self.wrong(&format!("unrecognized arguments: {}", unknown.join(" ")))),
        }
    }

    fn check_required(&self, given: &Given) -> Result<(), Ended> {
        let missing = self.options.iter().filter(|it| it.required && !given.has(it.name));
        let missing: Vec<_> = missing.map(|it| it.name).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        Err(self.wrong(&format!("the following arguments are required: {missing}")))
    }

    /// The option that a word names whole, or the one that begins with it.
    ///
    /// The original's come first: what was enough for one of them still is, whatever we add.
    fn named<'a>(&self, word: &'a str) -> Named<'a> {
        if word == "-h" || word == "--help" {
            return Named::Help(None);
        }
        if let Some(option) = self.options.iter().find(|it| it.name == word) {
            return Named::One(option);
        }
        if !word.starts_with("--") {
            return word.strip_prefix("-h").map_or(Named::Unknown, |it| Named::Help(Some(it)));
        }
        let found = self.options.iter().filter(|it| it.name.starts_with(word));
        let (original, ours): (Vec<_>, Vec<_>) = found.partition(|it| it.original);
        let helps = "--help".starts_with(word);
        let found = if original.is_empty() && !helps { ours } else { original };
        match (&found[..], helps) {
            ([], true) => Named::Help(None),
            ([], false) => Named::Unknown,
            ([option], false) => Named::One(option),
            (several, helps) => {
                let help = helps.then_some("--help");
                Named::Several(help.into_iter().chain(several.iter().map(|it| it.name)).collect())
            }
        }
    }

    /// What was wrong, below the usage.
    pub(super) fn wrong(&self, why: &str) -> Ended {
        Ended::Wrong(format!("{}{}: error: {why}\n", self.usage(), self.program))
    }

    /// The options of the original's page, in lines.
    fn usage(&self) -> String {
        let prefix = "usage: ";
        let indent = " ".repeat(prefix.len() + self.program.len() + 1);
        let options = self.options.iter().filter(|it| it.original).map(|it| match it.required {
            true => it.header(),
            false => format!("[{}]", it.header()),
        });
        let parts = [self.program.to_owned(), "[-h]".to_owned()].into_iter().chain(options);
        let mut text = prefix.to_owned();
        let mut length = prefix.len();
        let mut is_first = true;
        for part in parts {
            if !is_first && length + 1 + part.len() > WIDTH {
                text += &format!("\n{indent}");
                length = indent.len();
            } else if !is_first {
                text.push(' ');
                length += 1;
            }
            length += part.len();
            text += &part;
            is_first = false;
        }
        text + "\n"
    }

    /// Usage, and what each option is for.
    pub(super) fn help(&self) -> String {
        let mut text = self.usage() + "\noptional arguments:\n";
        entry(&mut text, "-h, --help", "show this help message and exit");
        let (original, ours): (Vec<_>, Vec<_>) = self.options.iter().partition(|it| it.original);
        original.iter().for_each(|it| entry(&mut text, &it.header(), it.help));
        text += "\nadditional arguments of Packhorse:\n";
        // One without words is nobody's business.
        let told = ours.iter().filter(|it| !it.help.is_empty());
        told.for_each(|it| entry(&mut text, &it.header(), it.help));
        text.push('\n');
        wrapped(self.epilog, WIDTH).iter().for_each(|line| text += &format!("{line}\n"));
        text
    }
}

/// Whether a word is taken for an option rather than for a value.
///
/// Source: Python, `argparse._parse_optional`: negative numbers and what has a space in it are
/// values.
fn is_option(word: &str) -> bool {
    let is_number = word.strip_prefix('-').is_some_and(|it| it.parse::<f64>().is_ok());
    let head = word.split('=').next().unwrap_or(word);
    word.len() > 1 && word.starts_with('-') && !is_number && !head.contains(' ')
}

fn check(option: &Opt, value: &str) -> Result<(), String> {
    match option.takes {
        Takes::Nothing | Takes::Text => Ok(()),
        Takes::Number => match value.trim().parse::<i64>() {
            Ok(_) => Ok(()),
            Err(_) => Err(format!("invalid int value: {}", quoted(value))),
        },
        Takes::OneOf(words) if words.contains(&value) => Ok(()),
        Takes::OneOf(words) => {
            let words: Vec<_> = words.iter().map(|it| quoted(it)).collect();
            Err(format!("invalid choice: {} (choose from {})", quoted(value), words.join(", ")))
        }
    }
}

/// A text as Python shows it.
fn quoted(text: &str) -> String {
    match text.contains('\'') && !text.contains('"') {
        true => format!("\"{text}\""),
        false => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

/// An option and what it is for, in two columns.
fn entry(text: &mut String, header: &str, help: &str) {
    let indent = " ".repeat(HELP_COLUMN);
    let mut lines = wrapped(help, WIDTH - HELP_COLUMN).into_iter();
    if header.len() + 4 <= HELP_COLUMN {
        let first = lines.next().unwrap_or_default();
        *text += &format!("  {header:<width$}{first}\n", width = HELP_COLUMN - 2);
    } else {
        *text += &format!("  {header}\n");
    }
    lines.for_each(|line| *text += &format!("{indent}{line}\n"));
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => *line += &format!(" {word}"),
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &[Opt] = &[
        Opt {
            name: "--parallel",
            takes: Takes::Number,
            required: false,
            help: "Number of jobs",
            original: true,
        },
        Opt { name: "--force", takes: Takes::Nothing, required: false, help: "", original: true },
        Opt { name: "--from-url", takes: Takes::Text, required: true, help: "", original: true },
        Opt {
            name: "--from-type",
            takes: Takes::OneOf(&["a", "b"]),
            required: false,
            help: "",
            original: true,
        },
        // Additions that begin as others do.
        Opt { name: "--fork", takes: Takes::Nothing, required: false, help: "", original: false },
        Opt { name: "--foam", takes: Takes::Nothing, required: false, help: "", original: false },
    ];
    const PARSER: Parser<'_> = Parser { program: "tool", options: OPTIONS, epilog: "" };

    fn parse(text: &str) -> Result<Given, Ended> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        PARSER.parse(&words)
    }

    #[track_caller]
    fn check_given(text: &str, option: &str, expected: Option<&str>) {
        assert_eq!(parse(text).unwrap().value(option), expected, "{text}");
    }

    #[track_caller]
    fn check_wrong(text: &str, why: &str) {
        let Err(Ended::Wrong(told)) = parse(text) else { panic!("{text} is taken") };
        assert!(told.starts_with("usage: tool [-h] [--parallel PARALLEL] [--force]"), "{told}");
        assert!(told.ends_with(&format!("tool: error: {why}\n")), "{told}");
    }

    #[test]
    fn options_are_taken_whole_by_their_beginning_and_with_an_equals_sign() {
        check_given("--from-url x", "--from-url", Some("x"));
        check_given("--from-u=x=y", "--from-url", Some("x=y"));
        check_given("--from-url x --par 4", "--parallel", Some("4"));
        check_given("--from-url x --fo", "--force", Some(""));
        check_given("--from-url=", "--from-url", Some(""));
        check_given("--from-url a --from-url b", "--from-url", Some("b"));
        check_given("--from-url - --parallel -4", "--parallel", Some("-4"));
    }

    #[test]
    fn what_is_wrong_is_told_in_the_words_of_argparse() {
        check_wrong("", "the following arguments are required: --from-url");
        check_wrong("--from-url", "argument --from-url: expected one argument");
        check_wrong("--from-url --force", "argument --from-url: expected one argument");
        check_wrong("--from x", "ambiguous option: --from could match --from-url, --from-type");
        check_wrong("--from=x", "ambiguous option: --from=x could match --from-url, --from-type");
        check_wrong("--parallel x", "argument --parallel: invalid int value: 'x'");
        check_wrong("--force=x", "argument --force: ignored explicit argument 'x'");
        check_wrong(
            "--from-type c",
            "argument --from-type: invalid choice: 'c' (choose from 'a', 'b')",
        );
        check_wrong("--from-url x y --zz -q", "unrecognized arguments: y --zz -q");
        check_wrong("--from-url x -- --force", "unrecognized arguments: -- --force");
        check_wrong("-help", "argument -h/--help: ignored explicit argument 'elp'");
        check_wrong("--help=3", "argument -h/--help: ignored explicit argument '3'");
    }

    #[test]
    fn an_addition_takes_no_beginning_from_the_original() {
        check_given("--from-url x --fo", "--force", Some(""));
        check_given("--from-url x --for", "--force", Some(""));
        check_given("--from-url x --fork", "--fork", Some(""));
        check_given("--from-url x --foa", "--foam", Some(""));
    }

    #[test]
    fn help_comes_at_once_whatever_else_is_missing() {
        for text in ["-h", "--help", "--he", "--parallel 4 -h --nonsense"] {
            assert!(matches!(parse(text), Err(Ended::Help(_))), "{text}");
        }
    }

    #[test]
    fn long_help_is_wrapped_in_its_column() {
        let mut text = String::new();

        entry(&mut text, "--parallel PARALLEL", &"word ".repeat(14));
        entry(&mut text, "--a-longer-option VALUE", "help");

        let indent = " ".repeat(24);
        let words = |n: usize| ["word"; 14][..n].join(" ");
        let (first, second) = (words(11), words(3));
        assert_eq!(
            text,
            format!(
                "  --parallel PARALLEL   {first}\n{indent}{second}\n  --a-longer-option VALUE\n\
                 {indent}help\n"
            )
        );
    }
}
