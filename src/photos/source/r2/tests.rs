#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use futures::StreamExt;

use super::*;
use crate::secret::Secret;

const TOKEN: &str = "example-token-value";
const PHOTO: &str = "a photo";
const VERIFIED: &str = r#"{"success":true,"errors":[],"result":{"id":"tokenid","status":"active"}}"#;
const REFUSED: &str =
    r#"{"success":false,"errors":[{"code":1000,"message":"Invalid API Token"}],"result":null}"#;
const REST_PAGE: &str =
    r#"{"success":true,"errors":[],"result":[{"key":"a/b.jpg","size":7}],"result_info":{}}"#;
const S3_PAGE: &str =
    "<ListBucketResult><Contents><Key>a/b.jpg</Key><Size>7</Size></Contents></ListBucketResult>";

/// What is asked for, with the credentials.
type Log = Arc<Mutex<Vec<(String, String)>>>;

/// Cloudflare's API below `/api`, R2's S3 below `/s3`: `answers` are paths and what is answered to them, any other
/// path is refused.
fn cloudflare(answers: &'static [(&str, &str)]) -> (String, Log) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let log = Log::default();
    let told = Arc::clone(&log);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let head: Vec<String> = BufReader::new(&connection)
                .lines()
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            let path = head[0].split(' ').nth(1).unwrap().to_owned();
            let credentials = head.iter().find_map(|line| line.strip_prefix("authorization: ")).unwrap();
            told.lock().unwrap().push((path.clone(), credentials.to_owned()));
            let answer = answers.iter().find(|(begin, _)| path.starts_with(begin));
            let (status, body) = answer.map_or(("403 Forbidden", REFUSED), |(_, body)| ("200 OK", *body));
            let length = body.len();
            write!(
                connection,
                "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    (address, log)
}

fn bucket(address: &str, s3: bool) -> R2 {
    let access = Access {
        api: format!("{address}/api"),
        account_id: "account".into(),
        token: Secret::from(TOKEN.to_owned()),
    };
    R2::new(R2Bucket { access, bucket: "photos".into(), s3_endpoint: s3.then(|| format!("{address}/s3")) })
        .unwrap()
}

async fn read(source: &R2) -> Vec<u8> {
    let listing = source.list(&Job::unattended()).await.unwrap().unwrap();
    assert_eq!(listing.photos.iter().map(|photo| &*photo.key).collect::<Vec<_>>(), ["a/b.jpg"]);
    let Content::Stream(photo, pieces) = source.get("a/b.jpg").await.unwrap() else { panic!("no stream") };
    assert_eq!(photo.size, PHOTO.len() as u64);
    pieces.map(Result::unwrap).collect::<Vec<_>>().await.concat()
}

#[tokio::test]
async fn a_token_that_is_good_for_s3_reads_by_s3() {
    let (address, log) = cloudflare(&[
        ("/api/accounts/account/tokens/verify", VERIFIED),
        ("/s3/photos?", S3_PAGE),
        ("/s3/photos/a/b.jpg", PHOTO),
    ]);
    let source = bucket(&address, true);
    assert_eq!(read(&source).await, PHOTO.as_bytes());
    assert_eq!(source.least_time(1_000_000), None);
    let log = log.lock().unwrap();
    let paths: Vec<_> = log.iter().map(|(path, _)| path.split('?').next().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "/api/user/tokens/verify",
            "/api/accounts/account/tokens/verify",
            "/s3/photos",
            "/s3/photos/a/b.jpg"
        ]
    );
    for (path, credentials) in log.iter() {
        let by_s3 = credentials.starts_with("AWS4-HMAC-SHA256 Credential=tokenid/");
        assert_eq!(by_s3, path.starts_with("/s3"), "{path}");
        assert_eq!(credentials.contains(TOKEN), !by_s3, "the token itself never leaves for S3");
    }
}

#[tokio::test]
async fn a_token_that_is_not_reads_by_the_api() {
    let (address, log) = cloudflare(&[
        ("/api/user/tokens/verify", VERIFIED),
        ("/api/accounts/account/r2/buckets/photos/objects?", REST_PAGE),
        ("/api/accounts/account/r2/buckets/photos/objects/a/b.jpg", PHOTO),
    ]);
    let source = bucket(&address, true);
    assert_eq!(read(&source).await, PHOTO.as_bytes());
    assert_eq!(source.least_time(1_000), None, "they fit into one budget");
    assert_eq!(source.least_time(3_000), Some(Duration::from_secs(600)));
    assert!(log.lock().unwrap().iter().any(|(path, _)| path.starts_with("/s3/")));
}

#[tokio::test]
async fn without_an_endpoint_the_api_alone_is_asked() {
    let (address, log) = cloudflare(&[
        ("/api/accounts/account/r2/buckets/photos/objects?", REST_PAGE),
        ("/api/accounts/account/r2/buckets/photos/objects/a/b.jpg", PHOTO),
    ]);
    assert_eq!(read(&bucket(&address, false)).await, PHOTO.as_bytes());
    assert_eq!(log.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_token_that_may_nothing_is_refused_without_being_shown() {
    let (address, _) = cloudflare(&[]);
    let error = bucket(&address, true).list(&Job::unattended()).await.unwrap_err();
    assert_eq!(error.code(), "SOURCE_REFUSED");
    assert!(error.to_string().contains("Workers R2 Storage: Read"));
    assert!(!format!("{error:?}").contains(TOKEN));
}
