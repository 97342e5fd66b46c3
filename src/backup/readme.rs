//! README.md of a backup: what is in it and how to get it back, with the commands and numbers of this archive.

use crate::formats::backup::BackupMetadata;
use crate::job::counted;

/// Lets the `sqlite3` shell take `"…"` for a text, as SQLite itself does; since 3.41 it does not by default.
const QUOTES: &str = r#"".dbconfig dqs_ddl on" ".dbconfig dqs_dml on""#;

/// The whole text.
pub fn text(metadata: &BackupMetadata, archive: &str) -> String {
    let sections = [
        Some(head(metadata, archive)),
        Some(contents(metadata)),
        Some(check(archive)),
        Some(restore_sqlite(metadata)),
        Some(restore_d1(metadata)),
        restore_photos(metadata, archive),
        Some(missing(metadata)),
        warnings(metadata),
        Some(privacy()),
    ];
    sections.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn head(metadata: &BackupMetadata, archive: &str) -> String {
    let state = match (metadata.complete, &metadata.drill) {
        (false, _) => "**This backup is incomplete**: see *Not in this archive* below.",
        (true, Some(_)) => {
            "Complete. Before it got its name, its SQL was loaded into a new database and every table was compared with the source."
        }
        (true, None) => "Complete. The restore drill was switched off: the SQL was not tried.",
    };
    format!(
        "# {archive}\n\nA backup of a Cultural Archiver, as of {} (UTC), made by {}.\n\n{state}\n",
        metadata.created_at, metadata.generator
    )
}

fn contents(metadata: &BackupMetadata) -> String {
    let (database, photos) = (&metadata.database, &metadata.photos);
    let mut text = format!(
        "## What is here\n\n| file | what it holds |\n|---|---|\n| database.sql | {} tables, {} rows, {} bytes of SQL |\n",
        database.tables.len(),
        database.total_rows,
        database.sql_bytes
    );
    if !database.in_extra.is_empty() {
        text += "| database-extra.sql | what D1 does not take, listed below; run it after database.sql |\n";
    }
    text += &format!(
        "| photos/originals/ | {} |\n| photos/thumbnails/ | {} |\n\
         | photos/index.json | key, name here, size, SHA-256, headers and artworks of each photo |\n\
         | metadata.json | counts, digests, what is missing, the drill's result |\n\
         | SHA256SUMS | a checksum of every file but itself |\n\nThe photos have {} bytes together.\n",
        counted(photos.originals, "photo as it was uploaded", "photos as they were uploaded"),
        counted(photos.thumbnails, "smaller copy of them", "smaller copies of them"),
        photos.bytes
    );
    if !database.in_extra.is_empty() {
        text += "\nIn database-extra.sql:\n\n";
        text += &list(&database.in_extra);
    }
    text
}

fn check(archive: &str) -> String {
    format!(
        "## Check it first\n\nIn or below the folder of @cultural-archiver/backup, or of a project that has it: \
         `npx --no cultural-archiver-backup verify {archive}`. Everywhere else:\n\n```sh\numask 077\nunzip -t {archive}\n\
         unzip -q {archive} -d restored && cd restored\nsha256sum -c SHA256SUMS\n```\n\n\
         `umask` keeps what is unpacked from everybody else on this machine. A Mac without `sha256sum` has \
         `shasum -a 256 -c SHA256SUMS`.\n\n\
         In PowerShell:\n\n```powershell\nExpand-Archive {archive} -DestinationPath restored; Set-Location restored\n\
         Get-Content SHA256SUMS -Encoding UTF8 | Where-Object {{ $_ -notmatch '^\\\\' }} | ForEach-Object {{\n  $sum, $name = $_ -split '  ', 2\n  \
         if ((Get-FileHash -Algorithm SHA256 -LiteralPath $name).Hash -ne $sum) {{ \"DAMAGED: $name\" }}\n}}\n```\n\n\
         There nothing but the prompt means that all is well; `unzip -t` and `sha256sum -c` say OK of each file.\n"
    )
}

fn restore_sqlite(metadata: &BackupMetadata) -> String {
    let mut text = format!(
        "## The database as a SQLite file\n\n```sh\nsqlite3 restored.db {QUOTES} \"BEGIN\" \".read database.sql\" \"COMMIT\"\n"
    );
    if !metadata.database.in_extra.is_empty() {
        text += &format!(
            "sqlite3 restored.db {QUOTES} \".dbconfig defensive off\" \".read database-extra.sql\"\n"
        );
    }
    text += "sqlite3 restored.db \"PRAGMA integrity_check\"\n```\n\nBEGIN and COMMIT only make it fast; the first two \
             settings let a schema have texts in double quotes, which the shell since 3.41 refuses. The file must be new.\n";
    text
}

fn restore_d1(metadata: &BackupMetadata) -> String {
    let mut text = String::from(
        "## The database in Cloudflare D1\n\nInto a database that is empty, never into the live one:\n\n```sh\n\
         npx wrangler d1 create restored\nnpx wrangler d1 execute restored --remote --file database.sql\n\
         npx wrangler d1 execute restored --remote --command \"SELECT count(*) FROM sqlite_schema\"\n```\n\n\
         Then put the new `database_id` into the Worker's wrangler configuration and deploy. With `--local` instead of \
         `--remote` the same file loads into the database of `wrangler dev`. D1 takes the file whole or not at all.\n",
    );
    if !metadata.database.in_extra.is_empty() {
        text += "\nD1 refuses what stands in database-extra.sql. Keep it: it comes back in a SQLite file.\n";
    }
    text
}

fn restore_photos(metadata: &BackupMetadata, archive: &str) -> Option<String> {
    let photos = &metadata.photos;
    if photos.originals + photos.thumbnails == 0 {
        return None;
    }
    Some(format!(
        "## The photos\n\nThe key of a photo is its path below photos/originals/ or photos/thumbnails/. A name that starts \
         with `_/` stands for a key that not every system can use as a file name; photos/index.json has the key itself.\n\n\
         Each under its exact key, with its type and all that the store knew of it (`R2_ACCESS_KEY_ID` and \
         `R2_SECRET_ACCESS_KEY` in the environment), from such a folder:\n\n```sh\n\
         npx --no cultural-archiver-backup restore ../{archive} --account-id ACCOUNT --s3-bucket BUCKET\n```\n\n\
         Or by hand, where `r2` is a remote that `rclone config` has made (of the type s3, for the provider Cloudflare):\n\n\
         ```sh\nrclone copy photos/originals r2:BUCKET --exclude \"/_/**\" --metadata\n\
         rclone copy photos/thumbnails r2:BUCKET --exclude \"/_/**\" --metadata\n```\n\n\
         One by one, as those below `_/` have to be, with its type:\n\n```sh\n\
         npx wrangler r2 object put \"BUCKET/KEY\" --remote --file photos/originals/KEY --content-type image/jpeg\n```\n",
    ))
}

fn missing(metadata: &BackupMetadata) -> String {
    let mut text = String::from("## Not in this archive\n\n");
    text += &list(&metadata.not_included);
    let photos = &metadata.photos;
    if photos.foreign > 0 {
        let foreign = counted(photos.foreign, "photo", "photos");
        text += &format!("- {foreign} that rows show from other hosts\n");
    }
    if photos.dangling > 0 {
        let dangling = counted(photos.dangling, "photo", "photos");
        text += &format!("- {dangling} that rows name and the store does not have\n");
    }
    for photo in &photos.missing {
        text += &format!("- the photo `{}`, which could not be copied: {}\n", code(&photo.key), photo.reason);
    }
    if let Some(unlisted) = photos.missing_unlisted {
        text += &format!("- {} that could not be copied\n", counted(unlisted, "more photo", "more photos"));
    }
    if !metadata.database.left_out.is_empty() {
        text += &format!(
            "- what belongs to D1 or the query planner: {}\n",
            metadata.database.left_out.join(", ")
        );
    }
    text
}

fn warnings(metadata: &BackupMetadata) -> Option<String> {
    if metadata.warnings.is_empty() {
        return None;
    }
    let lines = metadata.warnings.iter().map(|warning| match &warning.subject {
        Some(subject) => format!("{} (`{}`): {}", warning.code, code(subject), warning.message),
        None => format!("{}: {}", warning.code, warning.message),
    });
    Some(format!("## Warnings\n\n{}", list(&lines.collect::<Vec<_>>())))
}

fn privacy() -> String {
    String::from(
        "## Keep it private\n\nThis archive holds everything the platform knows about its users. On this platform a user's \
         id is the secret that logs the user in: whoever reads database.sql can act as anybody. Do not publish it, and \
         encrypt it where others can reach it.\n",
    )
}

fn list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("- {line}\n")).collect()
}

/// A key within backticks, on one line.
fn code(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || c == '`' { '?' } else { c }).collect()
}
