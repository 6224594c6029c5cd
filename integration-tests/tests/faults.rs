//! Each fault that the proxy puts between a client and S3 strikes, and the client sees what it should.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use integration_tests::services::{Fault, FaultProxy, Injected, S3, When};
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3, multipart::MultipartStore,
    path::Path,
};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

const LENGTH: usize = 1 << 20;

/// What a test has to itself: its own proxy, and its own bucket.
struct Place {
    proxy: FaultProxy,
    client: AmazonS3,
    runtime: Runtime,
}

impl Place {
    fn new(s3: &S3, bucket: &str) -> Self {
        s3.make_bucket(bucket);
        let proxy = FaultProxy::to(&s3.address());
        let mut retries = RetryConfig::default();
        retries.backoff.init_backoff = Duration::from_millis(1);
        retries.max_retries = 5;
        let client = s3.client(bucket).with_endpoint(proxy.endpoint()).with_retry(retries).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Place { proxy, client, runtime }
    }

    fn put(&self, key: &str) -> Result<(), Error> {
        let bytes = vec![b'x'; LENGTH];
        self.runtime.block_on(self.client.put(&Path::from(key), bytes.into())).map(|_| ())
    }

    fn get(&self, key: &str) -> Result<usize, Error> {
        self.runtime.block_on(async {
            let got = self.client.get(&Path::from(key)).await?;
            Ok(got.bytes().await?.len())
        })
    }

    fn keys(&self) -> Vec<String> {
        let listed = self.runtime.block_on(self.client.list_with_delimiter(None)).unwrap();
        listed.objects.into_iter().map(|object| object.location.to_string()).collect()
    }

    fn inject(&self, method: &'static str, fault: Fault, times: usize) -> Injected {
        self.proxy.inject(When::method(method), fault, times)
    }
}

fn a_burst_of_503_is_retried(at: &Place) {
    let burst = at.inject("PUT", Fault::Answer(503, "SlowDown"), 3);
    let passed = at.inject("PUT", Fault::None, usize::MAX);
    at.put("a").unwrap();
    assert_eq!((burst.struck(), passed.struck()), (3, 1));
    assert_eq!(at.get("a").unwrap(), LENGTH);
}

fn a_500_without_end_is_an_error(at: &Place) {
    let always =
        at.proxy.inject(When::any().with_path("/always/a"), Fault::Answer(500, "InternalError"), usize::MAX);
    let error = at.put("a").unwrap_err().to_string();
    assert_eq!(always.struck(), 6, "{error}");
    assert!(error.contains("500"), "{error}");
    at.put("b").unwrap();
    always.stop();
    at.put("a").unwrap();
    assert_eq!(always.struck(), 6);
}

fn a_delay_delays(at: &Place) {
    at.put("a").unwrap();
    let delay = Duration::from_millis(300);
    let delayed = at.inject("GET", Fault::Delay(delay), 1);
    let begun = Instant::now();
    assert_eq!(at.get("a").unwrap(), LENGTH);
    assert!(begun.elapsed() >= delay);
    assert_eq!(delayed.struck(), 1);
}

fn what_a_client_does_not_wait_for_is_an_error(at: &Place, s3: &S3, bucket: &str) {
    at.put("a").unwrap();
    let delayed = at.inject("GET", Fault::Delay(Duration::from_mins(1)), usize::MAX);
    let options = ClientOptions::new().with_allow_http(true).with_timeout(Duration::from_millis(200));
    let retries = RetryConfig { max_retries: 0, ..RetryConfig::default() };
    let client = s3.client(bucket).with_endpoint(at.proxy.endpoint()).with_client_options(options);
    let client = client.with_retry(retries).build().unwrap();
    let got = at.runtime.block_on(client.get(&Path::from("a")));
    assert!(got.is_err(), "{got:?}");
    assert_eq!(delayed.struck(), 1);
}

/// A response that breaks off is read on from where it broke, as often as it takes.
fn a_response_is_reset(at: &Place) {
    at.put("a").unwrap();
    let reset = at.inject("GET", Fault::ResetResponse(1000), 2);
    let ranges = at.proxy.inject(When::method("GET"), Fault::None, usize::MAX);
    assert_eq!(at.get("a").unwrap(), LENGTH);
    assert_eq!((reset.struck(), ranges.struck()), (2, 1));
    // One that never gets through is seen.
    let reset = at.inject("GET", Fault::ResetResponse(0), usize::MAX);
    ranges.stop();
    let error = at.get("a").unwrap_err();
    assert!(reset.struck() > 1, "{error}");
}

