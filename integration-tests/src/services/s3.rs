//! S3: a server that checks signatures, on the disk of this machine.

use super::{answer::ask, daemon::Daemon, folder, installed, port, start};
use object_store::{
    aws::{AmazonS3Builder, AwsAuthorizer, AwsCredential},
    client::{HttpRequest, HttpRequestBody},
};
use std::{cell::RefCell, fs, io, path::Path};

const KEY: &str = "rsk-key";
const SECRET: &str = "rsk-secret";
const REGION: &str = "us-east-1";
/// In MiB: buckets get several volumes each, which grow to this size.
const VOLUME_SIZE: &str = "1024";
const VOLUMES_MAX: &str = "1000";

/// A server of S3. Its process is killed, and all of its files are removed, when it is dropped; if the test is killed, the
/// process is, too. Other keys than [`S3::key`] and [`S3::secret`] are refused.
///
/// It is up after some three seconds, and holds 120 MB of memory and more.
///
/// ```no_run
/// use integration_tests::services::S3;
///
/// let s3 = S3::start();
/// let client = s3.client(s3.bucket()).build()?;
/// # Ok::<(), object_store::Error>(())
/// ```
#[derive(Debug)]
pub struct S3 {
    folder: tempfile::TempDir,
    ports: [u16; 4],
    daemon: RefCell<Option<Daemon>>,
}

impl S3 {
    /// One with the bucket [`S3::bucket`]. It can be written to when this returns.
    pub fn start() -> Self {
        start(Self::attempt)
    }

    fn attempt() -> Result<Self, String> {
        let s3 = S3 {
            folder: folder("s3"),
            ports: [port::free(), port::free(), port::free(), port::free()],
            daemon: None.into(),
        };
        s3.launch()?;
        Ok(s3)
    }

    fn launch(&self) -> Result<(), String> {
        let own = self.folder.path();
        let rights = serde_json::json!({"identities": [{
            "name": "rsk",
            "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }]});
        fs::write(own.join("identities.json"), rights.to_string()).unwrap();
        fs::create_dir_all(own.join("data")).unwrap();
        let [master, volume, filer, s3] = self.ports;
        let args = [
            "server".to_owned(),
            format!("-dir={}", own.join("data").display()),
            "-ip=127.0.0.1".to_owned(),
            "-ip.bind=127.0.0.1".to_owned(),
            // It would tell its makers of itself.
            "-master.telemetry=false".to_owned(),
            format!("-master.port={master}"),
            format!("-volume.port={volume}"),
            format!("-filer.port={filer}"),
            format!("-filer.localSocket={}", own.join("filer.sock").display()),
            "-s3".to_owned(),
            format!("-s3.port={s3}"),
            format!("-s3.localSocket={}", own.join("s3.sock").display()),
            format!("-s3.config={}", own.join("identities.json").display()),
            // They would be on ports that are the same for everybody.
            "-s3.port.iceberg=0".to_owned(),
            "-s3.port.lance=0".to_owned(),
            // It is alone: started again, it would wait for others for ten seconds.
            "-master.electionTimeout=1s".to_owned(),
            "-master.resumeState=false".to_owned(),
            format!("-master.volumeSizeLimitMB={VOLUME_SIZE}"),
            format!("-volume.max={VOLUMES_MAX}"),
        ];
        let mut daemon = Daemon::start("weed", own, &installed("s3-4.48").join("weed"), &args);
        // It answers some time before it can keep an object.
        let probe = format!("/{}/.probe", self.bucket());
        let is_ok = |method: &str, target: &str, body: &[u8]| {
            self.request(method, target, body).is_ok_and(|(status, _)| status < 300)
        };
        daemon.wait("S3 keeps an object", || {
            (is_ok("HEAD", &format!("/{}", self.bucket()), b"") || self.try_make(self.bucket()))
                && is_ok("PUT", &probe, b"?")
                && is_ok("DELETE", &probe, b"")
        })?;
        *self.daemon.borrow_mut() = Some(daemon);
        Ok(())
    }

    /// Kills the server: `kill -9`.
    pub fn kill(&self) {
        drop(self.daemon.borrow_mut().take().unwrap());
    }

    /// Starts the server that was killed, with what it keeps, where it was. It can be written to when this returns.
    pub fn restart(&self) {
        assert!(self.daemon.borrow().is_none(), "the server runs");
        self.launch().unwrap();
    }

    /// Where it listens, such as `http://127.0.0.1:10500`, with no slash at its end.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Where it listens, such as `127.0.0.1:10500`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports[3])
    }

    /// Where the bucket [`S3::bucket`] is a folder of a web server, which asks for no keys.
    pub fn web(&self) -> String {
        let [_, _, filer, _] = self.ports;
        format!("http://127.0.0.1:{filer}/buckets/{}", self.bucket())
    }

    /// The id of the key that may do all.
    pub fn key(&self) -> &'static str {
        KEY
    }

    /// The secret of that key.
    pub fn secret(&self) -> &'static str {
        SECRET
    }

    /// Its region.
    pub fn region(&self) -> &'static str {
        REGION
    }

    /// The bucket that is there from the start.
    pub fn bucket(&self) -> &'static str {
        "rsk-test"
    }

    /// Makes another bucket. A name has three letters at least.
    pub fn make_bucket(&self, name: &str) {
        let (status, said) = self.request("PUT", &format!("/{name}"), b"").unwrap();
        assert!(status < 300, "bucket {name} cannot be made: {status} {said}");
    }

    fn try_make(&self, bucket: &str) -> bool {
        self.request("PUT", &format!("/{bucket}"), b"").is_ok_and(|(status, _)| status < 300)
    }

    /// A client of a bucket, not built yet: with [`S3::endpoint`], the key and its secret.
    pub fn client(&self, bucket: &str) -> AmazonS3Builder {
        AmazonS3Builder::new()
            .with_endpoint(self.endpoint())
            .with_allow_http(true)
            .with_region(REGION)
            .with_bucket_name(bucket)
            .with_access_key_id(KEY)
            .with_secret_access_key(SECRET)
    }

    /// The status and the body of the answer to a signed request: what no client offers, such as `GET` of
    /// `/bucket?uploads`.
    pub fn request(&self, method: &str, target: &str, body: &[u8]) -> io::Result<(u16, String)> {
        let mut request = HttpRequest::new(HttpRequestBody::from(body.to_vec()));
        *request.method_mut() = method.parse().map_err(io::Error::other)?;
        *request.uri_mut() = format!("{}{target}", self.endpoint()).parse().map_err(io::Error::other)?;
        let credential = AwsCredential { key_id: KEY.to_owned(), secret_key: SECRET.to_owned(), token: None };
        AwsAuthorizer::new(&credential, "s3", REGION).authorize(&mut request, None);
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers: Vec<_> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())))
            .collect();
        ask(&self.address(), method, target, &headers, body)
    }

    /// The last of what the server said: for the message of a test that fails.
    pub fn tail(&self) -> String {
        self.daemon.borrow().as_ref().map(Daemon::tail).unwrap_or_default()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        *self.daemon.get_mut() = None;
        // It leaves some where all can see them.
        for (part, port) in ["master", "volume", "filer", "s3"].iter().zip(self.ports) {
            let socket = format!("/tmp/seaweedfs-{part}-grpc-{}.sock", port + 10_000);
            // One that is not there need not be removed.
            drop(fs::remove_file(Path::new(&socket)));
        }
    }
}
