//! What a master with idle agents costs, and how long a new driver waits for its first offer:
//! `cargo bench -p rsk-scheduler --bench master`. Master, agents and drivers are one process, so the figures are upper bounds.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement")]

use rsk_proto::{
    AgentFacts, AgentToMaster, Attributes, Demand, FrameworkFacts, FrameworkToMaster, Hello, Incarnation,
    MasterToAgent, MasterToFramework, RoleName, rpc::MasterClient,
};
use rsk_scheduler::master::{KeepBlobs, MasterConfig, Rules, start};
use std::time::{Duration, Instant};

const AGENTS: usize = 50;
const DRIVERS: u32 = 100;
const IDLE: Duration = Duration::from_secs(20);

fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // User and system time, in hundredths of a second.
    Duration::from_millis(10 * (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()))
}

fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn agent(address: String) {
    let (to, mut from) = MasterClient::connect(&address).await.unwrap().agent().await.unwrap();
    let facts = AgentFacts {
        host: "localhost".to_owned(),
        address: "localhost:5051".to_owned(),
        reserved: std::collections::BTreeMap::new(),
        resources: "cpus:16;mem:65536;ports:[31000-32000]".parse().unwrap(),
        attributes: Attributes::default(),
        platform: "x86_64".to_owned(),
    };
    let (hello, incarnation, facts) = (Hello::ours(), Incarnation(1), Box::new(facts));
    let (executors, frameworks) = (vec![], vec![]);
    let register = AgentToMaster::Register { hello, id: None, incarnation, facts, executors, frameworks };
    to.send(register).await.unwrap();
    while let Ok(Some(message)) = from.receive().await {
        if matches!(message, MasterToAgent::Registered { .. } | MasterToAgent::Heartbeat) {
            to.send(AgentToMaster::Heartbeat).await.unwrap();
        }
    }
}

/// From dialling to the first offer.
async fn first_offer(address: &str) -> Duration {
    let began = Instant::now();
    let (to, mut from) = MasterClient::connect(address).await.unwrap().framework().await.unwrap();
    let facts = FrameworkFacts {
        name: "app".to_owned(),
        user: "ann".to_owned(),
        host: "localhost".to_owned(),
        role: RoleName::default(),
        address: "localhost:4040".to_owned(),
        web: None,
        failover_timeout: Duration::ZERO,
        driver: None,
        blobs: Vec::new(),
    };
    let demand = Some(Demand { shape: "cpus:1;mem:1024".parse().unwrap(), ports: 0, count: Some(2) });
    let (hello, facts) = (Hello::ours(), Box::new(facts));
    to.send(FrameworkToMaster::Subscribe { hello, known: None, facts, demand, executors: vec![] })
        .await
        .unwrap();
    loop {
        if let Some(MasterToFramework::Offers(_)) = from.receive().await.unwrap() {
            return began.elapsed();
        }
    }
}

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().unwrap();
    let (listen, work_dir) = ("127.0.0.1:0".to_owned(), folder.path().to_owned());
    let master =
        start(MasterConfig { listen, work_dir, rules: Rules::default(), blobs: KeepBlobs::default() })
            .await
            .unwrap();
    let address = master.address().to_string();
    (0..AGENTS).for_each(|_| drop(tokio::spawn(agent(address.clone()))));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = cpu();
    tokio::time::sleep(IDLE).await;
    let percent = cpu().saturating_sub(before).as_secs_f64() / IDLE.as_secs_f64() * 100.0;
    println!("{AGENTS} idle agents: {percent:.2} % of a cpu, {} MiB", memory_kib() >> 10);
    let mut waits = Vec::new();
    for _ in 0..DRIVERS {
        waits.push(first_offer(&address).await);
    }
    waits.sort_unstable();
    println!("first offer: median {:.2?}, slowest {:.2?}", waits[waits.len() / 2], waits[waits.len() - 1]);
    master.stop().await.unwrap();
}
