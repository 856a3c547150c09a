//! Reads what `cargo test -- --show-output` prints, line by line: counts, failures, skips. Pure.

use std::fmt;

/// A test that did not run, or not in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skip {
    /// The test program, as cargo names its source.
    pub suite: String,
    /// The test.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// When a skip is as bad as a failure.
pub struct Rules {
    /// In CI everything that can be installed is.
    pub in_ci: bool,
    /// Whether the data beside the repository is there.
    pub has_shared: bool,
}

impl Rules {
    /// Hardware that no CI machine has may be missing everywhere, the data beside the repository only where it is not.
    pub fn allow(&self, skip: &Skip) -> bool {
        let for_data = !self.has_shared && skip.reason.starts_with("needs ../shared");
        !self.in_ci || for_data || skip.reason.starts_with("hardware:")
    }
}

/// Where in the output of a test program we are.
#[derive(Default, PartialEq)]
enum Part {
    /// The lines `test NAME ... ok`.
    #[default]
    Results,
    /// The output of the tests that passed.
    Passed,
    /// The output of those that failed.
    Failed,
}

/// What has been seen so far.
#[derive(Default)]
pub struct Collector {
    suite: String,
    part: Part,
    /// The test whose output this is, in `Passed`.
    test: String,
    /// How many test programs were started and how many came to their end.
    started: usize,
    ended: usize,
    passed: usize,
    failed: Vec<String>,
    failed_count: usize,
    skips: Vec<Skip>,
    /// Tests that libtest counts as passed though they said SKIP.
    not_passed: usize,
}

impl Collector {
    /// Takes one line and says whether a person wants to see it.
    pub fn line(&mut self, line: &str) -> bool {
        let trimmed = line.trim_start();
        if let Some(suite) = suite(line) {
            self.suite = suite;
            self.part = Part::Results;
            self.started += 1;
        } else if let Some(at) = line.find("test result: ok. ").or_else(|| line.find("test result: FAILED. "))
        {
            self.result(&line[at..]);
            self.part = Part::Results;
        } else if line == "successes:" {
            self.part = Part::Passed;
            self.test.clear();
        } else if line == "failures:" {
            self.part = Part::Failed;
        } else if let Some(rest) = trimmed.strip_prefix("SKIP ") {
            self.skip(rest);
        } else {
            match self.part {
                Part::Passed => {
                    let header =
                        line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----"));
                    if let Some(test) = header {
                        test.clone_into(&mut self.test);
                    }
                }
                Part::Results => self.test_line(line),
                Part::Failed => {}
            }
        }
        self.part != Part::Passed
    }

    /// `test NAME ... ok|FAILED|ignored[, REASON]`.
    fn test_line(&mut self, line: &str) {
        let Some((name, end)) = line.strip_prefix("test ").and_then(|rest| rest.rsplit_once(" ... ")) else {
            return;
        };
        let name = name.trim_end_matches(" - should panic").trim_end_matches(" - compile");
        if end == "FAILED" {
            self.failed.push(format!("{}: {name}", self.suite));
        } else if let Some(reason) = end.strip_prefix("ignored") {
            let reason = reason.trim_start_matches([',', ' ']);
            let reason = if reason.is_empty() { "ignored, no reason given" } else { reason };
            self.push(name, reason);
        }
    }

    fn skip(&mut self, rest: &str) {
        // Of a test that failed, the failure is what counts.
        if self.part == Part::Failed {
            return;
        }
        let (name, reason) = rest.split_once(": ").unwrap_or((rest, "no reason given"));
        let of_test = self.part == Part::Passed && !self.test.is_empty();
        let name = if of_test { self.test.clone() } else { name.to_owned() };
        let known = self.skips.iter().any(|skip| skip.suite == self.suite && skip.name == name);
        if of_test && !known {
            self.not_passed += 1;
        }
        self.push(&name, reason);
    }

