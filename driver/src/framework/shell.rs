//! The conversation with the master: a thread that dials it, carries out what the core commands, and dials again when
//! the master is gone.

use super::{
    core::{Command, Event, FrameworkCore, Order},
    crew::Crew,
    program::Brought,
};
use crate::{Error, dispatch::Useless};
use rsk_proto::{
    ExecutorId, ExecutorSpec, FrameworkEpoch, FrameworkFacts, FrameworkId, FrameworkToMaster, Hello,
    MasterToFramework, Part, Refusal, Refuse, Time,
    rpc::{MasterClient, Receiver, RpcError, Sender},
};
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::{Notify, mpsc},
    time::{MissedTickBehavior, interval, sleep, sleep_until, timeout},
};

/// How often the load is looked at where nothing says that it has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a master has to answer a subscription.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Blobs are brought until all are there, but no more often.
const BRINGINGS_MAX: usize = 3;
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);
/// How long a master has to take the news that the application has ended.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long an executor that is given back may take to end by itself.
const RELEASE_GRACE: Duration = Duration::from_secs(5);

/// What the rest of the driver tells the conversation.
#[derive(Debug)]
pub(crate) enum News {
    /// An executor was welcomed.
    Joined(ExecutorId),
    /// An executor cannot be talked to any more, or does not stop what it was told to stop.
    Stuck(ExecutorId),
    /// The application has ended.
    End { has_succeeded: bool, summary: String },
}

pub(super) struct Shell {
    pub(super) program: Brought,
    pub(super) files: BTreeMap<String, Brought>,
    pub(super) masters: Vec<String>,
    pub(super) facts: FrameworkFacts,
    pub(super) core: FrameworkCore,
    pub(super) crew: Arc<Crew>,
    pub(super) news: mpsc::Receiver<News>,
    pub(super) work: Arc<Notify>,
    pub(super) started: Instant,
    pub(super) known: Option<(FrameworkId, FrameworkEpoch)>,
    /// What the core was told to be of no use.
    pub(super) useless: Useless,
}

/// One subscription.
pub(super) struct Session {
    to: Sender<FrameworkToMaster>,
    from: Receiver<MasterToFramework>,
    id: FrameworkId,
    epoch: FrameworkEpoch,
    /// What is to be said first.
    first: Vec<Command>,
    heartbeat_every: Duration,
    lost_after: Duration,
}

/// How a conversation ended.
enum Ended {
    /// The application has ended.
    ForGood,
    /// The master has gone.
    Lost(RpcError),
}

impl Shell {
    /// Subscribes at the first master that answers.
    pub(super) async fn subscribe(&mut self) -> Result<Session, Error> {
        let mut last = None;
        for address in &self.masters {
            match MasterClient::connect(address).await {
                Ok(master) => return self.subscribe_at(&master).await,
                Err(error) => last = Some(error),
            }
        }
        Err(last.map_or_else(|| Error::Master(String::new()), Error::Cluster))
    }

    async fn subscribe_at(&mut self, master: &MasterClient) -> Result<Session, Error> {
        // While later ones are on their way the master may forget earlier ones, which nobody uses yet.
        for _ in 0..BRINGINGS_MAX {
            let mut has_sent = false;
            for brought in std::iter::once(&self.program).chain(self.files.values()) {
                has_sent |= brought.bring(master).await?;
            }
            if !has_sent {
                break;
            }
        }
        let blobs = std::iter::once(&self.program).chain(self.files.values());
        self.facts.blobs = blobs.map(|brought| brought.hash).collect();
        let closed = || Error::Cluster(RpcError::Closed(master.address().to_owned()));
        // A way that is closed in one direction only is not seen otherwise.
        let dialled = timeout(ANSWER_WITHIN, master.framework()).await.map_err(|_| closed())?;
        let (to, mut from) = dialled.map_err(Error::Cluster)?;
        let demand = self.core.demand();
        let subscribe = FrameworkToMaster::Subscribe {
            hello: Hello::ours(),
            known: self.known,
            facts: Box::new(self.facts.clone()),
            demand: demand.clone(),
            executors: self.core.claims(),
        };
        to.send(subscribe).await.map_err(Error::Cluster)?;
        let address = master.address().to_owned();
        let answer = timeout(ANSWER_WITHIN, from.receive()).await.map_err(|_| closed())?;
        match answer.map_err(Error::Cluster)? {
            Some(MasterToFramework::Subscribed { hello, id, epoch, heartbeat_every, lost_after }) => {
                hello.check().map_err(|refusal| Error::Cluster(RpcError::Refused { address, refusal }))?;
                let first = self.core.subscribed(demand);
                self.known = Some((id, epoch));
                tracing::info!(framework = %id, "the master knows the application");
                Ok(Session { to, from, id, epoch, first, heartbeat_every, lost_after })
            }
            Some(MasterToFramework::Refused(refusal)) => {
                if matches!(refusal, Refusal::Unknown(_)) {
                    // A master that lost its registry: the application begins anew there.
                    self.known = None;
                }
                Err(Error::Cluster(RpcError::Refused { address, refusal }))
            }
            Some(_) | None => Err(closed()),
        }
    }

