//! Answering those who dial.

use super::{Receiver, RpcError, Sender};
use crate::{
    AgentToMaster, BlobChunk, BlobRequest, BlobStatus, CONTROL_BYTES_MAX, FrameworkToMaster, Hello,
    MasterToAgent, MasterToFramework, OperatorReply, OperatorRequest, Refusal,
    convert::{
        Wire,
        pb::{self, master_server},
    },
};
use prost::Message;
use std::{future::Future, sync::Arc};
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use tonic::{Code, Request, Response, Status, Streaming, codegen::BoxStream};

/// What a master answers. Each call has a task of its own, which ends when the future does.
pub trait Service: Send + Sync + 'static {
    /// The life of an agent.
    fn agent(
        &self,
        from: Receiver<AgentToMaster>,
        to: Sender<MasterToAgent>,
    ) -> impl Future<Output = ()> + Send;

    /// The life of a driver.
    fn framework(
        &self,
        from: Receiver<FrameworkToMaster>,
        to: Sender<MasterToFramework>,
    ) -> impl Future<Output = ()> + Send;

    /// Takes a blob, or the rest of one.
    fn put_blob(&self, from: Receiver<BlobChunk>)
    -> impl Future<Output = Result<BlobStatus, Refusal>> + Send;

    /// Begins to send a blob: what it returns is sent chunk after chunk.
    fn get_blob(
        &self,
        request: BlobRequest,
    ) -> impl Future<Output = Result<impl Stream<Item = Result<BlobChunk, Refusal>> + Send + 'static, Refusal>>
    + Send;

    /// Does what people ask for.
    fn operate(&self, request: OperatorRequest) -> impl Future<Output = OperatorReply> + Send;
}

/// The routes of a master, to be served over HTTP/2 beside whatever else is on the same port.
pub fn routes<S: Service>(service: Arc<S>) -> axum::Router {
    let server =
        master_server::MasterServer::new(Served(service)).max_decoding_message_size(CONTROL_BYTES_MAX);
    tonic::service::Routes::new(server).into_axum_router()
}

struct Served<S>(Arc<S>);

fn peer<T>(request: &Request<T>) -> String {
    let address = request.extensions().get::<axum::extract::ConnectInfo<std::net::SocketAddr>>();
    address.map_or_else(|| "a peer".to_owned(), |address| address.0.to_string())
}

/// A refusal as the answer to a call that has no room for one.
fn refused(refusal: Refusal) -> Status {
    let message = refusal.to_string();
    Status::with_details(Code::FailedPrecondition, message, refusal.into_pb().encode_to_vec().into())
}

fn wrong(error: &crate::WireError) -> Status {
    Status::invalid_argument(error.to_string())
}

/// What a sender sends, as a stream of answers.
fn answers<M: Wire>(peer: &str) -> (Sender<M>, BoxStream<M::Pb>) {
    let (to, messages) = Sender::new(peer);
    (to, Box::pin(ReceiverStream::new(messages).map(Ok)))
}

#[tonic::async_trait]
impl<S: Service> master_server::Master for Served<S> {
    type AgentStream = BoxStream<pb::MasterToAgent>;
    type FrameworkStream = BoxStream<pb::MasterToFramework>;
    type GetBlobStream = BoxStream<pb::BlobChunk>;

    async fn agent(
        &self,
        request: Request<Streaming<pb::AgentToMaster>>,
    ) -> Result<Response<Self::AgentStream>, Status> {
        let peer = peer(&request);
        let (to, messages) = answers(&peer);
        let (service, from) = (self.0.clone(), Receiver::new(request.into_inner(), &peer));
        tokio::spawn(async move { service.agent(from, to).await });
        Ok(Response::new(messages))
    }

    async fn framework(
        &self,
        request: Request<Streaming<pb::FrameworkToMaster>>,
    ) -> Result<Response<Self::FrameworkStream>, Status> {
        let peer = peer(&request);
        let (to, messages) = answers(&peer);
        let (service, from) = (self.0.clone(), Receiver::new(request.into_inner(), &peer));
        tokio::spawn(async move { service.framework(from, to).await });
        Ok(Response::new(messages))
    }

    async fn put_blob(
        &self,
        request: Request<Streaming<pb::BlobChunk>>,
    ) -> Result<Response<pb::BlobStatus>, Status> {
        let peer = peer(&request);
        let status = self.0.put_blob(Receiver::new(request.into_inner(), &peer)).await.map_err(refused)?;
        Ok(Response::new(status.into_pb()))
    }

    async fn get_blob(
        &self,
        request: Request<pb::BlobRequest>,
    ) -> Result<Response<Self::GetBlobStream>, Status> {
        let request = BlobRequest::from_pb(request.into_inner()).map_err(|error| wrong(&error))?;
        let chunks = self.0.get_blob(request).await.map_err(refused)?;
        Ok(Response::new(Box::pin(chunks.map(|chunk| chunk.map(Wire::into_pb).map_err(refused)))))
    }

    async fn operate(
        &self,
        request: Request<pb::OperatorRequest>,
    ) -> Result<Response<pb::OperatorReply>, Status> {
        // The version first: another version's request may not be readable.
        let mut request = request.into_inner();
        if let Some(hello) = request.hello.take() {
            let hello = Hello::from_pb(hello).map_err(|error| wrong(&error))?;
            if let Err(refusal) = hello.check() {
                return Ok(Response::new(OperatorReply::Refused(refusal).into_pb()));
            }
            request.hello = Some(hello.into_pb());
        }
        let (_, request) = <(Hello, OperatorRequest)>::from_pb(request).map_err(|error| wrong(&error))?;
        Ok(Response::new(self.0.operate(request).await.into_pb()))
    }
}

impl From<RpcError> for Refusal {
    /// What a peer hears of it that sent what it should not.
    fn from(error: RpcError) -> Self {
        Refusal::Invalid(error.to_string())
    }
}
