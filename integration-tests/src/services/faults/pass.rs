//! Passes requests on, and does to them what was asked for.

use super::{
    Fault, Faults,
    body::{AnyBody, AnyError, Cut},
};
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, TRANSFER_ENCODING},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::net::{TcpListener, TcpStream};

/// Serves clients for ever.
pub(super) async fn serve(listener: std::net::TcpListener, server: String, faults: Arc<Faults>) {
    let listener = TcpListener::from_std(listener).unwrap();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        let reset = Arc::new(AtomicBool::new(false));
        let passage = Passage { server: server.clone(), faults: Arc::clone(&faults), reset };
        tokio::spawn(passage.serve(client));
    }
}

/// One connection of a client.
#[derive(Clone)]
struct Passage {
    server: String,
    faults: Arc<Faults>,
    /// Whether the client's connection ends with a reset.
    reset: Arc<AtomicBool>,
}

impl Passage {
    async fn serve(self, client: TcpStream) {
        let service = service_fn(|request| Box::pin(self.clone().pass(request)));
        let mut connection =
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(client), service);
        // What goes wrong is what was asked for, or it is the client's to see.
        drop(poll_fn(|context| connection.poll_without_shutdown(context)).await);
        let client = connection.into_parts().io.into_inner();
        if self.reset.load(Ordering::SeqCst) {
            client.set_zero_linger().unwrap();
        }
    }

    async fn pass(self, request: Request<Incoming>) -> Result<Response<AnyBody>, AnyError> {
        let request = request.map(|body| body.map_err(Into::into).boxed_unsync());
        let uri = request.uri();
        let known = self.faults.of(request.method().as_str(), uri.path(), uri.query().unwrap_or_default());
        let Some(injected) = known else { return self.send(request).await };
        let reset = Arc::clone(&self.reset);
        let then = move || reset.store(true, Ordering::SeqCst);
        match injected.fault().clone() {
            Fault::None => {
                injected.strike();
                self.send(request).await
            }
            Fault::Answer(status, code) => {
                // A client that still sends does not listen.
                request.into_body().collect().await?;
                injected.strike();
                Ok(refusal(StatusCode::from_u16(status)?, code))
            }
            Fault::Delay(time) => {
                injected.strike();
                tokio::time::sleep(time).await;
                self.send(request).await
            }
            Fault::ResetRequest(after) => {
                let cut = |body| Cut::after(after, body, injected, then).boxed_unsync();
                self.send(request.map(cut)).await
            }
            Fault::ResetResponse(after) => {
                let cut = |body| Cut::after(after, body, injected, then).boxed_unsync();
                Ok(self.send(request).await?.map(cut))
            }
            Fault::CutResponse(after) => {
                let cut = |body| Cut::after(after, body, injected, || {}).boxed_unsync();
                Ok(self.send(request).await?.map(cut))
            }
            Fault::NoSuchUpload => {
                let answer = whole(self.send(request).await?).await?;
                if !answer.status().is_success() {
                    return Ok(answer.map(full));
                }
                injected.strike();
                Ok(refusal(StatusCode::NOT_FOUND, "NoSuchUpload"))
            }
            Fault::Hide(key) => {
                let answer = whole(self.send(request).await?).await?;
                let Some(listing) = without(&String::from_utf8_lossy(answer.body()), &key) else {
                    return Ok(answer.map(full));
                };
                injected.strike();
                Ok(answer.map(|_| full(listing.into())))
            }
        }
    }

    async fn send(&self, request: Request<AnyBody>) -> Result<Response<AnyBody>, AnyError> {
        let server = TcpStream::connect(&self.server).await?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(server)).await?;
        tokio::spawn(connection);
        let answer = sender.send_request(request).await?;
        Ok(answer.map(|body| body.map_err(Into::into).boxed_unsync()))
    }
}

fn full(bytes: Bytes) -> AnyBody {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// An answer whose body is here, to be sent with its own length.
async fn whole(answer: Response<AnyBody>) -> Result<Response<Bytes>, AnyError> {
    let (mut head, body) = answer.into_parts();
    head.headers.remove(CONTENT_LENGTH);
    head.headers.remove(TRANSFER_ENCODING);
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}

fn refusal(status: StatusCode, code: &str) -> Response<AnyBody> {
    let said = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>as the test wants it</Message></Error>"
    );
    let mut answer = Response::new(full(said.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    answer
}

/// A listing without a key, if it has it.
fn without(listing: &str, key: &str) -> Option<String> {
    let at = listing.find(&format!("<Key>{key}</Key>"))?;
    let end = at + listing[at..].find("</Contents>")? + "</Contents>".len();
    let begin = listing[..at].rfind("<Contents>")?;
    let left = format!("{}{}", &listing[..begin], &listing[end..]);
    let (before, counted) = left.split_once("<KeyCount>")?;
    let (count, after) = counted.split_once("</KeyCount>")?;
    let count = count.parse::<usize>().ok()?.checked_sub(1)?;
    Some(format!("{before}<KeyCount>{count}</KeyCount>{after}"))
}
