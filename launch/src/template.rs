//! Text with substitutions: `$(var speed)`, `$(find-pkg-share peregrine)/params/$(var file)`.
//!
//! Invariant: a template is read once, when the file is parsed, so a forgotten bracket is an error even under a
//! condition that is false. Text that a substitution yields is never read again for substitutions.
//! Grammar: arguments are separated by blanks and may be quoted with `'` or `"`; substitutions nest, in quotes too.
//! A backslash before `$`, `\`, `'` or `"` takes that character as it is.

use crate::{
    error::{At, LaunchError, Result},
    nearest::hint,
};

/// Substitutions may nest this deep.
const MAX_DEPTH: usize = 32;

/// The substitutions known here with the number of arguments each takes.
const KNOWN: [(&str, usize, usize); 18] = [
    ("var", 1, 2),
    ("env", 1, 2),
    ("find-pkg-share", 1, 1),
    ("find-pkg-prefix", 1, 1),
    ("dirname", 0, 0),
    ("filename", 0, 0),
    ("eval", 1, 64),
    ("not", 1, 1),
    ("and", 2, 2),
    ("or", 2, 2),
    ("any", 1, 64),
    ("all", 1, 64),
    ("equals", 2, 2),
    ("not-equals", 2, 2),
    ("if", 2, 3),
    ("anon", 1, 1),
    ("string-join", 1, 64),
    ("path-join", 1, 64),
];

const UNSUPPORTED: [(&str, &str); 8] = [
    (
        "command",
        "running commands while reading a launch file is left out on purpose: pass the value as an argument",
    ),
    ("exec-in-pkg", "use <node pkg=... exec=...>"),
    ("exec-in-package", "use <node pkg=... exec=...>"),
    ("find-exec", "use <executable cmd=...>, which searches PATH"),
    ("launch_log_dir", "use output=\"screen\""),
    ("log_dir", "use output=\"screen\""),
    ("param", "use $(var NAME)"),
    ("file-content", "use <param from=...>"),
];

/// Text with holes.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Template(pub Vec<Part>);

/// A piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Text(String),
    Call { name: &'static str, args: Vec<Template> },
}

impl Template {
    /// Reads `text`; `at` is where it stands.
    pub(crate) fn parse(text: &str, at: &At) -> Result<Self> {
        let mut reader = Reader { chars: text.chars().collect(), next: 0, depth: 0, text, at };
        reader.template(None)
    }
}

struct Reader<'a> {
    chars: Vec<char>,
    next: usize,
    depth: usize,
    text: &'a str,
    at: &'a At,
}

