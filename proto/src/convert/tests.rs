use super::{Wire, WireError, pb};
use crate::{
    AgentToMaster, BlobChunk, BlobRequest, BlobStatus, FrameworkToMaster, Hello, MasterToAgent,
    MasterToFramework, OperatorReply, OperatorRequest,
};
use proptest::prelude::*;
use prost::Message;

/// What arrives when this is sent.
fn travelled<M: Wire>(message: M) -> Result<M, WireError> {
    let bytes = message.into_pb().encode_to_vec();
    M::from_pb(M::Pb::decode(bytes.as_slice()).unwrap())
}

/// What becomes of bytes that arrive: a message or an error.
fn read<M: Wire>(bytes: &[u8]) -> bool {
    M::Pb::decode(bytes).is_ok_and(|pb| M::from_pb(pb).is_ok())
}

proptest! {
    #[test]
    fn what_agents_say_arrives(message: AgentToMaster) {
        prop_assert_eq!(travelled(message.clone()), Ok(message));
    }

    #[test]
    fn what_agents_hear_arrives(message: MasterToAgent) {
        prop_assert_eq!(travelled(message.clone()), Ok(message));
    }

    #[test]
    fn what_drivers_say_arrives(message: FrameworkToMaster) {
        prop_assert_eq!(travelled(message.clone()), Ok(message));
    }

    #[test]
    fn what_drivers_hear_arrives(message: MasterToFramework) {
        prop_assert_eq!(travelled(message.clone()), Ok(message));
    }

    #[test]
    fn what_people_ask_arrives(message: (Hello, OperatorRequest), reply: OperatorReply) {
        prop_assert_eq!(travelled(message.clone()), Ok(message));
        prop_assert_eq!(travelled(reply.clone()), Ok(reply));
    }

    #[test]
    fn blobs_arrive(request: BlobRequest, chunk: BlobChunk, status: BlobStatus) {
        prop_assert_eq!(travelled(request), Ok(request));
        prop_assert_eq!(travelled(chunk.clone()), Ok(chunk));
        prop_assert_eq!(travelled(status), Ok(status));
    }

    #[test]
    fn random_bytes_never_panic(bytes: Vec<u8>) {
        read::<AgentToMaster>(&bytes);
        read::<MasterToAgent>(&bytes);
        read::<FrameworkToMaster>(&bytes);
        read::<MasterToFramework>(&bytes);
        read::<(Hello, OperatorRequest)>(&bytes);
        read::<OperatorReply>(&bytes);
        read::<BlobChunk>(&bytes);
    }

    #[test]
    fn damaged_messages_never_panic(message: FrameworkToMaster, at: usize, byte: u8, end: usize) {
        let mut bytes = message.into_pb().encode_to_vec();
        if !bytes.is_empty() {
            let length = bytes.len();
            bytes[at % length] = byte;
            bytes.truncate(length - end % length);
        }
        read::<FrameworkToMaster>(&bytes);
    }
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    let kind = AgentToMaster::from_pb(pb::AgentToMaster { message: None }).unwrap_err();
    assert_eq!(kind.to_string(), "a message of an agent of a kind that this build of rsk does not know");
    let want = pb::framework_to_master::Want { demand: Some(pb::Demand::default()) };
    let want = pb::FrameworkToMaster { message: Some(pb::framework_to_master::Message::Want(want)) };
    let shape = FrameworkToMaster::from_pb(want).unwrap_err();
    assert_eq!(shape.to_string(), "a message without a demand's shape");
    let short = BlobRequest::from_pb(pb::BlobRequest { hash: vec![1, 2], offset: 0 }).unwrap_err();
    assert_eq!(short.to_string(), "a message with a wrong hash: it has 2 bytes and not 32");
    let ports = vec![pb::PortRange { first: 5, last: 4 }];
    let ports = crate::Resources::from_pb(pb::Resources { ports, ..Default::default() }).unwrap_err();
    assert_eq!(ports.to_string(), "a message with a wrong range of ports: 5-4");
}