    /// Talks until the application ends.
    pub(super) async fn run(mut self, mut session: Session) {
        loop {
            match self.converse(&mut session).await {
                Ended::ForGood => return,
                Ended::Lost(error) => {
                    tracing::warn!(%error, "lost the master: tasks go on, and it is dialled again");
                }
            }
            let mut wait = RETRY_MIN;
            session = loop {
                match timeout(wait, self.end_of_application()).await {
                    Ok(()) => return,
                    Err(_) => wait = (wait * 2).min(RETRY_MAX),
                }
                match self.subscribe().await {
                    Ok(session) => break session,
                    Err(error) if is_final(&error) => return self.crew.give_up(&format!("{error:?}")),
                    Err(error) => tracing::debug!(?error, "no master yet"),
                }
            };
        }
    }

    /// Waits for the end of the application while there is no master.
    async fn end_of_application(&mut self) {
        loop {
            match self.news.recv().await {
                Some(News::Joined(id)) => drop(self.core.step(Event::Joined(id), self.now())),
                // The next master hears of it.
                Some(News::Stuck(id)) => drop(self.core.step(Event::Stuck(id), self.now())),
                Some(News::End { .. }) | None => return,
            }
        }
    }

    fn now(&self) -> Time {
        Time(self.started.elapsed())
    }

