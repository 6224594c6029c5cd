//! A master behind its port, with peers that dial it as real ones do, and some that do not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rsk_proto::{
    AgentFacts, AgentId, AgentToMaster, Attributes, BLOB_CHUNK_BYTES_MAX, BlobChunk, BlobHash, BlobRequest,
    Demand, FrameworkEpoch, FrameworkFacts, FrameworkId, FrameworkToMaster, Hello, Incarnation,
    MasterToAgent, MasterToFramework, Offer, OperatorRequest, Refusal, Refuse, Resources, RoleName,
    rpc::{MasterClient, Receiver, RpcError, Sender},
    status::ClusterStatus,
};
use rsk_scheduler::master::{KeepBlobs, MasterConfig, MasterError, MasterHandle, Rules, start};
use sha2::{Digest, Sha256};
use std::{path::Path, time::Duration};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

async fn master_at(listen: &str, work_dir: &Path) -> Result<MasterHandle, MasterError> {
    let (listen, work_dir) = (listen.to_owned(), work_dir.to_owned());
    start(MasterConfig { listen, work_dir, rules: Rules::default(), blobs: KeepBlobs::default() }).await
}

async fn master() -> (MasterHandle, TempDir, MasterClient) {
    let folder = tempfile::tempdir().unwrap();
    let master = master_at("127.0.0.1:0", folder.path()).await.unwrap();
    let client = MasterClient::connect(&master.address().to_string()).await.unwrap();
    (master, folder, client)
}

/// An agent that only registers.
async fn agent(
    client: &MasterClient,
    id: Option<AgentId>,
) -> (AgentId, Sender<AgentToMaster>, Receiver<MasterToAgent>) {
    let (to, mut from) = client.agent().await.unwrap();
    let facts = AgentFacts {
        host: "localhost".to_owned(),
        address: "localhost:5051".to_owned(),
        reserved: std::collections::BTreeMap::new(),
        resources: "cpus:4;mem:1000".parse().unwrap(),
        attributes: Attributes::default(),
        platform: "x86_64".to_owned(),
    };
    let (hello, incarnation, facts) = (Hello::ours(), Incarnation(1), Box::new(facts));
    let register =
        AgentToMaster::Register { hello, id, incarnation, facts, executors: vec![], frameworks: vec![] };
    to.send(register).await.unwrap();
    let Some(MasterToAgent::Registered { id, .. }) = from.receive().await.unwrap() else {
        panic!("not registered")
    };
    to.send(AgentToMaster::Heartbeat).await.unwrap();
    (id, to, from)
}

struct App {
    id: FrameworkId,
    epoch: FrameworkEpoch,
    to: Sender<FrameworkToMaster>,
    from: Receiver<MasterToFramework>,
}

async fn app(
    client: &MasterClient,
    known: Option<(FrameworkId, FrameworkEpoch)>,
    demand: Option<Demand>,
) -> App {
    let (to, mut from) = client.framework().await.unwrap();
    let facts = FrameworkFacts {
        name: "app".to_owned(),
        user: "ann".to_owned(),
        host: "localhost".to_owned(),
        role: RoleName::default(),
        address: "localhost:4040".to_owned(),
        web: None,
        failover_timeout: Duration::from_mins(1),
        driver: None,
        blobs: Vec::new(),
    };
    let (hello, facts) = (Hello::ours(), Box::new(facts));
    to.send(FrameworkToMaster::Subscribe { hello, known, facts, demand, executors: vec![] }).await.unwrap();
    let Some(MasterToFramework::Subscribed { id, epoch, .. }) = from.receive().await.unwrap() else {
        panic!("not subscribed")
    };
    to.send(FrameworkToMaster::Heartbeat).await.unwrap();
    App { id, epoch, to, from }
}

impl App {
    async fn offers(&mut self) -> Vec<Offer> {
        loop {
            match self.from.receive().await.unwrap() {
                Some(MasterToFramework::Offers(offers)) => return offers,
                Some(_) => {}
                None => panic!("the stream has ended"),
            }
        }
    }

    /// Declines whatever it is offered, for good.
    fn decline_all(mut self) {
        tokio::spawn(async move {
            while let Ok(Some(message)) = self.from.receive().await {
                if let MasterToFramework::Offers(offers) = message {
                    let offers = offers.into_iter().map(|offer| offer.id).collect();
                    let decline = FrameworkToMaster::Decline { offers, refuse: Refuse::because("idle") };
                    self.to.send(decline).await.unwrap();
                }
            }
        });
    }
}

fn demand(count: Option<u32>) -> Demand {
    Demand { shape: "cpus:1;mem:10".parse().unwrap(), ports: 0, count }
}

