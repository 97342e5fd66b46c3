//! Why a photo could not be had, and what that says of the store.

use std::io;
use std::time::Duration;

use crate::error::{is_in_use, is_out_of_files};
use crate::http::Distrust;
use crate::retry::Setback;

/// Why a photo could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GetError {
    /// The store denies holding the key. Every other failure leaves it open.
    #[error("the store holds no such key")]
    NoSuchKey,
    /// The operating system or the store failed.
    #[error("the store failed to hand it over")]
    Unreadable,
    /// We may not read it.
    #[error("the store refuses access to it")]
    Refused,
    /// The store takes no signature of a time so far from its own.
    #[error("the store takes no request of such a time")]
    ClockWrong,
    /// The name of the host leads to a private address.
    #[error("its host is not one of the public Internet")]
    Forbidden,
    /// The host does not prove to be the one that was meant.
    #[error("its host did not prove to be the one that was meant")]
    Untrusted(Distrust),
    /// A redirect leads to another host, or in circles.
    #[error("the store sends us to another host")]
    LedAway,
    /// The key holds a part that no URL carries to the store: `.` or `..`.
    #[error("its key holds `.` or `..`, which no URL carries to the store; S3 does")]
    Unaddressable,
    /// It has more bytes than are taken from such a store.
    #[error("it is larger than any photo")]
    TooLarge,
    /// It grew, shrank or was rewritten each time it was read, or whoever writes it lets nobody read it meanwhile.
    #[error("it changed while it was read")]
    ChangedWhileRead,
    /// More or fewer bytes came than the store announced.
    #[error("its length is not the announced one")]
    BadLength,
    /// The bytes are not those whose MD5 the store announced.
    #[error("its content does not have the announced MD5")]
    BadChecksum,
    /// The store did not answer in time.
    #[error("the store did not answer in time")]
    Timeout,
    /// No connection could be made, or it broke off.
    #[error("the store could not be reached")]
    Unreachable,
    /// The store answers that it cannot at the moment.
    #[error("the store is overloaded or down")]
    Unavailable {
        /// When it wants to be asked again.
        retry_after: Option<Duration>,
    },
}

impl GetError {
    /// The stable word that stands in metadata.json.
    pub fn reason(self) -> &'static str {
        match self {
            GetError::NoSuchKey => "not_found",
            GetError::Unreadable => "unreadable",
            GetError::Refused => "refused",
            GetError::ClockWrong => "clock_wrong",
            GetError::Forbidden => "forbidden_host",
            GetError::Untrusted(_) => "untrusted_host",
            GetError::LedAway => "redirected",
            GetError::Unaddressable => "unaddressable_key",
            GetError::TooLarge => "too_large",
            GetError::ChangedWhileRead => "changed_while_read",
            GetError::BadLength => "bad_length",
            GetError::BadChecksum => "bad_checksum",
            GetError::Timeout => "timeout",
            GetError::Unreachable => "unreachable",
            GetError::Unavailable { .. } => "unavailable",
        }
    }

    /// Whether it is the store, not the photo, that fails at the moment.
    pub fn is_outage(self) -> bool {
        matches!(self, GetError::Timeout | GetError::Unreachable | GetError::Unavailable { .. })
    }

    /// What a store says when it may be us that it will not serve, not the photo: then it says so of every photo.
    pub const TURNING_AWAY: [GetError; 2] = [GetError::Refused, GetError::LedAway];

    /// Whether it is one of [`TURNING_AWAY`](GetError::TURNING_AWAY).
    pub fn turns_away(self) -> bool {
        GetError::TURNING_AWAY.contains(&self)
    }

    /// Whether `reason`, a word of [`GetError::reason`], is that of one of [`TURNING_AWAY`](GetError::TURNING_AWAY).
    pub fn is_turning_away(reason: &str) -> bool {
        GetError::TURNING_AWAY.iter().any(|error| error.reason() == reason)
    }

    /// Whether the next attempt may well succeed.
    pub fn may_pass(self) -> bool {
        !matches!(
            self,
            GetError::NoSuchKey
                | GetError::Unreadable
                | GetError::Refused
                | GetError::ClockWrong
                | GetError::Forbidden
                | GetError::Untrusted(_)
                | GetError::LedAway
                | GetError::Unaddressable
                | GetError::TooLarge
        )
    }
}

impl From<GetError> for Setback {
    fn from(error: GetError) -> Self {
        match error {
            GetError::Timeout => Setback::Silent,
            GetError::Unreachable => Setback::Busy(None),
            GetError::Unavailable { retry_after } => Setback::Busy(retry_after),
            _ => Setback::Final,
        }
    }
}

impl From<io::Error> for GetError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            // Another part of the process may close some of its own.
            _ if is_out_of_files(&error) => GetError::Unavailable { retry_after: None },
            // As a rule somebody is writing it.
            _ if is_in_use(&error) => GetError::ChangedWhileRead,
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => GetError::NoSuchKey,
            io::ErrorKind::PermissionDenied => GetError::Refused,
            io::ErrorKind::TimedOut => GetError::Timeout,
            _ => GetError::Unreadable,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_photo_that_finds_no_descriptor_is_tried_again() {
        let opened = |code| GetError::from(io::Error::from_raw_os_error(code));
        assert_eq!(Setback::from(opened(libc::EMFILE)), Setback::Busy(None));
        assert_eq!(Setback::from(opened(libc::EIO)), Setback::Final);
    }
}

#[cfg(all(test, windows))]
mod tests {
    use super::*;

    #[test]
    fn a_photo_that_somebody_is_writing_is_tried_again() {
        let opened = |code| GetError::from(io::Error::from_raw_os_error(code));
        // ERROR_SHARING_VIOLATION; ERROR_CRC, which a failing disk says.
        assert!(opened(32).may_pass() && !opened(32).is_outage() && !opened(23).may_pass());
    }
}