    fn push(&mut self, name: &str, reason: &str) {
        let skip = Skip { suite: self.suite.clone(), name: name.to_owned(), reason: reason.to_owned() };
        if !self.skips.contains(&skip) {
            self.skips.push(skip);
        }
    }

    /// `test result: ok. 3 passed; 1 failed; 0 ignored; ...`
    fn result(&mut self, line: &str) {
        self.ended += 1;
        let count = |word: &str| -> usize {
            let mut parts = line.split([';', '.']).map(str::trim);
            parts.find_map(|part| part.strip_suffix(word)?.trim().parse().ok()).unwrap_or(0)
        };
        self.passed += count("passed");
        self.failed_count += count("failed");
    }

    /// What it comes to. `success` is cargo's own word.
    pub fn verdict(&self, success: bool, rules: &Rules) -> Verdict {
        let mut failed = self.failed.clone();
        // A program that crashed took its results with it.
        let crashed = self.started.saturating_sub(self.ended);
        let mut failed_count = self.failed_count + crashed;
        if crashed > 0 {
            failed.push(format!("{crashed} test programs ended without a result (see `error:` above)"));
        }
        if !success && failed_count == 0 {
            failed_count = 1;
            failed.push("cargo test itself: something did not build (see `error:` above)".to_owned());
        }
        let passed = self.passed.saturating_sub(self.not_passed);
        let mut names: Vec<(&str, &str)> = Vec::new();
        let mut forbidden = 0;
        for skip in &self.skips {
            let name = (skip.suite.as_str(), skip.name.as_str());
            if names.contains(&name) {
                continue;
            }
            names.push(name);
            let mut of_test =
                self.skips.iter().filter(|other| (other.suite.as_str(), other.name.as_str()) == name);
            if let Some(bad) = of_test.find(|other| !rules.allow(other)) {
                forbidden += 1;
                failed.push(format!("{}: {} may not be skipped in CI: {}", bad.suite, bad.name, bad.reason));
            }
        }
        let skipped = names.len() - forbidden;
        let skips = self.skips.iter().filter(|skip| rules.allow(skip)).cloned().collect();
        Verdict { passed, failed_count: failed_count + forbidden, skipped, failed, skips }
    }
}

/// `Running unittests src/lib.rs (target/debug/deps/xtask-0123)` and `Doc-tests xtask`, with cargo's indent.
fn suite(line: &str) -> Option<String> {
    let trimmed = line.strip_prefix("   ")?.trim_start();
    if let Some(name) = trimmed.strip_prefix("Doc-tests ") {
        return Some(format!("{name} (documentation)"));
    }
    let (source, program) = trimmed.strip_prefix("Running ")?.strip_suffix(')')?.rsplit_once(" (")?;
    let source = source.trim_start_matches("unittests ");
    let file = program.rsplit(['/', '\\']).next()?;
    let name = file.rsplit_once('-').map_or(file, |(name, _)| name);
    Some(format!("{name} ({source})"))
}

/// The outcome of all tests.
pub struct Verdict {
    passed: usize,
    failed_count: usize,
    skipped: usize,
    failed: Vec<String>,
    skips: Vec<Skip>,
}

impl Verdict {
    /// Whether all is well: something ran and nothing failed.
    pub fn is_success(&self) -> bool {
        self.failed_count == 0 && self.passed > 0
    }

