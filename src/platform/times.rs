//! The shapes in which rows hold an instant.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

use super::content::Cell;

/// From here on a number counts milliseconds, below it seconds: 1e11 seconds are the year 5138, 1e11 milliseconds are
/// March 1973, and the platform is younger than that.
const MILLISECONDS_FROM: f64 = 1e11;
/// Less than this is no instant: 1e8 seconds are March 1973 too, and `2025` or `20250904` are dates of some other form.
const SECONDS_FROM: f64 = 1e8;

/// From here on a number is no instant: 1e13 milliseconds are the year 2286, and `20250904143022` is a date of some
/// other form as well.
const NONE_FROM: f64 = 1e13;

/// Reads `YYYY-MM-DD HH:MM:SS` (UTC, SQLite's default), RFC 3339, a date alone, and the milliseconds since 1970 that
/// an import left as a number or as its text (`"1795457119361.0"`). None for anything else.
pub fn instant(cell: &Cell) -> Option<DateTime<Utc>> {
    match cell {
        Cell::Null | Cell::Unreadable(_) => None,
        Cell::Integer(number) => from_number(*number as f64),
        Cell::Real(number) => from_number(*number),
        Cell::Text(text) => from_text(text.trim()),
    }
}

/// As data files have it: RFC 3339 in UTC, fractions of a second where there are any.
pub fn rfc3339(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn from_text(text: &str) -> Option<DateTime<Utc>> {
    // What nearly every row has; reading it by a format takes many times as long.
    if let Some(instant) = sqlite_default(text.as_bytes()) {
        return in_range(instant);
    }
    let zoned = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%#z"))
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%#z"));
    if let Ok(instant) = zoned {
        return in_range(instant.to_utc());
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"] {
        if let Ok(instant) = NaiveDateTime::parse_from_str(text, format) {
            return in_range(instant.and_utc());
        }
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return in_range(date.and_time(chrono::NaiveTime::MIN).and_utc());
    }
    from_number(text.parse().ok()?)
}

/// `YYYY-MM-DD HH:MM:SS`, and with `T` and `Z`.
fn sqlite_default(text: &[u8]) -> Option<DateTime<Utc>> {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to)?;
        digits
            .iter()
            .try_fold(0_u32, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0')))
    };
    let signs = [4, 7, 10, 13, 16].map(|at| text.get(at).copied().unwrap_or_default());
    let is_known = match (text.len(), signs) {
        (19, [b'-', b'-', b' ', b':', b':']) => true,
        (20, [b'-', b'-', b'T', b':', b':']) => text.last() == Some(&b'Z'),
        _ => false,
    };
    if !is_known {
        return None;
    }
    let date = NaiveDate::from_ymd_opt(number(0, 4)? as i32, number(5, 7)?, number(8, 10)?)?;
    Some(date.and_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)?.and_utc())
}

fn from_number(number: f64) -> Option<DateTime<Utc>> {
    if !(SECONDS_FROM..NONE_FROM).contains(&number) {
        return None;
    }
    let milliseconds = if number >= MILLISECONDS_FROM { number } else { number * 1000.0 };
    in_range(DateTime::from_timestamp_millis(milliseconds as i64)?)
}

/// An instant that every reader can hold. RFC 3339 has years of four digits, among them 0000, which calendars (such as
/// Python's) do not have. It has second 60 as well, which few readers take: that becomes the first second of the next
/// minute, as the clocks of computers count.
fn in_range(instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
    use chrono::{Datelike, Timelike};
    const SECOND: u32 = 1_000_000_000;
    let instant = match instant.nanosecond().checked_sub(SECOND) {
        Some(nanoseconds) => DateTime::from_timestamp(instant.timestamp() + 1, nanoseconds)?,
        None => instant,
    };
    (1..=9999).contains(&instant.year()).then_some(instant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        instant(&Cell::Text(text.into())).map(rfc3339)
    }

    #[test]
    fn every_shape_of_the_field_is_read() {
        for (text, means) in [
            ("2025-09-04 14:30:22", "2025-09-04T14:30:22Z"),
            ("2025-09-04T14:30:22Z", "2025-09-04T14:30:22Z"),
            ("2025-09-04T14:30:22.123Z", "2025-09-04T14:30:22.123Z"),
            ("2025-09-04T14:30:22+02:00", "2025-09-04T12:30:22Z"),
            ("2025-09-04T14:30:22", "2025-09-04T14:30:22Z"),
            ("2025-09-04T14:30:22+0200", "2025-09-04T12:30:22Z"),
            ("2025-09-04T14:30:22.5-0730", "2025-09-04T22:00:22.500Z"),
            ("2025-09-04 14:30:22+02:00", "2025-09-04T12:30:22Z"),
            ("2025-09-04 14:30:22 +0200", "2025-09-04T12:30:22Z"),
            ("2025-09-04 14:30:22+00", "2025-09-04T14:30:22Z"),
            ("2025-09-04", "2025-09-04T00:00:00Z"),
            ("1795457119361.0", "2026-11-23T18:05:19.361Z"),
            (" 1795457119361 ", "2026-11-23T18:05:19.361Z"),
            ("2025-01-02T03:04:60Z", "2025-01-02T03:05:00Z"),
            ("2024-06-30 23:59:60", "2024-07-01T00:00:00Z"),
            ("2025-01-02T03:04:60.5+02:00", "2025-01-02T01:05:00.500Z"),
        ] {
            assert_eq!(read(text).as_deref(), Some(means), "{text}");
        }
        assert_eq!(
            instant(&Cell::Integer(1_795_457_119)).map(rfc3339).as_deref(),
            Some("2026-11-23T18:05:19Z")
        );
        assert_eq!(
            instant(&Cell::Real(1_795_457_119_361.0)).map(rfc3339).as_deref(),
            Some("2026-11-23T18:05:19.361Z")
        );
    }

    #[test]
    fn what_is_no_instant_is_none() {
        for text in [
            "", "yesterday", "2025-13-01", "2025-02-30 00:00:00", "0000-01-01 00:00:00",
            "0001-01-01T00:00:00+01:00", "10000-01-01T00:00:00Z", "-5", "inf", "NaN", "1e300", "0", "2025",
            "20250904", "20250904143022", "20250904143022000", "2460000.5",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(instant(&Cell::Real(f64::INFINITY)), None);
    }
}