impl Reader<'_> {
    fn error(&self, reason: impl Into<String>) -> LaunchError {
        let text = self.text.chars().take(200).collect();
        LaunchError::Substitution { at: self.at.clone(), text, reason: reason.into() }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.next).copied()
    }

    fn opens(&self) -> bool {
        self.peek() == Some('$') && self.chars.get(self.next + 1) == Some(&'(')
    }

    /// Takes a backslash and what it protects; a backslash before anything else is itself.
    fn escape(&mut self) -> char {
        self.next += 1;
        match self.peek() {
            Some(protected @ ('$' | '\\' | '\'' | '"')) => {
                self.next += 1;
                protected
            }
            _ => '\\',
        }
    }

    /// Reads up to `quote`, which is taken, or to the end of the text if there is none.
    fn template(&mut self, quote: Option<char>) -> Result<Template> {
        let mut parts = Vec::new();
        let mut text = String::new();
        loop {
            match self.peek() {
                None if quote.is_some() => return Err(self.error("a quote is opened but never closed")),
                None => break,
                here if here == quote => {
                    self.next += 1;
                    break;
                }
                Some('\\') => text.push(self.escape()),
                Some(_) if self.opens() => {
                    flush(&mut text, &mut parts);
                    parts.push(self.call()?);
                }
                Some(other) => {
                    text.push(other);
                    self.next += 1;
                }
            }
        }
        flush(&mut text, &mut parts);
        Ok(Template(parts))
    }

    /// Reads `$(name arg ...)`; the dollar is next.
    fn call(&mut self) -> Result<Part> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("substitutions nest deeper than {MAX_DEPTH}")));
        }
        self.next += 2;
        let mut name = String::new();
        while let Some(c) = self.peek().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')) {
            name.push(c);
            self.next += 1;
        }
        let mut args = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.error(format!("'$({name}' is never closed; add ')'"))),
                Some(')') => break,
                Some(c) if c.is_whitespace() => self.next += 1,
                Some(_) => args.push(self.argument()?),
            }
        }
        self.next += 1;
        self.depth -= 1;
        self.check(&name, args)
    }

    fn check(&self, name: &str, args: Vec<Template>) -> Result<Part> {
        let Some((known, least, most)) = KNOWN.iter().find(|(known, ..)| *known == name) else {
            if let Some((_, remedy)) = UNSUPPORTED.iter().find(|(known, _)| *known == name) {
                let (what, remedy) = (format!("$({name})"), (*remedy).to_owned());
                return Err(LaunchError::Unsupported { at: self.at.clone(), what, remedy });
            }
            let names: Vec<&str> = KNOWN.iter().map(|known| known.0).collect();
            return Err(self.error(format!("there is no substitution '{name}'{}", hint(name, &names))));
        };
        if args.len() < *least || args.len() > *most {
            let takes = if least == most { least.to_string() } else { format!("{least} to {most}") };
            return Err(self.error(format!("$({name}) takes {takes} arguments, not {}", args.len())));
        }
        Ok(Part::Call { name: known, args })
    }

    /// Reads one argument: quoted and bare pieces that touch one another.
    fn argument(&mut self) -> Result<Template> {
        let mut parts = Vec::new();
        let mut text = String::new();
        loop {
            match self.peek() {
                None | Some(')') => break,
                Some(c) if c.is_whitespace() => break,
                Some('(') => return Err(self.error("a bracket inside a substitution must be quoted: '( )'")),
                Some(quote @ ('\'' | '"')) => {
                    self.next += 1;
                    flush(&mut text, &mut parts);
                    parts.extend(self.template(Some(quote))?.0);
                }
                Some('\\') => text.push(self.escape()),
                Some(_) if self.opens() => {
                    flush(&mut text, &mut parts);
                    parts.push(self.call()?);
                }
                Some(other) => {
                    text.push(other);
                    self.next += 1;
                }
            }
        }
        flush(&mut text, &mut parts);
        Ok(Template(parts))
    }
}

fn flush(text: &mut String, parts: &mut Vec<Part>) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> Template {
        Template(vec![Part::Text(text.to_owned())])
    }

    fn parse(text: &str) -> Result<Template> {
        Template::parse(text, &At::start("t"))
    }

    #[test]
    fn quoting_nesting_and_escapes() {
        let call =
            |name, args: &[&str]| Part::Call { name, args: args.iter().map(|arg| literal(arg)).collect() };
        assert_eq!(
            parse("a$(var b)c").unwrap().0,
            [Part::Text("a".into()), call("var", &["b"]), Part::Text("c".into())]
        );
        assert_eq!(parse("$(env X 'a b')").unwrap().0, [call("env", &["X", "a b"])]);
        assert_eq!(parse(r#"$(eval "1 + (2)")"#).unwrap().0, [call("eval", &["1 + (2)"])]);
        assert_eq!(parse(r"\$(var x) costs $5 \n").unwrap(), literal(r"$(var x) costs $5 \n"));
        assert_eq!(parse("$(dirname)/x").unwrap().0, [call("dirname", &[]), Part::Text("/x".into())]);
        let nested = parse("$(env HOME $(var home))").unwrap();
        assert_eq!(
            nested.0,
            [Part::Call { name: "env", args: vec![literal("HOME"), Template(vec![call("var", &["home"])])] }]
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (text, word) in [
            ("$(var x", "never closed"),
            ("$(vra x)", "did you mean 'var'"),
            ("$(var)", "takes 1 to 2 arguments"),
            ("$(eval 'x)", "quote"),
            ("$(eval (1))", "must be quoted"),
            ("$(command ls)", "left out on purpose"),
            ("$()", "no substitution ''"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
        assert!(parse(&"$(not ".repeat(1000)).unwrap_err().to_string().contains("deeper"));
    }
}