    async fn converse(&mut self, session: &mut Session) -> Ended {
        let mut heartbeat = interval(session.heartbeat_every);
        let mut look = interval(LOOK_EVERY);
        for ticks in [&mut heartbeat, &mut look] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let first = std::mem::take(&mut session.first);
        if let Err(error) = self.carry_out_all(session, first).await {
            return Ended::Lost(error);
        }
        let mut heard_at = Instant::now();
        let work = Arc::clone(&self.work);
        loop {
            let wake_at = self.core.wake_at().map(|Time(at)| self.started + at);
            let wake = async {
                match wake_at {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                message = session.from.receive() => match message {
                    Ok(Some(message)) => {
                        heard_at = Instant::now();
                        Event::Master(message)
                    }
                    Ok(None) => return Ended::Lost(RpcError::Closed(session.from.peer().to_owned())),
                    Err(error) => return Ended::Lost(error),
                },
                news = self.news.recv() => match news {
                    Some(News::Joined(id)) => Event::Joined(id),
                    Some(News::Stuck(id)) => Event::Stuck(id),
                    Some(News::End { has_succeeded, summary }) => {
                        self.farewell(session, has_succeeded, summary).await;
                        return Ended::ForGood;
                    }
                    None => return Ended::ForGood,
                },
                () = work.notified() => self.load(),
                _ = look.tick() => self.load(),
                _ = heartbeat.tick() => {
                    if heard_at.elapsed() > session.lost_after {
                        return Ended::Lost(RpcError::Closed(session.from.peer().to_owned()));
                    }
                    if let Err(error) = session.to.send(FrameworkToMaster::Heartbeat).await {
                        return Ended::Lost(error);
                    }
                    continue;
                }
                () = wake => Event::Wake,
            };
            let mut commands = Vec::new();
            if matches!(event, Event::Load { .. }) {
                commands.extend(self.look());
            }
            commands.extend(self.core.step(event, self.now()));
            if let Err(error) = self.carry_out_all(session, commands).await {
                return Ended::Lost(error);
            }
        }
    }

    /// Tells the core what is of no use, if that has changed.
    fn look(&mut self) -> Vec<Command> {
        let useless = self.crew.useless();
        if useless == self.useless {
            return Vec::new();
        }
        self.useless = useless.clone();
        let Useless { executors, for_all, hosts } = useless;
        self.core.step(Event::Useless { executors, for_all, hosts }, self.now())
    }

    fn load(&self) -> Event {
        let (tasks, busy) = self.crew.load();
        Event::Load { tasks, busy }
    }

    /// What is not for the master is done even if it cannot hear the rest any more.
    async fn carry_out_all(&mut self, session: &Session, commands: Vec<Command>) -> Result<(), RpcError> {
        let mut outcome = Ok(());
        for command in commands {
            tracing::debug!(?command, "framework");
            outcome = outcome.and(self.carry_out(session, command).await);
        }
        outcome
    }

    async fn carry_out(&mut self, session: &Session, command: Command) -> Result<(), RpcError> {
        let message = match command {
            Command::Accept { offer, executors } => {
                let executors = executors.into_iter().map(|order| self.spec(session, order)).collect();
                let rest = Refuse::because("it has what it can use");
                FrameworkToMaster::Accept { offers: vec![offer], executors, rest }
            }
            Command::Decline { offers, refuse } => FrameworkToMaster::Decline { offers, refuse },
            Command::Want(demand) => {
                let is_some = demand.is_some();
                session.to.send(FrameworkToMaster::Want(demand)).await?;
                if !is_some {
                    return Ok(());
                }
                // What it refused while it wanted nothing is welcome now.
                FrameworkToMaster::Revive
            }
            Command::Release(executor) => {
                self.crew.release(executor);
                FrameworkToMaster::Kill { executor, grace: RELEASE_GRACE }
            }
            Command::End(executor) => FrameworkToMaster::Kill { executor, grace: Duration::ZERO },
            Command::Acknowledge(executor) => FrameworkToMaster::Acknowledge(executor),
            Command::Forget { executor, why } => {
                self.crew.forget(executor, &why);
                return Ok(());
            }
            Command::ForgetAgent(agent) => {
                self.crew.forget_agent(agent);
                return Ok(());
            }
            Command::Tell(why) => {
                tracing::warn!("{why}");
                return Ok(());
            }
            Command::GiveUp(why) => {
                self.crew.give_up(&why);
                return Ok(());
            }
        };
        session.to.send(message).await
    }

    fn spec(&self, session: &Session, order: Order) -> ExecutorSpec {
        let Order { executor, slots, resources, site } = order;
        let token = self.crew.expect(executor, site);
        ExecutorSpec {
            framework: session.id,
            epoch: session.epoch,
            executor,
            role: self.facts.role.clone(),
            resources,
            slots,
            program: self.program.hash,
            files: self.files.iter().map(|(name, file)| (name.clone(), file.hash)).collect(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            part: Part::Executor { driver: self.facts.address.clone(), token },
        }
    }

    async fn farewell(&self, session: &mut Session, has_succeeded: bool, summary: String) {
        let said = session.to.send(FrameworkToMaster::Teardown { has_succeeded, summary }).await;
        let heard = async {
            // The master ends the stream when it has understood.
            while let Ok(Some(_)) = session.from.receive().await {}
        };
        if said.is_err() || timeout(FAREWELL, heard).await.is_err() {
            tracing::debug!("the master did not hear that the application has ended");
        }
        sleep(Duration::ZERO).await;
    }
}

/// Dialling again cannot help.
fn is_final(error: &Error) -> bool {
    let Error::Cluster(RpcError::Refused { refusal, .. }) = error else { return false };
    !matches!(refusal, Refusal::NotReady(_) | Refusal::Unknown(_))
}
