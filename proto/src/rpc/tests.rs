use super::*;
use crate::{
    AgentToMaster, BLOB_CHUNK_BYTES_MAX, BlobChunk, BlobHash, BlobRequest, BlobStatus, CONTROL_BYTES_MAX,
    FrameworkId, FrameworkToMaster, MasterToAgent, MasterToFramework, OperatorReply, OperatorRequest, Refuse,
};
use std::{io::Write, net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;

/// Answers each heartbeat with one, each refusal of offers with an end, and has one blob of zeros.
struct Echo;

const BLOB: BlobHash = BlobHash([7; 32]);

impl Service for Echo {
    async fn agent(&self, mut from: Receiver<AgentToMaster>, to: Sender<MasterToAgent>) {
        while let Ok(Some(_)) = from.receive().await {
            to.send(MasterToAgent::Heartbeat).await.unwrap();
        }
    }

    async fn framework(&self, mut from: Receiver<FrameworkToMaster>, to: Sender<MasterToFramework>) {
        let why = match from.receive().await {
            Ok(message) => format!("{message:?}"),
            Err(error) => format!("{error}: {}", std::error::Error::source(&error).unwrap()),
        };
        drop(to.send(MasterToFramework::Stop { why }).await);
    }

    async fn put_blob(&self, mut from: Receiver<BlobChunk>) -> Result<BlobStatus, Refusal> {
        let mut has = 0;
        while let Some(chunk) = from.receive().await? {
            if chunk.offset != has {
                return Err(Refusal::Invalid("a gap".to_owned()));
            }
            has += chunk.bytes.len() as u64;
        }
        Ok(BlobStatus { hash: BLOB, has, is_complete: false })
    }

    async fn get_blob(
        &self,
        request: BlobRequest,
    ) -> Result<impl tokio_stream::Stream<Item = Result<BlobChunk, Refusal>> + Send + 'static, Refusal> {
        if request.hash != BLOB {
            return Err(Refusal::Unknown(request.hash.to_string()));
        }
        let bytes = vec![0; BLOB_CHUNK_BYTES_MAX];
        Ok(tokio_stream::once(Ok(BlobChunk { hash: BLOB, length: 1, offset: 0, bytes })))
    }

    async fn operate(&self, _: OperatorRequest) -> OperatorReply {
        OperatorReply::Refused(Refusal::Unknown("an app".to_owned()))
    }
}

async fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let service = routes(Arc::new(Echo)).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

#[tokio::test]
async fn messages_go_both_ways_and_the_stream_ends_with_its_sender() {
    let master = MasterClient::connect(&serve().await).await.unwrap();
    let (to, mut from) = master.agent().await.unwrap();
    for _ in 0..3 {
        to.send(AgentToMaster::Heartbeat).await.unwrap();
        assert_eq!(from.receive().await, Ok(Some(MasterToAgent::Heartbeat)));
    }
    drop(to);
    assert_eq!(from.receive().await, Ok(None));
}

#[tokio::test]
async fn a_message_at_the_limit_arrives_and_one_beyond_is_never_sent() {
    let master = MasterClient::connect(&serve().await).await.unwrap();
    let decline =
        |bytes| FrameworkToMaster::Decline { offers: vec![], refuse: Refuse::because("x".repeat(bytes)) };
    let (to, mut from) = master.framework().await.unwrap();
    let long = to.send(decline(CONTROL_BYTES_MAX)).await.unwrap_err().to_string();
    assert!(long.ends_with("where 1048576 are the most: make it smaller"), "{long}");
    to.send(decline(CONTROL_BYTES_MAX / 4)).await.unwrap();
    assert!(matches!(from.receive().await, Ok(Some(MasterToFramework::Stop { why })) if why.contains("xxx")));
}

#[tokio::test]
async fn blobs_go_up_and_down_and_refusals_are_whole() {
    let address = serve().await;
    let master = MasterClient::connect(&address).await.unwrap();
    let chunk = |offset, bytes| BlobChunk { hash: BLOB, length: 9, offset, bytes };
    let mut chunks = vec![chunk(3, vec![0; 2]), chunk(0, vec![0; 3])];
    let status = master.put_blob(|| Ok::<_, RpcError>(chunks.pop())).await.unwrap();
    assert_eq!(status, BlobStatus { hash: BLOB, has: 5, is_complete: false });
    let mut chunks = vec![chunk(4, vec![0; 2]), chunk(0, vec![0; 3])];
    let gap = master.put_blob(|| Ok::<_, RpcError>(chunks.pop())).await.unwrap_err();
    assert_eq!(gap.to_string(), format!("the master at {address} refuses: a gap"));
    let mut from = master.get_blob(BlobRequest { hash: BLOB, offset: 0 }).await.unwrap();
    assert_eq!(from.receive().await.unwrap().unwrap().bytes.len(), BLOB_CHUNK_BYTES_MAX);
    assert_eq!(from.receive().await, Ok(None));
    let other = master.get_blob(BlobRequest { hash: BlobHash([1; 32]), offset: 0 }).await.unwrap_err();
    assert!(matches!(other, RpcError::Refused { refusal: Refusal::Unknown(_), .. }), "{other}");
    let app = FrameworkId { registry: 1, number: 1 };
    let kill = master.operate(OperatorRequest::Kill(app)).await.unwrap_err().to_string();
    assert_eq!(kill, format!("the master at {address} refuses: the master does not know it: an app"));
}

#[tokio::test]
async fn a_wrong_address_is_named() {
    for address in ["host", "host:", ":5050", "host:x", "http://host:5050", "host:0"] {
        let error = MasterClient::connect(address).await.unwrap_err();
        assert_eq!(error, RpcError::Address(address.to_owned()));
    }
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let error = MasterClient::connect(&free).await.unwrap_err();
    assert!(matches!(&error, RpcError::Unreachable { address, .. } if *address == free), "{error}");
}

#[tokio::test]
async fn what_is_no_master_is_said_to_be_none() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"));
        }
    });
    let error = match MasterClient::connect(&address).await {
        Ok(master) => master.agent().await.unwrap_err(),
        Err(error) => error,
    };
    let text = error.to_string();
    assert!(text.contains(&address) && text.contains("master"), "{text}");
}
