//! The heads of requests and answers: what every request says, and how much an answer may.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HeaderValue, USER_AGENT};
use http::{Method, Request};
use http_body_util::Full;
use hyper::body::Body;

/// Who asks: sites behind Cloudflare turn away whoever does not say (its Browser Integrity Check, on by default).
const OUR_USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("cultural-archiver-backup/", env!("CARGO_PKG_VERSION")));

/// Headers of an answer, at most: R2 keeps 8,192 bytes of metadata with an object, two and more for each.
pub(super) const MAX_HEADERS: usize = 4200;

/// Adds what a request says whatever it asks for. None of it is signed.
pub(super) fn complete(request: &mut Request<Full<Bytes>>) {
    request.headers_mut().insert(USER_AGENT, OUR_USER_AGENT);
    // hyper says nothing of an empty body, and S3 takes none whose length is not told (411 MissingContentLength).
    if request.body().is_end_stream() && matches!(*request.method(), Method::POST | Method::PUT) {
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(0));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use http::Response;
    use hyper::body::Incoming;

    use super::super::{Client, Reach};
    use super::*;

    /// The lines that a server reads before the body, and what comes of its answer.
    async fn exchange(
        method: Method,
        body: &'static [u8],
        answer: String,
    ) -> (Vec<String>, Response<Incoming>) {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let uri = format!("http://{}/", server.local_addr().unwrap());
        let reading = std::thread::spawn(move || {
            let (mut stream, _) = server.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head = lines.map(Result::unwrap).take_while(|line| !line.is_empty()).collect();
            stream.write_all(answer.as_bytes()).unwrap();
            head
        });
        let request = Request::builder().method(method).uri(uri).body(Bytes::from_static(body).into());
        let answer = Client::new(Reach::Anywhere).unwrap().send(request.unwrap()).await.unwrap();
        (reading.join().unwrap(), answer)
    }

    async fn head(method: Method, body: &'static [u8]) -> Vec<String> {
        exchange(method, body, "HTTP/1.1 204 No Content\r\n\r\n".into()).await.0
    }

    #[tokio::test]
    async fn every_request_says_who_asks() {
        let agent = format!("user-agent: cultural-archiver-backup/{}", env!("CARGO_PKG_VERSION"));
        assert!(head(Method::GET, b"").await.contains(&agent));
    }

    #[tokio::test]
    async fn the_length_of_what_is_sent_is_told_also_when_it_is_none() {
        for (method, body, length) in [
            (Method::PUT, b"".as_slice(), Some("0")),
            (Method::POST, b"", Some("0")),
            (Method::PUT, b"photo", Some("5")),
            (Method::GET, b"", None),
        ] {
            let head = head(method.clone(), body).await;
            let told = head.iter().find_map(|line| line.strip_prefix("content-length: "));
            assert_eq!(told, length, "{method} {body:?}");
        }
    }

    #[tokio::test]
    async fn all_the_metadata_that_an_object_may_have_is_read() {
        let metadata: String = (0..1024).map(|nth| format!("x-amz-meta-{nth:03x}: four\r\n")).collect();
        let answer = format!("HTTP/1.1 204 No Content\r\n{metadata}\r\n");
        let (_, answer) = exchange(Method::GET, b"", answer).await;
        assert_eq!(answer.headers().len(), 1024);
    }

    #[tokio::test]
    async fn metadata_that_is_no_header_is_passed_over() {
        for line in ["x-amz-meta-two words: 1", "x-amz-meta-größe: 1", "x-amz-meta-note: a\u{1}b", "none"] {
            let answer = format!("HTTP/1.1 204 No Content\r\n{line}\r\nx-amz-meta-camera: X100\r\n\r\n");
            let (_, answer) = exchange(Method::GET, b"", answer).await;
            assert_eq!(
                answer.headers().iter().map(|(_, value)| value).collect::<Vec<_>>(),
                ["X100"],
                "{line}"
            );
        }
    }
}
