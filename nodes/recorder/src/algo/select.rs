//! Which topics are recorded.

use crate::error::{RecorderError, Result};

/// Topics to record: all that an include pattern matches and no exclude pattern does.
///
/// In a pattern `*` stands for any characters but `/`, `**` for any characters; a leading `/` may be left out, and a
/// pattern that names a namespace also takes what is below it: `camera` takes `/camera` and `/camera/image_raw`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    include: Vec<String>,
    exclude: Vec<String>,
    images: bool,
}

/// Messages that carry pixels or points: most of a recording's bytes.
const BULKY: [&str; 4] = [
    "sensor_msgs/msg/Image",
    "sensor_msgs/msg/CompressedImage",
    "sensor_msgs/msg/PointCloud2",
    "stereo_msgs/msg/DisparityImage",
];

impl Selection {
    /// `include` empty takes every topic; `images` false leaves out images and point clouds.
    ///
    /// # Errors
    /// [`RecorderError::Pattern`] for an empty pattern or one with blanks.
    pub fn new(include: &[String], exclude: &[String], images: bool) -> Result<Self> {
        let check = |patterns: &[String]| -> Result<Vec<String>> {
            patterns
                .iter()
                .map(|pattern| {
                    let wrong = |reason| RecorderError::Pattern { pattern: pattern.clone(), reason };
                    let trimmed = pattern.trim_matches('/');
                    if trimmed.is_empty() {
                        return Err(wrong("is empty; write a topic's name, or ** for all"));
                    }
                    if trimmed.contains(char::is_whitespace) {
                        return Err(wrong("holds a blank; give each topic as its own list item"));
                    }
                    Ok(trimmed.to_owned())
                })
                .collect()
        };
        Ok(Self { include: check(include)?, exclude: check(exclude)?, images })
    }

    /// Whether the topic is recorded.
    #[must_use]
    pub fn takes(&self, topic: &str, type_name: &str) -> bool {
        let topic = topic.trim_start_matches('/');
        let any = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, topic));
        (self.images || !BULKY.contains(&type_name))
            && (self.include.is_empty() || any(&self.include))
            && !any(&self.exclude)
    }

    /// The include patterns that match none of `topics`: worth a warning.
    #[must_use]
    pub fn unmatched<'a>(&'a self, topics: &[String]) -> Vec<&'a str> {
        let matched =
            |pattern: &&String| topics.iter().any(|topic| matches(pattern, topic.trim_start_matches('/')));
        self.include.iter().filter(|pattern| !matched(pattern)).map(String::as_str).collect()
    }
}

/// Whether `pattern` matches `topic` or a namespace above it. Linear memory, quadratic time at most.
fn matches(pattern: &str, topic: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let topic: Vec<char> = topic.chars().collect();
    // reach[t]: the pattern so far matches the first t characters.
    let mut reach = vec![false; topic.len() + 1];
    reach[0] = true;
    let mut next = 0;
    while next < pattern.len() {
        let double = pattern[next] == '*' && pattern.get(next + 1) == Some(&'*');
        let mut now = vec![false; topic.len() + 1];
        for t in 0..=topic.len() {
            now[t] = match pattern[next] {
                '*' => reach[t] || t > 0 && now[t - 1] && (double || topic[t - 1] != '/'),
                c => t > 0 && reach[t - 1] && topic[t - 1] == c,
            };
        }
        reach = now;
        next += if double { 2 } else { 1 };
    }
    reach[topic.len()] || (0..topic.len()).any(|t| reach[t] && topic[t] == '/')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_select() {
        for (pattern, topic, expected) in [
            ("camera", "camera/image_raw", true),
            ("camera", "camera2/image_raw", false),
            ("/camera/image_raw/", "camera/image_raw", true),
            ("*/image_raw", "camera/image_raw", true),
            ("*/image_raw", "a/camera/image_raw", false),
            ("**/image_raw", "a/camera/image_raw", true),
            ("*", "a/b", true),
            ("cam*a", "camera", true),
            ("cam*b", "camera", false),
            ("**", "x", true),
        ] {
            let selection = Selection::new(&[pattern.into()], &[], true).unwrap();
            assert_eq!(selection.takes(&format!("/{topic}"), "t"), expected, "{pattern} {topic}");
        }
    }

    #[test]
    fn exclusion_images_and_warnings() {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let selection = Selection::new(&[], &list(&["sim"]), false).unwrap();
        assert!(selection.takes("/odom", "nav_msgs/msg/Odometry"));
        assert!(!selection.takes("/sim/boxes", "vision_msgs/msg/Detection2DArray"));
        assert!(!selection.takes("/image", "sensor_msgs/msg/Image"));
        assert!(Selection::new(&list(&["a b"]), &[], true).unwrap_err().to_string().contains("PG-0806"));
        assert!(Selection::new(&[], &list(&["/"]), true).is_err());
        let selection = Selection::new(&list(&["odom", "imx"]), &[], true).unwrap();
        assert_eq!(selection.unmatched(&list(&["/odom", "/imu"])), ["imx"]);
    }
}
