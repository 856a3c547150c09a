//! Text that nobody meant: every front end answers with a value or an error, never with a panic or without end.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use peregrine_launch::{LaunchOptions, Share, parse_params_file, parse_xml, parse_yaml, plan_text};
use proptest::prelude::*;

const WORDS: [&str; 28] = [
    "<launch>",
    "</launch>",
    "<node ",
    "pkg='p' ",
    "exec='e' ",
    "/>",
    "<group>",
    "</group>",
    "if='$(eval \"1\")'",
    "$(var ",
    ")",
    "'",
    "\"",
    "launch:\n",
    "- node: ",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "\n  ",
    "&a ",
    "*a ",
    "ros__parameters:",
    "<param name='a' value='[1,'/>",
    "\\",
    "é",
    "\u{0}",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(picks in proptest::collection::vec(0..WORDS.len(), 0..40)) {
        let text: String = picks.iter().map(|pick| WORDS[*pick]).collect();
        let _ = parse_xml(&text);
        let _ = parse_yaml(&text);
        let _ = parse_params_file("p.yaml", &text);
        let share = Share::embedded();
        let _ = plan_text("x.xml", &format!("<launch>{text}</launch>"), &LaunchOptions::new(&share));
    }

    #[test]
    fn no_expression_panics(text in "[-0-9a-z+*/%()<>='. ]{0,40}") {
        let share = Share::embedded();
        let text = text.replace('\'', "&quot;").replace('<', "&lt;");
        let _ = plan_text("x.xml", &format!("<launch><log message='$(eval \"{text}\")'/></launch>"), &LaunchOptions::new(&share));
    }
}

#[test]
fn deep_nesting_does_not_overflow_the_stack() {
    for unit in ["<group>", "[", "{a: ", "- ", "$(not "] {
        let text = unit.repeat(50_000);
        assert!(parse_xml(&text).is_err());
        assert!(parse_yaml(&text).is_err());
        assert!(parse_params_file("p", &text).is_err());
    }
}
