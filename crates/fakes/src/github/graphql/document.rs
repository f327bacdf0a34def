//! What is asked over GraphQL: one operation, with its variables put in.
//!
//! Named fragments, directives and block strings are not understood, for nobody sends them here.
//!
//! Source: GraphQL, October 2021, appendix B, "Grammar summary".

use serde_json::{Map, Value};
use std::{iter::Peekable, str::Chars};

/// How deep selections and values may be in each other.
const MAX_DEPTH: usize = 32;

/// A field that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    alias: Option<String>,
    arguments: Map<String, Value>,
    pub(super) fields: Vec<Field>,
    /// The type that it is asked of; `None` for any.
    pub(super) on: Option<String>,
}

impl Field {
    /// What it is called in the answer.
    pub(super) fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }

    /// An argument; one that is `null` is as good as none.
    pub(super) fn argument(&self, name: &str) -> &Value {
        self.arguments.get(name).unwrap_or(&Value::Null)
    }

    /// The first argument that a field of that kind does not have.
    pub(super) fn other_than(&self, known: &[&str]) -> Option<&str> {
        self.arguments.keys().map(String::as_str).find(|it| !known.contains(it))
    }
}

/// One operation.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) is_mutation: bool,
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Name(String),
    Number(Value),
    Text(String),
    Sign(char),
    Spread,
}

/// Reads a document of one operation; what is wrong with it, in words.
pub(super) fn parse(text: &str, variables: &Value) -> Result<Operation, String> {
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: tokens.into_iter().peekable(), variables, declared: vec![] };
    let operation = reader.operation()?;
    if let Some(rest) = reader.tokens.next() {
        return Err(format!("Expected one operation, and found {rest:?} behind it"));
    }
    match reader.declared.iter().find(|it| !it.is_used) {
        Some(it) => Err(format!("Variable ${} is declared but not used", it.name)),
        None => Ok(operation),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut chars = text.chars().peekable();
    let mut list = Vec::new();
    while let Some(&next) = chars.peek() {
        match next {
            '#' => while chars.next_if(|it| *it != '\n').is_some() {},
            _ if next.is_whitespace() || next == ',' => drop(chars.next()),
            '"' => list.push(Token::Text(string(&mut chars)?)),
            '.' => {
                if !(0..3).all(|_| chars.next() == Some('.')) {
                    return Err("Expected `...`".to_owned());
                }
                list.push(Token::Spread);
            }
            '-' | '0'..='9' => list.push(Token::Number(number(&mut chars)?)),
            '_' | 'a'..='z' | 'A'..='Z' => {
                let is_part = |it: &char| it.is_ascii_alphanumeric() || *it == '_';
                list.push(Token::Name(taken(&mut chars, is_part)));
            }
            '!' | '$' | '(' | ')' | ':' | '=' | '[' | ']' | '{' | '}' => {
                chars.next();
                list.push(Token::Sign(next));
            }
            other => return Err(format!("Unexpected character {other:?}")),
        }
    }
    Ok(list)
}

fn taken(chars: &mut Peekable<Chars<'_>>, is_part: impl Fn(&char) -> bool) -> String {
    std::iter::from_fn(|| chars.next_if(&is_part)).collect()
}

fn number(chars: &mut Peekable<Chars<'_>>) -> Result<Value, String> {
    let text = taken(chars, |it| it.is_ascii_digit() || "+-.eE".contains(*it));
    serde_json::from_str(&text).map_err(|_| format!("{text} is no number"))
}

/// A string, which is written as in JSON.
fn string(chars: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut text: String = chars.next().into_iter().collect();
    let mut is_escaped = false;
    loop {
        let next = chars.next().ok_or("A string does not end")?;
        text.push(next);
        match next {
            '"' if !is_escaped => break,
            '\n' => return Err("A string does not end on its line".to_owned()),
            _ => is_escaped = next == '\\' && !is_escaped,
        }
    }
    serde_json::from_str(&text).map_err(|_| format!("{text} is no string"))
}

struct Variable {
    name: String,
    is_used: bool,
}

struct Reader<'a> {
    tokens: Peekable<std::vec::IntoIter<Token>>,
    variables: &'a Value,
    declared: Vec<Variable>,
}

