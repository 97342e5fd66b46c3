//! What a key tells by itself.
//!
//! The image resizer names a variant `<name>__<W>x<H>.<ext>`, and older code computed names below `thumbnails/`. A
//! name proves neither the size of the picture nor that anybody approved it.

/// Whether the key names a smaller copy: `<name>__<W>x<H>.<ext>`, or anything below `thumbnails/`.
pub fn is_variant(key: &str) -> bool {
    has_size_suffix(key) || key.starts_with("thumbnails/")
}

/// Whether the file name ends in `__<W>x<H>.<ext>`.
pub fn has_size_suffix(key: &str) -> bool {
    split(key).suffixed
}

/// The key without its extension and without `__<W>x<H>`: what an original and its variants in one folder share.
pub fn stem(key: &str) -> &str {
    split(key).stem
}

/// The extension as written, without the dot; empty when there is none.
pub fn extension(key: &str) -> &str {
    split(key).extension
}

/// Whether the key belongs to a public data dump, which an earlier release kept beside the photos.
pub fn is_public_dump(key: &str) -> bool {
    key.starts_with("public-data-dumps/")
}

/// The media type that the extension stands for, in any case; `None` for an extension that is no picture.
pub fn content_type(key: &str) -> Option<&'static str> {
    Some(match extension(key).to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "heif" => "image/heif",
        "avif" => "image/avif",
        "gif" => "image/gif",
        "svg" => "image/svg+xml",
        "tif" | "tiff" => "image/tiff",
        "bmp" => "image/bmp",
        _ => return None,
    })
}

struct Parts<'k> {
    stem: &'k str,
    extension: &'k str,
    suffixed: bool,
}

fn split(key: &str) -> Parts<'_> {
    let name_at = key.rfind('/').map_or(0, |slash| slash + 1);
    let bare = Parts { stem: key, extension: "", suffixed: false };
    let Some(dot) = key.rfind('.').filter(|&dot| dot > name_at && dot + 1 < key.len()) else { return bare };
    let (stem, extension) = (key.get(..dot).unwrap_or(key), key.get(dot + 1..).unwrap_or(""));
    match stem.rsplit_once("__") {
        Some((shorter, size)) if shorter.len() > name_at && is_size(size) => {
            Parts { stem: shorter, extension, suffixed: true }
        }
        _ => Parts { stem, extension, suffixed: false },
    }
}

/// `<W>x<H>` in pixels, each of one to five digits.
fn is_size(text: &str) -> bool {
    let number = |n: &str| (1..=5).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit());
    text.split_once('x').is_some_and(|(width, height)| number(width) && number(height))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn variants_are_told_by_their_suffix() {
        for key in
            ["a__400x400.jpg", "artworks/2025/09/04/a_b__1024x768.webp", "a___1x1.j", "thumbnails/a.jpg"]
        {
            assert!(is_variant(key), "{key}");
        }
        for key in [
            "a.jpg", "a__400x400", "a__400x.jpg", "a__x400.jpg", "__400x400.jpg", "a_400x400.jpg",
            "DSC_8001.jpg",
        ] {
            assert!(!is_variant(key), "{key}");
        }
        assert!(!is_variant("a__400x400.d/b.jpg"), "the suffix of a folder says nothing");
        assert!(!is_variant("x/__400x400.jpg"), "a variant has a name before its suffix");
    }

    #[test]
    fn stems_keep_their_folder() {
        assert_eq!(stem("originals/2025/a__400x400.jpg"), "originals/2025/a");
        assert_eq!(stem("originals/2025/a.b.jpg"), "originals/2025/a.b");
        assert_eq!(stem("originals/v1.2/a"), "originals/v1.2/a");
        assert_eq!(stem("x/.hidden"), "x/.hidden");
        assert_eq!(stem("a__400x400__800x800.jpg"), "a__400x400");
        assert_eq!(stem("a."), "a.");
    }

    #[test]
    fn media_types_come_from_the_extension() {
        assert_eq!(content_type("a/b.JPG"), Some("image/jpeg"));
        assert_eq!(content_type("a/b.heic"), Some("image/heic"));
        assert_eq!(content_type("a/b.zip"), None);
        assert_eq!(content_type("a.jpg/b"), None);
    }

    #[test]
    fn dumps_are_told_by_their_folder() {
        assert!(is_public_dump("public-data-dumps/datadump-2025-09-04.zip"));
        assert!(!is_public_dump("originals/public-data-dumps/a.jpg"));
    }

    proptest! {
        #[test]
        fn a_variant_has_the_stem_of_its_original(name in "[a-zé/._]{0,12}[a-z]", w in 1u32..99_999, h in 1u32..9) {
            let original = format!("{name}.jpg");
            let variant = format!("{name}__{w}x{h}.webp");
            prop_assert_eq!(stem(&original), &name);
            prop_assert_eq!(stem(&variant), stem(&original));
            prop_assert!(has_size_suffix(&variant));
        }

        #[test]
        fn any_key_is_taken(key in ".{0,40}") {
            prop_assert!(key.starts_with(stem(&key)));
            prop_assert!(key.ends_with(extension(&key)));
        }
    }
}
