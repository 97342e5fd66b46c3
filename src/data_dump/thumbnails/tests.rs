#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::Path;

use image::{ImageFormat, RgbImage};

use super::*;
use crate::photos::source::directory::Directory;

fn put(folder: &Path, key: &str, side: u32) {
    let path = folder.join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let picture = RgbImage::from_fn(side, side / 2, |x, y| image::Rgb([x as u8, y as u8, 7]));
    picture.save_with_format(path, ImageFormat::Png).unwrap();
}

fn photo(n: u32, key: &str) -> DumpPhoto {
    DumpPhoto { artwork_id: "a".into(), n, reference: Reference::Own(vec![key.into()]), is_licensed: false }
}

async fn made(folder: &Path, photos: &[DumpPhoto]) -> Result<(Thumbnails, Vec<u8>)> {
    let output = tempfile::tempdir().unwrap();
    let workspace = Arc::new(Workspace::create(output.path()).unwrap());
    let store = Arc::new(Directory::open(folder).unwrap());
    let options = ThumbnailOptions { max_side: 100, concurrency: 3 };
    let made = make(photos, store, options, &workspace, &Job::unattended()).await?;
    let mut bytes = Vec::new();
    workspace.open_file(&made.file).unwrap().read_to_end(&mut bytes).unwrap();
    Ok((made, bytes))
}

#[tokio::test]
async fn each_photo_has_its_outcome_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(root, "originals/a.png", 300);
    put(root, "artworks/a__400x400.png", 40);
    put(root, "artworks/b__400x400.png", 60);
    put(root, "artworks/b__800x800.png", 120);
    fs::write(root.join("originals/c.jpg"), "no picture").unwrap();
    let mut photos = vec![
        photo(1, "originals/a.png"),
        photo(2, "originals/b.png"),
        photo(3, "originals/c.jpg"),
        photo(4, "originals/d.jpg"),
    ];
    let foreign = Reference::Foreign("example.org".into());
    photos.push(DumpPhoto { artwork_id: "b".into(), n: 1, reference: foreign, is_licensed: false });
    photos.push(DumpPhoto { is_licensed: true, ..photo(5, "originals/a.png") });
    let (made, bytes) = made(root, &photos).await.unwrap();

    let sides = |at: usize| made.outcomes[at].map(|made| (made.width, made.height));
    assert_eq!(sides(0), Ok((100, 50)));
    assert_eq!(sides(1), Ok((100, 50)), "of the largest copy");
    assert_eq!(sides(2), Err("unsupported_format"));
    assert_eq!(sides(3), Err("not_found"));
    assert_eq!(sides(4), Err("foreign"));
    assert_eq!(sides(5), Err("other_license"));
    assert_eq!(made.failed, 0);
    let codes: Vec<_> = made.warnings.iter().map(|warning| warning.code.as_str()).collect();
    let expected =
        ["PHOTO_DANGLING", "PHOTO_FOREIGN", "PHOTO_LICENSED", "PHOTO_UNDECODABLE", "PHOTO_FROM_COPY"];
    assert_eq!(codes, expected);
    for outcome in made.outcomes.iter().flatten() {
        let jpeg = &bytes[outcome.offset as usize..][..outcome.bytes as usize];
        assert_eq!(outcome.sha256, <[u8; 32]>::from(Sha256::digest(jpeg)));
        assert_eq!(outcome.crc32, crc32fast::hash(jpeg));
    }
}

#[tokio::test]
async fn a_store_that_has_none_of_the_photos_is_the_wrong_one() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "other/a.png", 30);
    let failed = made(folder.path(), &[photo(1, "originals/a.png")]).await;
    assert_eq!(failed.err().map(|error| error.code()), Some("SOURCE_UNREACHABLE"));
    assert!(made(folder.path(), &[]).await.is_ok());
}