impl Reader<'_> {
    fn has(&mut self, sign: char) -> bool {
        self.tokens.next_if_eq(&Token::Sign(sign)).is_some()
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        match self.tokens.next() {
            Some(Token::Sign(found)) if found == sign => Ok(()),
            other => Err(format!("Expected {sign:?}, and found {other:?}")),
        }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.tokens.next() {
            Some(Token::Name(name)) => Ok(name),
            other => Err(format!("Expected a name, and found {other:?}")),
        }
    }

    fn operation(&mut self) -> Result<Operation, String> {
        let mut is_mutation = false;
        if let Some(Token::Name(_)) = self.tokens.peek() {
            match self.name()?.as_str() {
                "query" => {}
                "mutation" => is_mutation = true,
                other => return Err(format!("Unexpected operation {other}")),
            }
            if let Some(Token::Name(_)) = self.tokens.peek() {
                self.name()?;
            }
            if self.has('(') {
                self.declarations()?;
            }
        }
        Ok(Operation { is_mutation, fields: self.selection(None, 0)? })
    }

    fn declarations(&mut self) -> Result<(), String> {
        while !self.has(')') {
            self.expect('$')?;
            let name = self.name()?;
            self.expect(':')?;
            let is_list = self.has('[');
            self.name()?;
            let mut is_required = self.has('!');
            if is_list {
                self.expect(']')?;
                is_required = self.has('!');
            }
            if is_required && self.variables.get(&name).is_none_or(Value::is_null) {
                return Err(format!("Variable ${name} was provided invalid value"));
            }
            self.declared.push(Variable { name, is_used: false });
        }
        Ok(())
    }

    fn selection(&mut self, on: Option<&str>, depth: usize) -> Result<Vec<Field>, String> {
        if depth > MAX_DEPTH {
            return Err("Query has too many levels".to_owned());
        }
        self.expect('{')?;
        let mut fields = Vec::new();
        while !self.has('}') {
            if self.tokens.next_if_eq(&Token::Spread).is_some() {
                if self.name()? != "on" {
                    return Err("Named fragments are not understood here".to_owned());
                }
                let on = self.name()?;
                fields.extend(self.selection(Some(&on), depth + 1)?);
                continue;
            }
            let (mut name, mut alias) = (self.name()?, None);
            if self.has(':') {
                alias = Some(std::mem::replace(&mut name, self.name()?));
            }
            let mut arguments = Map::new();
            if self.has('(') {
                while !self.has(')') {
                    let name = self.name()?;
                    self.expect(':')?;
                    arguments.insert(name, self.value(depth)?);
                }
            }
            let is_object = self.tokens.peek() == Some(&Token::Sign('{'));
            let inner = if is_object { self.selection(None, depth + 1)? } else { Vec::new() };
            let on = on.map(str::to_owned);
            fields.push(Field { name, alias, arguments, fields: inner, on });
        }
        Ok(fields)
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MAX_DEPTH {
            return Err("A value has too many levels".to_owned());
        }
        match self.tokens.next() {
            Some(Token::Sign('$')) => {
                let name = self.name()?;
                let declared = self.declared.iter_mut().find(|it| it.name == name);
                let declared =
                    declared.ok_or_else(|| format!("Variable ${name} is used but not declared"))?;
                declared.is_used = true;
                Ok(self.variables.get(&name).cloned().unwrap_or_default())
            }
            Some(Token::Sign('{')) => {
                let mut object = Map::new();
                while !self.has('}') {
                    let name = self.name()?;
                    self.expect(':')?;
                    object.insert(name, self.value(depth + 1)?);
                }
                Ok(Value::Object(object))
            }
            Some(Token::Sign('[')) => {
                let mut list = Vec::new();
                while !self.has(']') {
                    list.push(self.value(depth + 1)?);
                }
                Ok(Value::Array(list))
            }
            Some(Token::Name(name)) => Ok(match name.as_str() {
                "null" => Value::Null,
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                // A word of an enumeration.
                _ => Value::String(name),
            }),
            Some(Token::Number(number)) => Ok(number),
            Some(Token::Text(text)) => Ok(Value::String(text)),
            other => Err(format!("Expected a value, and found {other:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_operation_is_read_with_its_variables_aliases_and_fragments() {
        let text = r#"query($owner: String!, $ids: [ID!]!, $after: String) { # who
            it: repository(owner: $owner, order: {field: CREATED_AT, n: -1}, after: $after) { id }
            nodes(ids: $ids, text: "a\"b") { __typename ... on Team { slug } } }"#;

        let read = parse(text, &json!({"owner": "acme", "ids": ["a"]})).unwrap();

        let [it, nodes] = &read.fields[..] else { panic!("two fields") };
        assert_eq!((it.key(), it.name.as_str(), read.is_mutation), ("it", "repository", false));
        assert_eq!(it.argument("owner"), "acme");
        assert_eq!(it.argument("order"), &json!({"field": "CREATED_AT", "n": -1}));
        assert!(it.argument("after").is_null());
        assert_eq!(nodes.argument("text"), "a\"b");
        assert_eq!(nodes.fields[1].on.as_deref(), Some("Team"));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let check = |text: &str, words: &str| {
            let error = parse(text, &json!({})).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        };
        check("query($a: ID!) { x(a: $a) }", "invalid value");
        check("query($a: ID) { x }", "declared but not used");
        check("{ x(a: $a) }", "used but not declared");
        check("{ x ", "Expected a name");
        check("{ x } { y }", "one operation");
        check("{ x(a: \"b", "does not end");
        check("subscription { x }", "Unexpected operation");
        check(&"{ x ".repeat(100), "too many levels");
    }
}
