//! An agent and the real master: a driver that the cluster runs, from its upload to its end.

use super::{config_of, until};
use rsk_proto::{
    BlobChunk, BlobHash, DriverSpec, OperatorReply, OperatorRequest,
    rpc::{MasterClient, RpcError},
    status::{AgentState, DriverState},
};
use rsk_scheduler::{
    agent::Agent,
    master::{self, KeepBlobs, MasterConfig, MasterHandle, Rules},
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

async fn submit(master: &MasterHandle, script: &str) {
    let client = MasterClient::connect(&master.address().to_string()).await.unwrap();
    let bytes = format!("#!/bin/sh\n{script}\n").into_bytes();
    let hash = BlobHash(Sha256::digest(&bytes).into());
    let mut chunk = Some(BlobChunk { hash, length: bytes.len() as u64, offset: 0, bytes });
    let status = client.put_blob(|| Ok::<_, RpcError>(chunk.take())).await.unwrap();
    assert!(status.is_complete);
    let spec = DriverSpec {
        name: "test".to_owned(),
        user: "me".to_owned(),
        role: "*".parse().unwrap(),
        resources: "cpus:1;mem:64".parse().unwrap(),
        program: hash,
        files: BTreeMap::new(),
        arguments: vec![],
        environment: BTreeMap::new(),
        supervise: false,
    };
    let reply = client.operate(OperatorRequest::Submit(Box::new(spec))).await.unwrap();
    assert!(matches!(reply, OperatorReply::Submitted(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_driver_runs_on_the_cluster_and_its_exit_code_is_known() {
    let (master_dir, agent_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (listen, work_dir) = ("127.0.0.1:0".to_owned(), master_dir.path().to_owned());
    let config = MasterConfig { listen, work_dir, rules: Rules::default(), blobs: KeepBlobs::default() };
    let master = master::start(config).await.unwrap();
    let agent = Agent::start(config_of(&master.address().to_string(), agent_dir.path())).unwrap();
    until("the agent is taken", || {
        master
            .status()
            .agents
            .iter()
            .any(|it| it.state == AgentState::Active && it.address == agent.address().to_string())
    });
    submit(&master, "exit 7").await;
    until("the driver has ended", || {
        master.status().drivers.iter().any(|it| matches!(it.state, DriverState::Ended { code: Some(7), .. }))
    });
    assert_eq!(master.status().executors, []);
    tokio::task::spawn_blocking(move || {
        agent.stop();
        agent.wait().unwrap();
    })
    .await
    .unwrap();
    until("the agent has left", || master.status().agents.is_empty());
    master.stop().await.unwrap();
}
