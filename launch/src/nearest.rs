//! "Did you mean": the known name nearest to one that is not known.

/// Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours each cost one.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows: [Vec<usize>; 3] = [vec![], (0..=right.len()).collect(), vec![0; right.len() + 1]];
    for i in 0..left.len() {
        rows[2] = vec![i + 1; right.len() + 1];
        for j in 0..right.len() {
            let replace = rows[1][j] + usize::from(left[i] != right[j]);
            let mut best = replace.min(rows[1][j + 1] + 1).min(rows[2][j] + 1);
            if i > 0 && j > 0 && left[i] == right[j - 1] && left[i - 1] == right[j] {
                best = best.min(rows[0][j - 1] + 1);
            }
            rows[2][j + 1] = best;
        }
        rows.rotate_left(1);
    }
    rows[1][right.len()]
}

/// The name that a typing mistake most likely meant, if one is near enough. Long inputs are not compared.
pub(crate) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if wrong.len() > 80 {
        return None;
    }
    let lower = wrong.to_lowercase();
    // An unfinished word means the one it begins.
    let begins = |name: &str| wrong.len() >= 3 && name.starts_with(wrong);
    let near = |name: &&str| if begins(name) { 0 } else { distance(&lower, &name.to_lowercase()) };
    let best = known.into_iter().filter(|name| name.len() <= 80).min_by_key(near)?;
    let allowed = 1 + wrong.chars().count().max(best.chars().count()) / 3;
    let part = wrong.len() >= 3 && (best.contains(wrong) || wrong.contains(best) && best.len() >= 3);
    (near(&best) <= allowed || part).then_some(best)
}

/// The end of an error message: the nearest known name, or all of them, or that there are none.
pub(crate) fn hint(wrong: &str, known: &[&str]) -> String {
    match nearest(wrong, known.iter().copied()) {
        Some(name) => format!("; did you mean '{name}'?"),
        None if known.is_empty() => "; there is none".to_owned(),
        None => format!("; known: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_mistakes_find_their_name() {
        assert_eq!(nearest("namesapce", ["name", "namespace", "pkg"]), Some("namespace"));
        assert_eq!(nearest("nod", ["node", "log"]), Some("node"));
        assert_eq!(nearest("respawn_dleay", ["respawn", "respawn_delay"]), Some("respawn_delay"));
        assert_eq!(nearest("zzzzzz", ["node", "log"]), None);
        assert_eq!(nearest("x", []), None);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
