//! A driver that the cluster runs, watched until it has ended.

use crate::{ask, http};
use anyhow::{Result, anyhow};
use rsk_proto::{
    DriverId, ExecutorKey,
    status::{ClusterStatus, DriverState, DriverStatus},
};
use std::{
    io::{self, Read},
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A master that is started again is waited for.
const MASTER_BACK_WITHIN: Duration = Duration::from_mins(2);
/// What is said of a driver that waits is said this often.
const SAY_EVERY: Duration = Duration::from_secs(15);
const STREAMS: [&str; 2] = ["stdout", "stderr"];

/// Shows what it prints, and ends as it does.
pub(super) fn until_ended(master: &str, id: DriverId) -> Result<ExitCode> {
    eprintln!("{id} is submitted; Ctrl-C leaves it running, `rsk kill -m {master} {id}` ends it");
    let mut shown = Shown::default();
    let (mut heard_at, mut said_at) = (Instant::now(), None::<Instant>);
    loop {
        let status = match ask::state_at(master) {
            Ok(status) => status,
            Err(error) if heard_at.elapsed() > MASTER_BACK_WITHIN => return Err(error),
            Err(_) => {
                thread::sleep(LOOK_EVERY);
                continue;
            }
        };
        heard_at = Instant::now();
        let driver = status.drivers.iter().find(|driver| driver.id == id);
        let driver = driver.ok_or_else(|| anyhow!("the master does not know {id} any more"))?;
        shown.more(&status, driver)?;
        match &driver.state {
            DriverState::Waiting { why } if said_at.is_none_or(|at| at.elapsed() > SAY_EVERY) => {
                said_at = Some(Instant::now());
                eprintln!("{id} waits: {why}");
            }
            DriverState::Waiting { .. } | DriverState::Running => {}
            DriverState::Ended { code, how } => return Ok(ended(id, *code, how)),
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn ended(id: DriverId, code: Option<i32>, how: &str) -> ExitCode {
    if code != Some(0) {
        eprintln!("{id} ended: {how}");
    }
    // What ended without a code, such as by a signal, has failed.
    code.map_or(ExitCode::FAILURE, |code| ExitCode::from(u8::try_from(code & 0xff).unwrap_or(1)))
}

/// What has been shown of the logs of a driver's last start.
#[derive(Debug, Default)]
struct Shown {
    executor: Option<ExecutorKey>,
    offsets: [u64; 2],
}

impl Shown {
    /// Shows what has come since. An agent that does not answer is asked again later.
    fn more(&mut self, status: &ClusterStatus, driver: &DriverStatus) -> Result<()> {
        let agent = status.agents.iter().find(|agent| Some(agent.id) == driver.agent);
        let (Some(key), Some(agent)) = (driver.executor, agent) else { return Ok(()) };
        if self.executor != Some(key) {
            *self = Shown { executor: Some(key), offsets: [0; 2] };
        }
        for (stream, offset) in STREAMS.into_iter().zip(&mut self.offsets) {
            let path = format!("/logs/{}/{}/{stream}?offset={offset}", key.framework, key.executor.0);
            let Ok(mut answer) = http::get(&agent.address, &path, false) else { continue };
            if answer.status != 200 {
                continue;
            }
            let mut bytes = Vec::new();
            // What was read before it broke is shown; the rest comes with the next look.
            drop(answer.body.read_to_end(&mut bytes));
            // A long log loses its beginning.
            *offset = answer.offset.unwrap_or(*offset) + bytes.len() as u64;
            match stream {
                "stdout" => crate::write(&mut io::stdout(), &bytes)?,
                _ => crate::write(&mut io::stderr(), &bytes)?,
            }
        }
        Ok(())
    }
}
