//! What stands in the JSON of an archive, for those who write it and those who read it again.

pub mod backup;
pub mod dump;
pub mod index;
pub mod opening;

/// The first part of a `format_version`: a reader refuses what is newer than its own.
pub fn major(version: &str) -> &str {
    version.split('.').next().unwrap_or_default()
}

/// Whether a `format_version` was given after `known` was: its major number is larger.
pub fn is_newer(version: &str, known: &str) -> bool {
    let number = |version| major(version).parse::<u32>().ok();
    number(version).is_some_and(|version| Some(version) > number(known))
}

#[cfg(test)]
mod tests {
    use super::is_newer;

    #[test]
    fn newer_is_a_larger_major_number_alone() {
        for newer in ["2.0", "2", "10.3"] {
            assert!(is_newer(newer, "1.0"), "{newer}");
        }
        for other in ["1.0", "1.9", "0.9", "", "x", "-2", "2x.0", "99999999999.0"] {
            assert!(!is_newer(other, "1.0"), "{other}");
        }
    }
}
