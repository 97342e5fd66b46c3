//! What stands in a URL as it is; everything else is percent-encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// For one segment of a path, or a value of a query: everything but the unreserved characters (RFC 3986, 2.3), as
/// Signature Version 4 wants it.
pub const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// For a path: as [`SEGMENT`], but slashes stay.
pub const PATH: &AsciiSet = &SEGMENT.remove(b'/');
