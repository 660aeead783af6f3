// SPDX-License-Identifier: Apache-2.0
//! An error and what caused it.

use std::error::Error;

/// An error with its causes in one line, for a log or a message that shows nothing but text. A cause that the text names
/// already is left out.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let one = cause.to_string();
        if !text.contains(&one) {
            text.push_str(": ");
            text.push_str(&one);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use super::*;

    #[derive(Debug)]
    struct Layer(&'static str, Option<Box<Layer>>);

    impl fmt::Display for Layer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Layer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|cause| cause as &dyn Error)
        }
    }

    #[test]
    fn every_cause_is_named_once() {
        let refused = Layer("connection refused", None);
        let again = Layer("cannot connect: connection refused", Some(Box::new(refused)));
        let error = Layer("the store is away", Some(Box::new(again)));
        assert_eq!(with_causes(&error), "the store is away: cannot connect: connection refused");
        assert_eq!(with_causes(&Layer("alone", None)), "alone");
    }
}