    /// The last line.
    pub fn closing_line(&self) -> String {
        format!("{} passed, {} failed, {} skipped", self.passed, self.failed_count, self.skipped)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.skips.is_empty() {
            writeln!(f, "\nskipped:")?;
        }
        for skip in &self.skips {
            writeln!(f, "  {}: {}: {}", skip.suite, skip.name, skip.reason)?;
        }
        if !self.failed.is_empty() {
            writeln!(f, "\nfailed:")?;
        }
        for name in &self.failed {
            writeln!(f, "  {name}")?;
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "   Compiling a v0.1.0
     Running unittests src/lib.rs (target/debug/deps/peregrine_a-0f1e)

running 4 tests
test good ... ok
test needy ... ok
test device ... ignored, hardware: wants a camera
test old ... ignored

successes:

---- needy stdout ----
SKIP needy: needs ../shared: images/coco
SKIP needy: needs ../shared: models
a line of a test that passed
test result: of a person, printed by no test program


successes:
    good
    needy

test result: ok. 2 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/b.rs (target/debug/deps/b-1234)

running 2 tests
test bad ... FAILED
test fine ... ok

failures:

---- bad stdout ----
SKIP part of it: because
assertion failed

failures:
    bad

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    const CI: Rules = Rules { in_ci: true, has_shared: false };
    const HOME: Rules = Rules { in_ci: false, has_shared: false };

    fn collect(text: &str) -> (Collector, Vec<String>) {
        let mut collector = Collector::default();
        let shown = text.lines().filter(|line| collector.line(line)).map(str::to_owned).collect();
        (collector, shown)
    }

    #[test]
    fn counts_and_names() {
        // Without the line that only looks like a result.
        let text = OUTPUT.replace("test result: of a person, printed by no test program\n", "");
        let (collector, shown) = collect(&text);
        let verdict = collector.verdict(false, &HOME);
        assert_eq!(verdict.closing_line(), "2 passed, 1 failed, 3 skipped");
        assert_eq!(verdict.failed, ["b (tests/b.rs): bad"]);
        let text = verdict.to_string();
        for wanted in
            ["peregrine_a (src/lib.rs): device: hardware: wants a camera", "needy: needs ../shared: models"]
        {
            assert!(text.contains(wanted), "{text}");
        }
        assert!(shown.iter().any(|line| line == "assertion failed"), "failures are shown");
        assert!(!shown.iter().any(|line| line.contains("a line of a test that passed")), "the rest is not");
    }

    #[test]
    fn text_of_a_test_is_no_result() {
        let (collector, _) = collect(OUTPUT);
        assert_eq!(collector.verdict(false, &HOME).closing_line(), "2 passed, 1 failed, 3 skipped");
    }

    #[test]
    fn in_ci_a_skip_fails_unless_it_must_be() {
        let (collector, _) = collect(OUTPUT);
        let verdict = collector.verdict(false, &CI);
        assert_eq!(verdict.closing_line(), "2 passed, 2 failed, 2 skipped");
        assert!(verdict.failed[1].contains("old may not be skipped in CI: ignored, no reason given"));
        let verdict = collector.verdict(false, &Rules { in_ci: true, has_shared: true });
        assert_eq!(verdict.closing_line(), "2 passed, 3 failed, 1 skipped", "the data is there: no excuse");
    }

    #[test]
    fn what_crashes_or_does_not_build_fails() {
        let (collector, _) =
            collect("     Running tests/c.rs (target/debug/deps/c-1)\n\nrunning 9 tests\ntest a ... ok\n");
        let verdict = collector.verdict(false, &HOME);
        assert_eq!(verdict.closing_line(), "0 passed, 1 failed, 0 skipped");
        let (collector, _) = collect("error[E0308]: mismatched types\n");
        assert_eq!(collector.verdict(false, &HOME).closing_line(), "0 passed, 1 failed, 0 skipped");
        assert!(!collector.verdict(true, &HOME).is_success(), "no test ran");
    }

    #[test]
    fn documentation_tests_count() {
        let text = "   Doc-tests peregrine_a\n\nrunning 1 test\ntest a/src/lib.rs - (line 5) - compile ... ok\n\n\
                    test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n";
        let (collector, _) = collect(text);
        let verdict = collector.verdict(true, &CI);
        assert!(verdict.is_success());
        assert_eq!(verdict.closing_line(), "1 passed, 0 failed, 0 skipped");
    }
}
