#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn an_answer_may_ask_for_seconds_or_name_the_time() {
    let asked = |headers: &[(http::HeaderName, &str)]| {
        retry_after(&headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect())
    };
    let date = (DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
    let at = |time| [date.clone(), (RETRY_AFTER, time)];
    assert_eq!(asked(&[(RETRY_AFTER, "25")]), Some(Duration::from_secs(25)));
    assert_eq!(asked(&at("Sun, 06 Nov 1994 08:50:02 GMT")), Some(Duration::from_secs(25)));
    assert_eq!(asked(&at("Sun, 06 Nov 1994 08:49:00 GMT")), Some(Duration::ZERO), "it is over");
    assert_eq!(asked(&at("Mon, 07 Nov 1994 08:49:37 GMT")), Some(Duration::from_secs(3600)));
    assert_eq!(asked(&at("soon")), None);
    let later = Utc::now() + Duration::from_secs(90);
    let wait = asked(&[(RETRY_AFTER, later.to_rfc2822().as_str())]).unwrap();
    assert!((80..=90).contains(&wait.as_secs()), "by the clock of this machine: {wait:?}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_drips_is_given_up() {
    let begun = tokio::time::Instant::now();
    let drops = futures::stream::repeat_with(|| Ok(Bytes::from_static(b" "))).then(|drop| async {
        tokio::time::sleep(STALL_TIMEOUT - Duration::from_secs(1)).await;
        drop
    });
    assert!(matches!(gather(drops.boxed(), 1000).await, Err(Failure::Timeout)));
    assert_eq!(begun.elapsed(), BODY_TIMEOUT);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_not_connected_to() {
    let client = Client::new(Reach::Public).unwrap();
    let request = Request::get("http://localhost:9/").body(Full::default()).unwrap();
    assert!(matches!(client.send(request).await, Err(Failure::Forbidden)));
}
