//! What stands in the JSON of an archive, for those who write it and those who read it again.

pub mod backup;
pub mod dump;
pub mod index;
pub mod missing;
pub mod opening;

/// The entry that says what an archive is.
pub const METADATA: &str = "metadata.json";
/// The entry that says it in words.
pub const README: &str = "README.md";
/// The entry with a checksum of every other.
pub const SUMS: &str = "SHA256SUMS";

/// `generator` of what this build writes.
pub const GENERATOR: &str = concat!("@cultural-archiver/backup ", env!("CARGO_PKG_VERSION"));

/// What a reader can make of a `format_version`: only the major number, its first part, matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// It reads it.
    Known,
    /// It was given after the reader's own.
    Newer,
    /// There never was one like this.
    Unheard,
}

/// What a reader of `known` can make of `version`.
pub fn age(version: &str, known: &str) -> Age {
    let [given, own] = [version, known].map(|version| version.split('.').next().unwrap_or_default());
    let number = |major: &str| major.parse::<u32>().ok();
    match number(given) {
        _ if given == own => Age::Known,
        given if given.is_some() && given > number(own) => Age::Newer,
        _ => Age::Unheard,
    }
}

/// How large a list may be that has something to say of each entry of an archive, of which there are so many: at most
/// 544 MiB, and 32 MiB where there is next to none.
pub fn most_bytes(entries: usize, each: u64) -> u64 {
    (32 << 20) + (entries as u64).saturating_mul(each).min(512 << 20)
}

#[cfg(test)]
mod tests {
    use super::{Age, age};

    #[test]
    fn newer_is_a_larger_major_number_alone() {
        for newer in ["2.0", "2", "10.3"] {
            assert_eq!(age(newer, "1.0"), Age::Newer, "{newer}");
        }
        for known in ["1.0", "1.9"] {
            assert_eq!(age(known, "1.0"), Age::Known, "{known}");
        }
        for other in ["0.9", "", "x", "-2", "2x.0", "99999999999.0"] {
            assert_eq!(age(other, "1.0"), Age::Unheard, "{other}");
        }
    }
}
