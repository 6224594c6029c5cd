//! A framework that takes offers and never answers.

use crate::story::{is_well, run_another};
use integration_tests::cluster::TestCluster;
use rsk_proto::{
    Demand, FrameworkFacts, FrameworkToMaster, Hello, MasterToFramework, OfferId, Resources, RoleName,
    rpc::MasterClient,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// It may wait until offers expire.
pub(crate) const SLOW: &[(&str, fn())] =
    &[("offers_that_are_hoarded_are_taken_back_and_a_job_gets_them", hoarded)];

const HEARTBEAT_EVERY: Duration = Duration::from_secs(2);

fn hoarded() {
    let cluster = TestCluster::new().agents(2);
    let is_over = Arc::new(AtomicBool::new(false));
    let hoarder = thread::spawn({
        let (master, is_over) = (cluster.master().to_owned(), Arc::clone(&is_over));
        move || hoard(&master, &is_over)
    });
    let status = cluster.wait("all is hoarded", |status| status.offers.len() == 2);
    run_another(&cluster);
    is_over.store(true, Ordering::Relaxed);
    let rescinded = hoarder.join().unwrap();
    for offer in &status.offers {
        assert!(rescinded.contains(&offer.id), "{rescinded:?}");
    }
    is_well(&cluster);
}

/// Asks for everything, and lets all offers lie; says at the end which were taken back.
fn hoard(master: &str, is_over: &AtomicBool) -> Vec<OfferId> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (to, mut from) = MasterClient::connect(master).await.unwrap().framework().await.unwrap();
        let facts = FrameworkFacts {
            name: "hoarder".to_owned(),
            user: "somebody".to_owned(),
            host: "here".to_owned(),
            role: RoleName::default(),
            address: "127.0.0.1:1".to_owned(),
            web: None,
            failover_timeout: Duration::ZERO,
            driver: None,
            blobs: Vec::new(),
        };
        let shape = Resources { cpus_milli: 1000, memory_bytes: 400 << 20, ..Resources::default() };
        let demand = Some(Demand { shape, ports: 0, count: Some(100) });
        let (hello, facts) = (Hello::ours(), Box::new(facts));
        let first = FrameworkToMaster::Subscribe { hello, known: None, facts, demand, executors: Vec::new() };
        to.send(first).await.unwrap();
        let mut rescinded = Vec::new();
        while !is_over.load(Ordering::Relaxed) {
            to.send(FrameworkToMaster::Heartbeat).await.unwrap();
            match tokio::time::timeout(HEARTBEAT_EVERY, from.receive()).await {
                Ok(Ok(Some(MasterToFramework::Rescinded(offers)))) => rescinded.extend(offers),
                Ok(Ok(Some(MasterToFramework::Refused(refusal)))) => panic!("{refusal}"),
                Ok(Ok(Some(_))) | Err(_) => {}
                Ok(other) => panic!("{other:?}"),
            }
        }
        rescinded
    })
}
