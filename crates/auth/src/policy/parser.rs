// SPDX-License-Identifier: Apache-2.0
//! The rules language: `role:admin or (role:member and project_id:%(project_id)s)`.

use super::rule::{Check, Pattern, Piece, is_bare};

/// How deep parentheses and `not` may nest.
const DEPTH_LIMIT: usize = 100;

/// A rule is not in the language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A word that is no check.
    #[error("{0:?} is not a check: kind:match is expected, such as role:admin")]
    NotACheck(String),
    /// The rule ends where a check should follow.
    #[error("the rule ends where a check is expected")]
    Ends,
    /// A closing parenthesis without an opening one, or the other way round.
    #[error("the parentheses do not match")]
    Parentheses,
    /// Two checks with nothing between.
    #[error("{0:?} follows a check: and, or, or the end is expected")]
    Follows(String),
    /// A quote that does not end.
    #[error("a quote does not end")]
    Quote,
    /// A `%` that begins no `%(name)s`.
    #[error("{0:?} has a % that is not %(name)s; write %% for the character itself")]
    Percent(String),
    /// Checks that ask another server.
    #[error("{0:?} asks another server, which is not supported: write the rule with roles and attributes")]
    Remote(String),
    /// Nested too deep.
    #[error("the rule is nested too deep")]
    Deep,
    /// Neither text nor lists of checks.
    #[error("a rule is text, or a list of lists of checks")]
    Shape,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Open,
    Close,
    And,
    Or,
    Not,
    /// A check, as written.
    Word(String),
}

/// Reads a rule; empty text always holds.
pub(super) fn parse(text: &str) -> Result<Check, ParseError> {
    if text.trim().is_empty() {
        return Ok(Check::True);
    }
    let tokens = tokens(text)?;
    let mut reader = Reader { tokens: &tokens, at: 0 };
    let check = reader.any(0)?;
    match reader.next() {
        None => Ok(check),
        Some(Token::Close) => Err(ParseError::Parentheses),
        Some(token) => Err(ParseError::Follows(format!("{token:?}"))),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, ParseError> {
    let mut tokens = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(next) = chars.next() {
        match next {
            quote @ ('"' | '\'') => {
                word.push(quote);
                loop {
                    let inner = chars.next().ok_or(ParseError::Quote)?;
                    word.push(inner);
                    if inner == quote {
                        break;
                    }
                }
            }
            // The parentheses of %(name)s belong to the word.
            '(' if word.ends_with('%') => {
                word.push('(');
                loop {
                    let inner = chars.next().ok_or(ParseError::Parentheses)?;
                    word.push(inner);
                    if inner == ')' {
                        break;
                    }
                }
            }
            '(' => {
                flush(&mut word, &mut tokens);
                tokens.push(Token::Open);
            }
            ')' => {
                flush(&mut word, &mut tokens);
                tokens.push(Token::Close);
            }
            space if space.is_whitespace() => flush(&mut word, &mut tokens),
            other => word.push(other),
        }
    }
    flush(&mut word, &mut tokens);
    Ok(tokens)
}

fn flush(word: &mut String, tokens: &mut Vec<Token>) {
    if word.is_empty() {
        return;
    }
    let word = std::mem::take(word);
    tokens.push(match word.to_ascii_lowercase().as_str() {
        "and" => Token::And,
        "or" => Token::Or,
        "not" => Token::Not,
        _ => Token::Word(word),
    });
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let found = self.tokens.get(self.at) == Some(wanted);
        if found {
            self.at += 1;
        }
        found
    }

    fn any(&mut self, depth: usize) -> Result<Check, ParseError> {
        let mut parts = vec![self.all(depth)?];
        while self.take(&Token::Or) {
            parts.push(self.all(depth)?);
        }
        Ok(joined(parts, Check::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Check, ParseError> {
        let mut parts = vec![self.one(depth)?];
        while self.take(&Token::And) {
            parts.push(self.one(depth)?);
        }
        Ok(joined(parts, Check::All))
    }

    fn one(&mut self, depth: usize) -> Result<Check, ParseError> {
        if depth > DEPTH_LIMIT {
            return Err(ParseError::Deep);
        }
        match self.next() {
            None => Err(ParseError::Ends),
            Some(Token::Not) => Ok(Check::Not(Box::new(self.one(depth + 1)?))),
            Some(Token::Open) => {
                let inner = self.any(depth + 1)?;
                if self.take(&Token::Close) { Ok(inner) } else { Err(ParseError::Parentheses) }
            }
            Some(Token::Word(word)) => check(&word),
            Some(Token::Close) => Err(ParseError::Parentheses),
            Some(Token::And | Token::Or) => Err(ParseError::Ends),
        }
    }
}

pub(super) fn joined(mut parts: Vec<Check>, join: fn(Vec<Check>) -> Check) -> Check {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        Some(last) => {
            parts.push(last);
            join(parts)
        }
        None => Check::True,
    }
}

/// Reads one `kind:match`, `@` or `!`.
pub(super) fn check(word: &str) -> Result<Check, ParseError> {
    match word {
        "@" => return Ok(Check::True),
        "!" => return Ok(Check::False),
        _ => {}
    }
    let not_a_check = || ParseError::NotACheck(word.to_owned());
    if let Some(quote @ ('"' | '\'')) = word.chars().next() {
        let (literal, rest) = word[1..].split_once(quote).ok_or_else(not_a_check)?;
        let pattern = rest.strip_prefix(':').ok_or_else(not_a_check)?;
        return Ok(Check::Literal(literal.to_owned(), pattern_of(pattern)?));
    }
    let (kind, matched) = word.split_once(':').ok_or_else(not_a_check)?;
    Ok(match kind {
        "" => return Err(not_a_check()),
        "rule" => Check::Rule(matched.to_owned()),
        "role" => Check::Role(pattern_of(matched)?),
        "http" | "https" => return Err(ParseError::Remote(word.to_owned())),
        literal if is_bare(literal) => Check::Literal(literal.to_owned(), pattern_of(matched)?),
        credential => Check::Credential(credential.to_owned(), pattern_of(matched)?),
    })
}

fn pattern_of(text: &str) -> Result<Pattern, ParseError> {
    let percent = || ParseError::Percent(text.to_owned());
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        if !before.is_empty() {
            pieces.push(Piece::Text(before.to_owned()));
        }
        if let Some(after) = after.strip_prefix('%') {
            pieces.push(Piece::Text("%".to_owned()));
            rest = after;
            continue;
        }
        let (name, after) =
            after.strip_prefix('(').and_then(|name| name.split_once(')')).ok_or_else(percent)?;
        pieces.push(Piece::Attribute(name.to_owned()));
        rest = after.strip_prefix('s').ok_or_else(percent)?;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(Pattern(pieces))
}
