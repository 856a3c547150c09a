//! `$(eval ...)`: a small, safe part of Python's expressions.
//!
//! ros2 launch hands the text to Python. Here there are numbers, strings, booleans, arithmetic, comparisons, `and`,
//! `or`, `not`, `in`, `a if c else b` and brackets, with Python's meaning and precedence; anything else is an error
//! that says so. There are no names, calls or attributes, so a launch file cannot run code.

use std::cmp::Ordering;

const MAX_DEPTH: usize = 64;
const MAX_TEXT: usize = 16 * 1024;

type Fallible<T> = std::result::Result<T, String>;

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Value(Value),
    Word(String),
    Symbol(&'static str),
}

const SYMBOLS: [&str; 15] = ["**", "//", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "(", ")"];

/// Evaluates `text` and returns what Python's `str()` would print.
pub(crate) fn evaluate(text: &str) -> Fallible<String> {
    if text.len() > MAX_TEXT {
        return Err(format!("it is longer than {MAX_TEXT} bytes"));
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let value = parser.ternary()?;
    match parser.tokens.get(parser.next) {
        None => Ok(value.print()),
        Some(token) => Err(format!("{} is not expected there", token.print())),
    }
}

fn tokens(text: &str) -> Fallible<Vec<Token>> {
    let chars: Vec<char> = text.chars().collect();
    let mut next = 0;
    let mut found = Vec::new();
    while let Some(&c) = chars.get(next) {
        let rest: String = chars[next..].iter().take(2).collect();
        if c.is_whitespace() {
            next += 1;
        } else if c == '\'' || c == '"' {
            let end =
                chars[next + 1..].iter().position(|&other| other == c).ok_or("a string is never closed")?;
            found.push(Token::Value(Value::Text(chars[next + 1..next + 1 + end].iter().collect())));
            next += end + 2;
        } else if c.is_ascii_digit() || c == '.' && chars.get(next + 1).is_some_and(char::is_ascii_digit) {
            let start = next;
            while chars.get(next).is_some_and(|&c| {
                c.is_ascii_alphanumeric()
                    || matches!(c, '.' | '_')
                    || matches!(c, '+' | '-') && matches!(chars[next - 1], 'e' | 'E')
            }) {
                next += 1;
            }
            found.push(Token::Value(number(&chars[start..next].iter().collect::<String>())?));
        } else if c.is_alphabetic() || c == '_' {
            let start = next;
            while chars.get(next).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
                next += 1;
            }
            found.push(word(chars[start..next].iter().collect())?);
        } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
            found.push(Token::Symbol(symbol));
            next += symbol.len();
        } else {
            return Err(format!("the character '{c}' has no meaning here"));
        }
    }
    Ok(found)
}

fn number(text: &str) -> Fallible<Value> {
    let plain = text.replace('_', "");
    if let Ok(int) = plain.parse() {
        return Ok(Value::Int(int));
    }
    match plain.parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(Value::Float(float)),
        _ => Err(format!("'{text}' is not a number")),
    }
}

fn word(name: String) -> Fallible<Token> {
    Ok(match name.as_str() {
        "True" | "true" => Token::Value(Value::Bool(true)),
        "False" | "false" => Token::Value(Value::Bool(false)),
        "and" | "or" | "not" | "in" | "if" | "else" => Token::Word(name),
        _ => return Err(format!("'{name}' is a name; text must be quoted: '{name}'")),
    })
}