/// What is on the wire: so many bytes, then a reset or a close.
fn bytes_before_the_end(at: &Place, s3: &S3, bucket: &str) {
    use std::io::{ErrorKind, Read, Write};
    at.put("a").unwrap();
    let url = at.runtime.block_on(object_store::signer::Signer::signed_url(
        &s3.client(bucket).with_endpoint(at.proxy.endpoint()).build().unwrap(),
        "GET".parse().unwrap(),
        &Path::from("a"),
        Duration::from_mins(1),
    ));
    let url = url.unwrap().to_string();
    let (host, target) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let read = || {
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        write!(stream, "GET /{target} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        let mut all = Vec::new();
        let ended = stream.read_to_end(&mut all).map(|_| ()).map_err(|error| error.kind());
        let text = String::from_utf8_lossy(&all).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.to_lowercase().contains(&format!("content-length: {LENGTH}")), "{head}");
        (body.len(), ended)
    };
    let cut = at.inject("GET", Fault::CutResponse(12_345), 1);
    assert_eq!(read(), (12_345, Ok(())));
    let reset = at.inject("GET", Fault::ResetResponse(12_345), 1);
    assert_eq!(read(), (12_345, Err(ErrorKind::ConnectionReset)));
    assert_eq!((cut.struck(), reset.struck()), (1, 1));
}

fn a_response_is_cut_short(at: &Place) {
    at.put("a").unwrap();
    let cut = at.inject("GET", Fault::CutResponse(1000), 2);
    assert_eq!(at.get("a").unwrap(), LENGTH);
    assert_eq!(cut.struck(), 2);
}

fn a_request_is_reset(at: &Place) {
    let reset = at.inject("PUT", Fault::ResetRequest(1000), usize::MAX);
    assert!(at.put("a").is_err());
    assert!(reset.struck() >= 1);
    reset.stop();
    // Nothing was kept of what did not arrive whole.
    assert!(matches!(at.get("a"), Err(Error::NotFound { .. })));
    let once = at.inject("PUT", Fault::ResetRequest(1000), 1);
    at.put("a").unwrap();
    assert_eq!(once.struck(), 1);
    assert_eq!(at.get("a").unwrap(), LENGTH);
}

/// The upload is complete, and the client is told that there is none.
fn a_completion_is_not_heard_of(at: &Place) {
    let completions = When::method("POST").with_query("uploadId=");
    let lost = at.proxy.inject(completions, Fault::NoSuchUpload, 1);
    let path = Path::from("a");
    let completed = at.runtime.block_on(async {
        let id = at.client.create_multipart(&path).await?;
        let part = at.client.put_part(&path, &id, 0, vec![b'x'; LENGTH].into()).await?;
        at.client.complete_multipart(&path, &id, vec![part]).await
    });
    assert!(matches!(completed, Err(Error::NotFound { .. })), "{completed:?}");
    assert_eq!(lost.struck(), 1);
    assert_eq!(at.get("a").unwrap(), LENGTH);
}

fn a_listing_is_late(at: &Place) {
    for key in ["a", "b", "c"] {
        at.put(key).unwrap();
    }
    let hidden = at.proxy.inject(When::any().with_query("list-type"), Fault::Hide("b".into()), 1);
    assert_eq!(at.keys(), ["a", "c"]);
    assert_eq!(at.keys(), ["a", "b", "c"]);
    assert_eq!(hidden.struck(), 1);
    let other = at.proxy.inject(When::any(), Fault::Hide("missing".into()), usize::MAX);
    assert_eq!(at.keys(), ["a", "b", "c"]);
    assert_eq!(other.struck(), 0);
}

#[test]
fn requests_do_not_arrive_or_late() {
    let s3 = S3::start();
    a_burst_of_503_is_retried(&Place::new(&s3, "burst"));
    a_500_without_end_is_an_error(&Place::new(&s3, "always"));
    a_delay_delays(&Place::new(&s3, "delay"));
    what_a_client_does_not_wait_for_is_an_error(&Place::new(&s3, "silence"), &s3, "silence");
    a_request_is_reset(&Place::new(&s3, "request"));
}

#[test]
fn answers_break_off() {
    let s3 = S3::start();
    bytes_before_the_end(&Place::new(&s3, "wire"), &s3, "wire");
    a_response_is_reset(&Place::new(&s3, "reset"));
    a_response_is_cut_short(&Place::new(&s3, "cut"));
}

#[test]
fn answers_are_not_what_happened() {
    let s3 = S3::start();
    a_completion_is_not_heard_of(&Place::new(&s3, "completion"));
    a_listing_is_late(&Place::new(&s3, "listing"));
}
