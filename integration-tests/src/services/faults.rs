//! Faults between a client and a server of S3, as a test asks for them.

mod body;
mod pass;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// What goes wrong with a request, or with the answer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: requests are counted alone.
    None,
    /// It does not reach the server. The answer has this status and, as S3 has it, this code: `(503, "SlowDown")`, or
    /// `(403, "ExpiredToken")`.
    Answer(u16, &'static str),
    /// It reaches the server so much later.
    Delay(Duration),
    /// The server gets so many bytes of the request's body, then nobody hears of the other: the client's connection is reset.
    /// A shorter body gets through.
    ResetRequest(u64),
    /// The client gets so many bytes of the answer's body, fewer where it does not read them, then its connection is reset.
    /// A shorter body gets through.
    ResetResponse(u64),
    /// As [`Fault::ResetResponse`], but the connection is closed as if all had been said.
    CutResponse(u64),
    /// The server has done what was asked, and the client is told 404 `NoSuchUpload`: a completion whose answer was lost,
    /// repeated.
    NoSuchUpload,
    /// A listing is without this key, written as in the listing.
    Hide(String),
}

/// Which requests are meant: by default all.
///
/// ```
/// use integration_tests::services::When;
///
/// let completions = When::method("POST").with_query("uploadId=");
/// assert!(completions.is("POST", "/bucket/key", "uploadId=7"));
/// assert!(!completions.is("POST", "/bucket/key", "uploads"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct When {
    method: Option<&'static str>,
    path: String,
    query: String,
}

impl When {
    /// All requests.
    pub fn any() -> Self {
        Self::default()
    }

    /// Those with this method.
    pub fn method(method: &'static str) -> Self {
        When { method: Some(method), ..Self::default() }
    }

    /// Of these, those with this somewhere in the path, as it is on the wire.
    pub fn with_path(self, part: &str) -> Self {
        When { path: part.to_owned(), ..self }
    }

    /// Of these, those with this somewhere in the query, as it is on the wire.
    pub fn with_query(self, part: &str) -> Self {
        When { query: part.to_owned(), ..self }
    }

    /// Whether a request is one of these.
    pub fn is(&self, method: &str, path: &str, query: &str) -> bool {
        self.method.is_none_or(|wanted| wanted == method)
            && path.contains(&self.path)
            && query.contains(&self.query)
    }
}

/// A fault that was asked for, and how often it has struck.
#[derive(Debug, Clone)]
pub struct Injected(Arc<Injection>);

#[derive(Debug)]
struct Injection {
    when: When,
    fault: Fault,
    left: AtomicUsize,
    struck: AtomicUsize,
}

impl Injected {
    /// How often it has struck. One that had nothing to strike, such as a body that was too short, does not count.
    pub fn struck(&self) -> usize {
        self.0.struck.load(Ordering::SeqCst)
    }

    /// No request is struck from now on.
    pub fn stop(&self) {
        self.0.left.store(0, Ordering::SeqCst);
    }

    fn fault(&self) -> &Fault {
        &self.0.fault
    }

    fn strike(&self) {
        self.0.struck.fetch_add(1, Ordering::SeqCst);
    }

    fn take(&self) -> bool {
        let one_less = |left: usize| left.checked_sub(1);
        self.0.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
    }
}

/// Stands between a client and a server of S3. Requests are passed on as they are, the header `Host` too, so that their
/// signatures stay valid.
///
/// ```no_run
/// use integration_tests::services::{Fault, FaultProxy, S3, When};
///
/// let s3 = S3::start();
/// let proxy = FaultProxy::to(&s3.address());
/// let client = s3.client(s3.bucket()).with_endpoint(proxy.endpoint()).build()?;
/// let refused = proxy.inject(When::method("PUT"), Fault::Answer(503, "SlowDown"), 2);
/// // … the client puts an object, at its third try …
/// assert_eq!(refused.struck(), 2);
/// # Ok::<(), object_store::Error>(())
/// ```
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    faults: Arc<Faults>,
    /// The proxy ends when this is dropped.
    _stop: tokio::sync::oneshot::Sender<()>,
}

/// All that has been asked for, in that order.
#[derive(Debug, Default)]
struct Faults(Mutex<Vec<Injected>>);

impl FaultProxy {
    /// A proxy for the server at this address, such as `127.0.0.1:10500`, on a thread of its own.
    pub fn to(server: &str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let faults = Arc::new(Faults::default());
        let (known, server) = (Arc::clone(&faults), server.to_owned());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        thread::spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = pass::serve(listener, server, known) => {}
                    // Its sender says nothing but that it is gone.
                    _ = stopped => {}
                }
            });
        });
        FaultProxy { address, faults, _stop: stop }
    }

    /// Where it listens: the endpoint for clients.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on the fault strikes so many of the requests that are meant: `usize::MAX` for all. A request is struck by one
    /// fault at most, the first that was asked for and has some left.
    pub fn inject(&self, when: When, fault: Fault, times: usize) -> Injected {
        let left = AtomicUsize::new(times);
        let injected = Injected(Arc::new(Injection { when, fault, left, struck: AtomicUsize::new(0) }));
        self.faults.0.lock().unwrap().push(injected.clone());
        injected
    }

    /// No request is struck from now on.
    pub fn clear(&self) {
        self.faults.0.lock().unwrap().clear();
    }
}

impl Faults {
    fn of(&self, method: &str, path: &str, query: &str) -> Option<Injected> {
        let all = self.0.lock().unwrap();
        all.iter().find(|it| it.0.when.is(method, path, query) && it.take()).cloned()
    }
}
