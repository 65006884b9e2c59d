//! Finds in the tokens of a file which modules and crates it names, in `use` lines and in the midst of
//! code. Comments and strings are no such tokens, so they cannot mislead it.

use std::iter::Peekable;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// A path that a file names, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The names: from the root of this crate, or with the name of another crate first.
    pub(crate) path: Vec<String>,
    /// The line.
    pub(crate) line: usize,
}

/// A path as it is written, and the module that it is written in.
struct Written {
    path: Vec<String>,
    module: Vec<String>,
    line: usize,
}

type Tokens = Peekable<proc_macro2::token_stream::IntoIter>;

/// Every path through `crate`, `self` or `super` in `text`, the file of `module`.
pub(crate) fn references(text: &str, module: &[String]) -> Vec<Reference> {
    written(text, module).into_iter().filter_map(|written| absolute(&written)).collect()
}

/// Every path that begins with some other name: other crates, and what was imported before.
pub(crate) fn outside_crates(text: &str) -> Vec<Reference> {
    let inside = |name: &String| ["crate", "self", "super", "Self"].contains(&name.as_str());
    written(text, &[])
        .into_iter()
        .filter(|written| !written.path.first().is_some_and(inside))
        .map(|Written { path, line, .. }| Reference { path, line })
        .collect()
}

/// Whether `word` stands anywhere in the code.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    fn within(tokens: TokenStream, word: &str) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Ident(name) => name == word,
            TokenTree::Group(group) => within(group.stream(), word),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    within(parse(text), word)
}

fn parse(text: &str) -> TokenStream {
    text.parse().unwrap_or_else(|error| panic!("not Rust: {error}"))
}

fn written(text: &str, module: &[String]) -> Vec<Written> {
    let mut found = Vec::new();
    walk(parse(text), module, &mut found);
    found
}

fn absolute(written: &Written) -> Option<Reference> {
    let mut module = written.module.clone();
    let mut rest = written.path.as_slice();
    match rest.first()?.as_str() {
        "crate" => {
            module.clear();
            rest = &rest[1..];
        }
        "self" | "super" => {}
        _ => return None,
    }
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "self" => {}
            "super" => drop(module.pop()),
            _ => break,
        }
        rest = after;
    }
    module.extend_from_slice(rest);
    Some(Reference { path: module, line: written.line })
}

fn walk(tokens: TokenStream, module: &[String], found: &mut Vec<Written>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "mod" => {
                let Some(TokenTree::Ident(name)) = tokens.next() else { continue };
                if let Some(TokenTree::Group(body)) = tokens.peek() {
                    let inner = [module, &[name.to_string()]].concat();
                    walk(body.stream(), &inner, found);
                    tokens.next();
                }
            }
            TokenTree::Ident(first) => path(Vec::new(), &first, &mut tokens, module, found),
            TokenTree::Group(group) => walk(group.stream(), module, found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Reads on after `first` for as long as `::` and a name, or a `{}` of a `use`, follow.
fn path(
    prefix: Vec<String>,
    first: &Ident,
    tokens: &mut Tokens,
    module: &[String],
    found: &mut Vec<Written>,
) {
    let line = first.span().start().line;
    let mut path = prefix;
    path.push(first.to_string());
    while skip_colons(tokens) {
        match tokens.peek() {
            Some(TokenTree::Ident(next)) => path.push(next.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                branches(&path, group.stream(), module, found);
                tokens.next();
                return;
            }
            _ => break,
        }
        tokens.next();
    }
    if path.len() > 1 {
        found.push(Written { path, module: module.to_vec(), line });
    }
}

/// The inside of a `{}` of a `use`.
fn branches(prefix: &[String], inside: TokenStream, module: &[String], found: &mut Vec<Written>) {
    let mut tokens = inside.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if word == "as" => drop(tokens.next()),
            TokenTree::Ident(first) => path(prefix.to_vec(), &first, &mut tokens, module, found),
            _ => {}
        }
    }
}

fn skip_colons(tokens: &mut Tokens) -> bool {
    let is_colon =
        |token: &TokenTree| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ':');
    let mut ahead = tokens.clone();
    let both =
        ahead.next().as_ref().is_some_and(is_colon) && ahead.next().as_ref().is_some_and(is_colon);
    if both {
        *tokens = ahead;
    }
    both
}
