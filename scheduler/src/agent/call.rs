//! One call to a master.

use super::{core::Event, link::Call};
use rsk_proto::{AgentToMaster, rpc};
use tokio::sync::{mpsc, watch};

/// One call from its beginning to its end.
pub(crate) async fn talk(
    call: Call,
    address: &str,
    mut said: mpsc::Receiver<AgentToMaster>,
    mailbox: &mpsc::Sender<Event>,
    master: &watch::Sender<Option<rpc::MasterClient>>,
) -> Result<(), rpc::RpcError> {
    let client = rpc::MasterClient::connect(address).await?;
    let (to, mut from) = client.agent().await?;
    master.send_replace(Some(client));
    if mailbox.send(Event::Connected(call)).await.is_err() {
        return Ok(());
    }
    let speak = async move {
        while let Some(message) = said.recv().await {
            to.send(message).await?;
        }
        Ok::<(), rpc::RpcError>(())
    };
    let listen = async {
        while let Some(message) = from.receive().await? {
            if mailbox.send(Event::Heard(call, message)).await.is_err() {
                break;
            }
        }
        Ok(())
    };
    let mut listen = std::pin::pin!(listen);
    tokio::select! {
        // Hung up: the last words are on their way for as long as the master keeps the stream.
        spoken = speak => match spoken {
            Ok(()) => listen.await,
            Err(error) => Err(error),
        },
        heard = &mut listen => heard,
    }
}