async fn get(master: &MasterHandle, path: &str) -> String {
    let mut stream = TcpStream::connect(master.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Waits for a snapshot that is as wanted.
async fn until(master: &MasterHandle, is_wanted: impl Fn(&ClusterStatus) -> bool) {
    let seen = timeout(Duration::from_secs(5), async {
        while !is_wanted(&master.status()) {
            tokio::task::yield_now().await;
        }
    });
    assert!(seen.await.is_ok(), "{:?}", master.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_job_is_not_starved_by_twenty_idle_frameworks() {
    let (master, _folder, client) = master().await;
    let _agents = (agent(&client, None).await, agent(&client, None).await);
    let mut idle = Vec::new();
    for number in 0..20 {
        // Half of them want nothing; half say that they want all, and take nothing of it.
        if number % 2 == 0 {
            idle.push(app(&client, None, None).await);
        } else {
            app(&client, None, Some(demand(None))).await.decline_all();
        }
    }
    let mut small = app(&client, None, Some(demand(Some(1)))).await;
    let offers = timeout(Duration::from_secs(2), small.offers()).await.expect("an offer within two seconds");
    assert_eq!(offers[0].resources.to_string(), "cpus:1;mem:10");
    master.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hoards_offers_gives_them_up_within_two_seconds() {
    let (master, _folder, client) = master().await;
    let _agent = agent(&client, None).await;
    let mut hoarder = app(&client, None, Some(demand(None))).await;
    hoarder.offers().await;
    let mut small = app(&client, None, Some(demand(Some(1)))).await;
    assert!(timeout(Duration::from_secs(3), small.offers()).await.is_ok());
    master.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_master_that_starts_again_knows_everybody_and_frees_its_port() {
    let (master, folder, client) = master().await;
    let address = master.address().to_string();
    let (id, _to, mut from) = agent(&client, None).await;
    let first = app(&client, None, None).await;
    let weight = OperatorRequest::SetWeight { role: "prod".parse().unwrap(), weight_milli: 3000 };
    client.operate(weight).await.unwrap();
    let in_use = master_at(&address, tempfile::tempdir().unwrap().path()).await.unwrap_err();
    assert!(matches!(in_use, MasterError::PortInUse(_)), "{in_use}");
    let same_folder = master_at("127.0.0.1:0", folder.path()).await.unwrap_err().to_string();
    assert!(same_folder.contains("does another master run with this work folder?"), "{same_folder}");
    master.stop().await.unwrap();
    while let Ok(Some(_)) = from.receive().await {}
    let master = master_at(&address, folder.path()).await.unwrap();
    assert_eq!(master.status().master.term, 2);
    assert_eq!(master.status().agents[0].id, id);
    assert_eq!(master.status().roles[1].weight_milli, 3000);
    let client = MasterClient::connect(&address).await.unwrap();
    assert_eq!(agent(&client, Some(id)).await.0, id);
    let second = app(&client, Some((first.id, first.epoch)), None).await;
    assert_eq!(second.id, first.id);
    assert!(second.epoch > first.epoch);
    master.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn state_health_and_metrics_are_on_the_same_port() {
    let (master, _folder, client) = master().await;
    let (id, _to, _from) = agent(&client, None).await;
    until(&master, |status| status.agents.len() == 1).await;
    assert_eq!(get(&master, "/health").await, "ok\n");
    let status: ClusterStatus = serde_json::from_str(&get(&master, "/state").await).unwrap();
    assert_eq!(status.agents[0].id, id);
    let metrics = get(&master, "/metrics").await;
    assert!(metrics.contains("rsk_master_agents{state=\"active\"} 1\n"), "{metrics}");
    assert!(metrics.contains("rsk_master_cpus{part=\"total\"} 4.000\n"), "{metrics}");
    master.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_are_sent_away_and_others_do_not_notice() {
    let (master, _folder, client) = master().await;
    let _agent = agent(&client, None).await;
    let mut half_open = TcpStream::connect(master.address()).await.unwrap();
    half_open.write_all(b"PRI * HT").await.unwrap();
    let silent = TcpStream::connect(master.address()).await.unwrap();
    for seed in 0..20u8 {
        let mut stranger = TcpStream::connect(master.address()).await.unwrap();
        let noise: Vec<u8> = (0..4000u32).map(|at| (at * 31 % 251) as u8 ^ seed).collect();
        // The master may have hung up before all is written.
        drop(stranger.write_all(&noise).await);
        let mut answer = Vec::new();
        drop(timeout(Duration::from_secs(5), stranger.read_to_end(&mut answer)).await.expect("it hangs up"));
    }
    let mut noisy_http2 = TcpStream::connect(master.address()).await.unwrap();
    noisy_http2
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff")
        .await
        .unwrap();
    let mut answer = Vec::new();
    drop(timeout(Duration::from_secs(5), noisy_http2.read_to_end(&mut answer)).await.expect("it hangs up"));
    // One who speaks the language and not the manners.
    let (to, mut from) = client.framework().await.unwrap();
    to.send(FrameworkToMaster::Revive).await.unwrap();
    let refused = from.receive().await.unwrap();
    assert!(matches!(refused, Some(MasterToFramework::Refused(Refusal::Invalid(_)))), "{refused:?}");
    assert_eq!(from.receive().await.unwrap(), None);
    let mut app = app(&client, None, Some(demand(Some(1)))).await;
    assert_eq!(app.offers().await.len(), 1);
    drop((half_open, silent));
    master.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_refused_and_both_are_named() {
    let (master, _folder, client) = master().await;
    let (to, mut from) = client.agent().await.unwrap();
    let facts = AgentFacts {
        host: String::new(),
        address: String::new(),
        reserved: std::collections::BTreeMap::new(),
        resources: Resources::default(),
        attributes: Attributes::default(),
        platform: String::new(),
    };
    let register = AgentToMaster::Register {
        hello: Hello { version: 77, build: "7.7.7".to_owned() },
        id: None,
        incarnation: Incarnation(1),
        facts: Box::new(facts),
        executors: vec![],
        frameworks: vec![],
    };
    to.send(register).await.unwrap();
    let Some(MasterToAgent::Refused(refusal)) = from.receive().await.unwrap() else { panic!("not refused") };
    let text = refusal.to_string();
    assert!(text.contains("protocol 77 (rsk 7.7.7)") && text.contains(&Hello::ours().to_string()), "{text}");
    master.stop().await.unwrap();
}

/// A blob of zeros, and chunks of it from an offset on.
fn blob(length: usize) -> (BlobHash, impl Fn(u64, u64) -> Vec<BlobChunk>) {
    let hash = BlobHash(Sha256::digest(vec![0; length]).into());
    let chunks = move |from: u64, to: u64| {
        let at = (from..to).step_by(BLOB_CHUNK_BYTES_MAX);
        let bytes = move |offset| vec![0; usize::try_from(to - offset).unwrap().min(BLOB_CHUNK_BYTES_MAX)];
        at.map(|offset| BlobChunk { hash, length: length as u64, offset, bytes: bytes(offset) }).collect()
    };
    (hash, chunks)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_brought_in_pieces_and_fetched_whole() {
    let (master, _folder, client) = master().await;
    let length = 3 * BLOB_CHUNK_BYTES_MAX + 17;
    let (hash, chunks) = blob(length);
    let put = async |chunks: Vec<BlobChunk>| {
        let mut chunks = chunks.into_iter();
        client.put_blob(|| Ok::<_, RpcError>(chunks.next())).await
    };
    let ask = || vec![BlobChunk { hash, length: length as u64, offset: 0, bytes: vec![] }];
    assert_eq!(put(ask()).await.unwrap().has, 0);
    let half = 2 * BLOB_CHUNK_BYTES_MAX as u64;
    assert_eq!(put(chunks(0, half)).await.unwrap().has, half);
    assert_eq!(put(ask()).await.unwrap().has, half, "it goes on where it ended");
    let missing = client.get_blob(BlobRequest { hash, offset: 0 }).await.unwrap_err();
    assert!(matches!(missing, RpcError::Refused { refusal: Refusal::Unknown(_), .. }), "{missing}");
    let gap = put(chunks(half + 1, length as u64)).await.unwrap_err().to_string();
    assert!(gap.contains(&format!("a chunk at {}", half + 1)), "{gap}");
    assert!(put(chunks(half, length as u64)).await.unwrap().is_complete);
    let mut from = client.get_blob(BlobRequest { hash, offset: 5 }).await.unwrap();
    let mut fetched = 5;
    while let Some(chunk) = from.receive().await.unwrap() {
        assert_eq!(chunk.offset, fetched);
        fetched += chunk.bytes.len() as u64;
    }
    assert_eq!(fetched, length as u64);
    let mut wrong = chunks(0, length as u64);
    wrong.iter_mut().for_each(|chunk| chunk.hash = BlobHash([9; 32]));
    let wrong = put(wrong).await.unwrap_err().to_string();
    assert!(wrong.contains("what came is not 0909"), "{wrong}");
    master.stop().await.unwrap();
}
