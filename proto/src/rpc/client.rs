//! Dialling a master.

use super::{Receiver, RpcError, Sender, link::cause_of};
use crate::{
    AgentToMaster, BlobChunk, BlobRequest, BlobStatus, CONTROL_BYTES_MAX, Cause, FrameworkToMaster, Hello,
    MasterToAgent, MasterToFramework, OperatorReply, OperatorRequest, Refusal,
    convert::{
        Wire,
        pb::{self, master_client},
    },
};
use prost::Message;
use std::time::Duration;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const OPERATE_WITHIN: Duration = Duration::from_secs(30);

/// A connection to a master. Clones share it; it ends with the last of them and of its streams.
///
/// ```no_run
/// # use rsk_proto::{OperatorRequest, rpc::MasterClient};
/// # async fn kill(app: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let master = MasterClient::connect("host:5050").await?;
/// master.operate(OperatorRequest::Kill(app.parse()?)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct MasterClient {
    master: master_client::MasterClient<Channel>,
    address: String,
}

impl MasterClient {
    /// Dials a master.
    ///
    /// Errors: `host:port` is no address; nobody answers within five seconds.
    pub async fn connect(address: &str) -> Result<Self, RpcError> {
        let no_address = || RpcError::Address(address.to_owned());
        let (host, port) = address.rsplit_once(':').ok_or_else(no_address)?;
        if host.is_empty() || !port.parse::<u16>().is_ok_and(|port| port > 0) || host.contains('/') {
            return Err(no_address());
        }
        let endpoint = Endpoint::from_shared(format!("http://{address}")).map_err(|_| no_address())?;
        let endpoint = endpoint
            .connect_timeout(CONNECT_WITHIN)
            .tcp_nodelay(true)
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20);
        let unreachable = |cause| RpcError::Unreachable { address: address.to_owned(), cause };
        let channel = match tokio::time::timeout(CONNECT_WITHIN, endpoint.connect()).await {
            Err(_) => return Err(unreachable(Cause::new("no answer within 5 seconds"))),
            Ok(Err(error)) => return Err(unreachable(Cause::of(&error))),
            Ok(Ok(channel)) => channel,
        };
        let master = master_client::MasterClient::new(channel).max_decoding_message_size(CONTROL_BYTES_MAX);
        Ok(MasterClient { master, address: address.to_owned() })
    }

    /// Who was dialled.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Begins the life of an agent, whose first message should be [`AgentToMaster::Register`].
    pub async fn agent(&self) -> Result<(Sender<AgentToMaster>, Receiver<MasterToAgent>), RpcError> {
        let (to, messages) = Sender::new(&self.address);
        let answer = self.master.clone().agent(ReceiverStream::new(messages)).await;
        let from = answer.map_err(|status| self.error(&status))?.into_inner();
        Ok((to, Receiver::new(from, &self.address)))
    }

    /// Begins the life of a driver, whose first message should be [`FrameworkToMaster::Subscribe`].
    pub async fn framework(
        &self,
    ) -> Result<(Sender<FrameworkToMaster>, Receiver<MasterToFramework>), RpcError> {
        let (to, messages) = Sender::new(&self.address);
        let answer = self.master.clone().framework(ReceiverStream::new(messages)).await;
        let from = answer.map_err(|status| self.error(&status))?.into_inner();
        Ok((to, Receiver::new(from, &self.address)))
    }

    /// Brings a blob. `chunk` is asked for one chunk after the other, and says `None` when all are sent; a single
    /// chunk without bytes asks how much the master has.
    ///
    /// Errors: those of `chunk`, as they are; a refusal, if chunks do not follow each other or the hash is wrong.
    pub async fn put_blob<E: From<RpcError>>(
        &self,
        mut chunk: impl FnMut() -> Result<Option<BlobChunk>, E> + Send,
    ) -> Result<BlobStatus, E> {
        let (to, messages) = Sender::<BlobChunk>::new(&self.address);
        let mut master = self.master.clone();
        let answer = master.put_blob(ReceiverStream::new(messages));
        let mut answer = std::pin::pin!(answer);
        let send = async {
            while let Some(chunk) = chunk()? {
                // A master that has refused does not read on: its answer says why.
                if to.send(chunk).await.is_err() {
                    break;
                }
            }
            drop(to);
            Ok::<(), E>(())
        };
        let mut send = std::pin::pin!(send);
        let answer = tokio::select! {
            answer = &mut answer => answer,
            sent = &mut send => {
                sent?;
                answer.await
            }
        };
        let status = answer.map_err(|status| self.error(&status))?.into_inner();
        Ok(BlobStatus::from_pb(status).map_err(|error| self.wrong(error))?)
    }

    /// Fetches a blob, from an offset on, chunk after chunk.
    ///
    /// Errors: the master does not have all of it.
    pub async fn get_blob(&self, request: BlobRequest) -> Result<Receiver<BlobChunk>, RpcError> {
        let answer = self.master.clone().get_blob(request.into_pb()).await;
        let from = answer.map_err(|status| self.error(&status))?.into_inner();
        Ok(Receiver::new(from, &self.address))
    }

    /// Asks what people ask. A refusal is an error.
    pub async fn operate(&self, request: OperatorRequest) -> Result<OperatorReply, RpcError> {
        let mut request = tonic::Request::new((Hello::ours(), request).into_pb());
        request.set_timeout(OPERATE_WITHIN);
        let answer = self.master.clone().operate(request).await.map_err(|status| self.error(&status))?;
        match OperatorReply::from_pb(answer.into_inner()).map_err(|error| self.wrong(error))? {
            OperatorReply::Refused(refusal) => {
                Err(RpcError::Refused { address: self.address.clone(), refusal })
            }
            reply => Ok(reply),
        }
    }

    fn wrong(&self, error: crate::WireError) -> RpcError {
        RpcError::Message { peer: self.address.clone(), error }
    }

    fn error(&self, status: &Status) -> RpcError {
        let address = self.address.clone();
        let refusal = pb::Refusal::decode(status.details()).ok().filter(|_| !status.details().is_empty());
        if let Some(refusal) = refusal.and_then(|refusal| Refusal::from_pb(refusal).ok()) {
            return RpcError::Refused { address, refusal };
        }
        let cause = cause_of(status);
        match status.code() {
            Code::Unavailable | Code::DeadlineExceeded => RpcError::Unreachable { address, cause },
            Code::InvalidArgument | Code::OutOfRange | Code::ResourceExhausted => {
                RpcError::Broken { peer: address, cause }
            }
            _ => RpcError::NoMaster { address, cause },
        }
    }
}
