#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use image::{ImageFormat, RgbImage};
use sha2::{Digest, Sha256};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::job::{Observer, Progress};
use crate::photos::fetch::{Body, Fetched};
use crate::photos::source::directory::Directory;
use crate::photos::source::{Content, StoredPhoto};

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
    made_by(folder, photos, &Job::unattended()).await
}

async fn made_by(folder: &Path, photos: &[DumpPhoto], job: &Job) -> Result<(Thumbnails, Vec<u8>)> {
    made_of(Directory::open(folder).unwrap(), photos, job).await
}

async fn made_of(
    store: impl PhotoStore + 'static,
    photos: &[DumpPhoto],
    job: &Job,
) -> Result<(Thumbnails, Vec<u8>)> {
    let output = tempfile::tempdir().unwrap();
    let workspace = Arc::new(Workspace::create(output.path()).unwrap());
    let options = ThumbnailOptions { max_side: 100, concurrency: 3 };
    let made = make(photos, Arc::new(store), options, &workspace, job).await?;
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
    let told: Vec<_> = made.warnings.iter().map(|it| format!("{}: {}", it.code, it.message)).collect();
    let expected = [
        "PHOTO_DANGLING: 1 photo is not in the store; see photos_missing in metadata.json",
        "PHOTO_FOREIGN: 1 photo lies on another host, which is not asked",
        "PHOTO_LICENSED: 1 photo is under another licence and left out; see photos_missing in metadata.json",
        "PHOTO_UNDECODABLE: 1 photo has no thumbnail; see photos_missing in metadata.json",
        "PHOTO_FROM_COPY: 1 thumbnail was made of a stored copy, because the original is gone",
    ];
    assert_eq!(told, expected);
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

#[cfg(unix)]
#[tokio::test]
async fn what_the_store_passed_over_is_told_without_a_name_or_a_number() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "originals/a.png", 30);
    for name in ["one", "two"] {
        std::os::unix::fs::symlink("/", folder.path().join(name)).unwrap();
    }
    let (made, _) = made(folder.path(), &[photo(1, "originals/a.png")]).await.unwrap();
    let told: Vec<_> = made.warnings.iter().map(|it| (it.code.as_str(), it.message.as_str())).collect();
    let message = "files of the folder of photos were passed over; previewBackup (npm run backup -- --dry-run) names them";
    assert_eq!(told, [("PHOTO_STORE", message)]);
}

/// A store that cannot list, and lets nobody look below other folders than `originals/`.
struct Shut(Directory);

#[async_trait]
impl PhotoStore for Shut {
    fn kind(&self) -> &'static str {
        "shut"
    }

    async fn list(&self, _: &Job) -> Result<Option<Listing>> {
        Ok(None)
    }

    async fn get(&self, key: &str) -> std::result::Result<Content, GetError> {
        if key.starts_with("originals/") { self.0.get(key).await } else { Err(GetError::Refused) }
    }
}

#[tokio::test]
async fn a_store_that_gave_photos_may_refuse_all_that_a_later_round_asks_for() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "originals/0.png", 30);
    let photos: Vec<_> = (0..15).map(|n| photo(n, &format!("originals/{n}.png"))).collect();
    let (made, _) =
        made_of(Shut(Directory::open(folder.path()).unwrap()), &photos, &Job::unattended()).await.unwrap();
    assert!(made.outcomes[0].is_ok());
    assert!(made.outcomes[1..].iter().all(|outcome| outcome.is_err_and(|reason| reason == "refused")));
    assert_eq!(made.failed, 14);
}

/// The last progress that was told.
#[derive(Default)]
struct Last(Mutex<Option<Progress>>);

impl Observer for Last {
    fn progress(&self, progress: &Progress) {
        *self.0.lock().unwrap() = Some(progress.clone());
    }
}

#[tokio::test]
async fn progress_comes_to_its_end_whatever_becomes_of_the_photos() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "originals/a.png", 30);
    let mut photos = vec![photo(1, "originals/a.png"), photo(2, "originals/gone.png")];
    photos.push(DumpPhoto { reference: Reference::Foreign("example.org".into()), ..photo(3, "") });
    photos.push(DumpPhoto { is_licensed: true, ..photo(4, "originals/a.png") });
    photos.push(DumpPhoto { reference: Reference::Unusable, ..photo(5, "") });
    let last = Arc::new(Last::default());
    made_by(folder.path(), &photos, &Job::new(CancellationToken::new(), last.clone())).await.unwrap();
    let last = last.0.lock().unwrap().take().unwrap();
    assert_eq!((last.phase, last.done, last.total), (Phase::Photos, 2, Some(2)));
}

#[tokio::test]
async fn a_photo_too_large_to_be_held_is_read_when_all_memory_is_free() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a.png", 30);
    let workspace = Arc::new(Workspace::create(folder.path()).unwrap());
    let workers = Arc::new(Workers::open(&workspace, 100).unwrap());
    let mut file = File::open(folder.path().join("a.png")).unwrap();
    let size = file.metadata().unwrap().len();
    let photo = StoredPhoto::bare("a.png", size);
    let fetched = Fetched { photo, body: Body::File(file.try_clone().unwrap()), sums: () };
    let other = workers.memory.acquire().await.unwrap();
    let mut making = tokio::spawn(Arc::clone(&workers).thumbnail(fetched));
    assert!(timeout(Duration::from_millis(100), &mut making).await.is_err(), "it waits");
    assert_eq!(file.stream_position().unwrap(), 0, "and is not read yet");
    drop(other);
    assert!(making.await.unwrap().unwrap().is_ok());
    assert_eq!(file.stream_position().unwrap(), size);
}