impl Token {
    fn print(&self) -> String {
        match self {
            Self::Value(value) => format!("'{}'", value.print()),
            Self::Word(word) => format!("'{word}'"),
            Self::Symbol(symbol) => format!("'{symbol}'"),
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn symbol(&mut self, wanted: &[&'static str]) -> Option<&'static str> {
        match self.tokens.get(self.next) {
            Some(Token::Symbol(symbol)) if wanted.contains(symbol) => {
                self.next += 1;
                Some(symbol)
            }
            _ => None,
        }
    }

    fn word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.next), Some(Token::Word(word)) if word == wanted);
        self.next += usize::from(found);
        found
    }

    fn enter(&mut self) -> Fallible<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(format!("it nests deeper than {MAX_DEPTH}")) } else { Ok(()) }
    }

    fn ternary(&mut self) -> Fallible<Value> {
        self.enter()?;
        let value = self.or()?;
        let value = if self.word("if") {
            let condition = self.or()?.truth();
            if !self.word("else") {
                return Err("'if' needs an 'else'".to_owned());
            }
            let other = self.ternary()?;
            if condition { value } else { other }
        } else {
            value
        };
        self.depth -= 1;
        Ok(value)
    }

    fn or(&mut self) -> Fallible<Value> {
        let mut value = self.and()?;
        while self.word("or") {
            let other = self.and()?;
            value = if value.truth() { value } else { other };
        }
        Ok(value)
    }

    fn and(&mut self) -> Fallible<Value> {
        let mut value = self.not()?;
        while self.word("and") {
            let other = self.not()?;
            value = if value.truth() { other } else { value };
        }
        Ok(value)
    }

    fn not(&mut self) -> Fallible<Value> {
        if self.word("not") {
            self.enter()?;
            let value = !self.not()?.truth();
            self.depth -= 1;
            return Ok(Value::Bool(value));
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Fallible<Value> {
        let mut left = self.sum()?;
        let mut result = None;
        loop {
            let operator = if self.word("in") {
                "in"
            } else if matches!(self.tokens.get(self.next..self.next + 2),
                Some([Token::Word(a), Token::Word(b)]) if a == "not" && b == "in")
            {
                self.next += 2;
                "not in"
            } else if let Some(symbol) = self.symbol(&["==", "!=", "<=", ">=", "<", ">"]) {
                symbol
            } else {
                return Ok(result.map_or(left, Value::Bool));
            };
            let right = self.sum()?;
            result = Some(result.unwrap_or(true) & left.compare(operator, &right)?);
            left = right;
        }
    }

    fn sum(&mut self) -> Fallible<Value> {
        let mut value = self.product()?;
        while let Some(operator) = self.symbol(&["+", "-"]) {
            value = value.arithmetic(operator, self.product()?)?;
        }
        Ok(value)
    }

    fn product(&mut self) -> Fallible<Value> {
        let mut value = self.sign()?;
        while let Some(operator) = self.symbol(&["*", "//", "/", "%"]) {
            value = value.arithmetic(operator, self.sign()?)?;
        }
        Ok(value)
    }

    fn sign(&mut self) -> Fallible<Value> {
        let Some(sign) = self.symbol(&["+", "-"]) else { return self.power() };
        self.enter()?;
        let value = Value::Int(0).arithmetic(sign, self.sign()?)?;
        self.depth -= 1;
        Ok(value)
    }

    fn power(&mut self) -> Fallible<Value> {
        let base = self.atom()?;
        if self.symbol(&["**"]).is_none() {
            return Ok(base);
        }
        self.enter()?;
        let value = base.arithmetic("**", self.sign()?)?;
        self.depth -= 1;
        Ok(value)
    }

    fn atom(&mut self) -> Fallible<Value> {
        if self.symbol(&["("]).is_some() {
            let value = self.ternary()?;
            return self.symbol(&[")"]).map(|_| value).ok_or_else(|| "a bracket is never closed".to_owned());
        }
        let token = self.tokens.get(self.next).ok_or("it ends too early")?.clone();
        self.next += 1;
        match token {
            Token::Value(value) => Ok(value),
            other => Err(format!("{} is not expected there", other.print())),
        }
    }
}

impl Value {
    fn print(&self) -> String {
        match self {
            Self::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => format!("{value:?}"),
            Self::Text(text) => text.clone(),
        }
    }

    fn truth(&self) -> bool {
        match self {
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) => !text.is_empty(),
        }
    }

    fn int(&self) -> Option<i64> {
        match self {
            Self::Bool(value) => Some(i64::from(*value)),
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    fn float(&self) -> Option<f64> {
        match self {
            Self::Float(value) => Some(*value),
            other => other.int().map(|value| value as f64),
        }
    }

    fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => Some(left.cmp(right)),
            _ => match (self.int(), other.int()) {
                (Some(left), Some(right)) => Some(left.cmp(&right)),
                _ => self.float()?.partial_cmp(&other.float()?),
            },
        }
    }

    fn compare(&self, operator: &str, other: &Self) -> Fallible<bool> {
        if let "in" | "not in" = operator {
            let (Self::Text(part), Self::Text(whole)) = (self, other) else {
                return Err("'in' needs text on both sides".to_owned());
            };
            return Ok(whole.contains(part.as_str()) == (operator == "in"));
        }
        let order = self.order(other);
        Ok(match operator {
            "==" => order == Some(Ordering::Equal),
            "!=" => order != Some(Ordering::Equal),
            _ => {
                let order = order.ok_or_else(|| {
                    format!("'{}' {operator} '{}' compares text with a number", self.print(), other.print())
                })?;
                match operator {
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                }
            }
        })
    }

    fn arithmetic(self, operator: &str, other: Self) -> Fallible<Self> {
        if let ("+", Self::Text(left), Self::Text(right)) = (operator, &self, &other) {
            return Ok(Self::Text(format!("{left}{right}")));
        }
        let (Some(left), Some(right)) = (self.float(), other.float()) else {
            return Err(format!(
                "'{}' {operator} '{}' is not possible with text",
                self.print(),
                other.print()
            ));
        };
        if matches!(operator, "/" | "//" | "%") && right == 0.0 {
            return Err("it divides by zero".to_owned());
        }
        if let (Some(left), Some(right), true) = (self.int(), other.int(), operator != "/") {
            let result = match operator {
                "+" => left.checked_add(right),
                "-" => left.checked_sub(right),
                "*" => left.checked_mul(right),
                "//" => left.checked_rem(right).and_then(|rest| {
                    let down = i64::from(rest != 0 && (rest < 0) != (right < 0));
                    left.checked_div(right)?.checked_sub(down)
                }),
                "%" => left
                    .checked_rem(right)
                    .map(|rest| if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest }),
                _ if right < 0 => return Self::finite((left as f64).powf(right as f64)),
                _ => u32::try_from(right).ok().and_then(|power| left.checked_pow(power)),
            };
            return result.map(Self::Int).ok_or_else(|| "a whole number leaves 64 bits".to_owned());
        }
        Self::finite(match operator {
            "+" => left + right,
            "-" => left - right,
            "*" => left * right,
            "/" => left / right,
            "//" => (left / right).floor(),
            "%" => left - right * (left / right).floor(),
            _ => left.powf(right),
        })
    }

    fn finite(value: f64) -> Fallible<Self> {
        if value.is_finite() {
            Ok(Self::Float(value))
        } else {
            Err("the result is not a finite number".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::evaluate;

    /// Expected values are what Python 3.11 prints for the same text.
    #[test]
    fn agrees_with_python() {
        for (text, expected) in [
            ("1 + 2 * 3", "7"),
            ("(1 + 2) * 3", "9"),
            ("7 / 2", "3.5"),
            ("6 / 2", "3.0"),
            ("-7 // 2", "-4"),
            ("-7 % 3", "2"),
            ("7 % -3", "-2"),
            ("2 ** 3 ** 2", "512"),
            ("-2 ** 2", "-4"),
            ("2 ** -1", "0.5"),
            ("0.1 + 0.2", "0.30000000000000004"),
            ("'a' + \"b\"", "ab"),
            ("'a' == 'a' and not 1 > 2", "True"),
            ("1 < 2 < 3", "True"),
            ("3 > 2 > 2", "False"),
            ("'x' in 'xyz'", "True"),
            ("'q' not in 'xyz'", "True"),
            ("'sim' if 1 else 'real'", "sim"),
            ("0 or 'default'", "default"),
            ("1 == 1.0", "True"),
            ("'1' == 1", "False"),
            ("1e3", "1000.0"),
            ("True + 1", "2"),
            ("not 0 == 0", "False"),
        ] {
            assert_eq!(evaluate(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for (text, word) in [
            ("__import__('os')", "is a name"),
            ("1 +", "ends too early"),
            ("1 / 0", "divides by zero"),
            ("9223372036854775807 + 1", "64 bits"),
            ("'a' * 3", "not possible with text"),
            ("1 < 'a'", "compares text"),
            ("(1", "never closed"),
            ("'a", "never closed"),
            ("1 2", "not expected"),
            ("[1]", "no meaning"),
            ("10 ** 400", "64 bits"),
            ("1e999", "not a number"),
            ("", "ends too early"),
        ] {
            let error = evaluate(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
        assert!(evaluate(&"(".repeat(5000)).is_err());
        assert!(evaluate(&"not ".repeat(5000)).is_err());
        assert!(evaluate(&"-".repeat(5000)).is_err());
        assert!(evaluate(&"2**".repeat(5000)).is_err());
    }
}
