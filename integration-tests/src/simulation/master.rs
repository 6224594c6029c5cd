//! The master's process: its core, and a registry that outlives it.

use super::{
    Sabotage, World,
    network::{End, Letter, Node, StreamId},
};
use rsk_proto::Time;
use rsk_scheduler::master::{Change, Command, Event, LinkId, MasterCore, Recovered, Rules};

/// The master's machine.
#[derive(Debug)]
pub(crate) struct Master {
    pub(crate) core: Option<MasterCore>,
    /// What is on its disk.
    pub(crate) disk: Recovered,
    began: Time,
    pub(crate) wake_not_before: Time,
    /// It dies in the next step, having said so many things of it.
    pub(crate) dies_after: Option<usize>,
}

impl Master {
    pub(crate) fn new() -> Self {
        Master {
            core: None,
            disk: Recovered { registry: 7, ..Recovered::default() },
            began: Time::default(),
            wake_not_before: Time::default(),
            dies_after: None,
        }
    }

    /// When its core is to be woken.
    pub(crate) fn wake_at(&self) -> Option<Time> {
        let core = self.core.as_ref()?;
        Some((self.began + core.wake_at().0).max(self.wake_not_before))
    }
}

impl World {
    pub(crate) fn start_master(&mut self) {
        if self.master.core.is_some() {
            return;
        }
        self.master.disk.term += 1;
        let started_at = u64::try_from(self.now.0.as_millis()).unwrap_or(0) + 1_000_000;
        self.master.began = self.now;
        self.master.dies_after = None;
        self.master.core = Some(MasterCore::new(Rules::default(), self.master.disk.clone(), started_at));
        self.log(|world| format!("the master starts, term {}", world.master.disk.term));
    }

    /// `kill -9`.
    pub(crate) fn kill_master(&mut self) {
        self.master.core = None;
        self.log(|_| "the master is killed".to_owned());
        let keeps_tail = self.chance.one_in(2);
        for (stream, end) in self.network.of(Node::Master) {
            self.close(stream, end, keeps_tail);
        }
        let away = self.chance.millis(50, 20_000);
        self.after(away, super::Happening::StartMaster);
    }

    pub(crate) fn master_receives(&mut self, stream: StreamId, peer: Node, letter: Letter) {
        let link = LinkId(stream);
        let event = match letter {
            Letter::AgentToMaster(message) => Event::Agent(link, message),
            Letter::DriverToMaster(message) => Event::Framework(link, message),
            Letter::Closed => Event::Closed(link),
            _ => return,
        };
        self.log(|_| format!("master < {peer:?}: {event:?}"));
        self.step_master(event);
    }

    pub(crate) fn step_master(&mut self, event: Event) {
        self.master.wake_not_before = self.now + std::time::Duration::from_millis(1);
        let now = Time(self.now.since(self.master.began));
        let Some(core) = &mut self.master.core else { return };
        let mut commands = core.step(event, now);
        let is_write = |command: &mut Command| matches!(command, Command::Write(_));
        for write in commands.extract_if(.., is_write).collect::<Vec<_>>() {
            let Command::Write(mut change) = write else { continue };
            if let (Some(Sabotage::ForgetNames), Change::Counters(counters)) = (self.sabotage, &mut change) {
                counters.frameworks = self.master.disk.counters.frameworks;
            }
            self.master.disk.apply(change);
        }
        let dies = self.master.dies_after.take();
        commands.truncate(dies.unwrap_or(usize::MAX));
        for command in commands {
            match command {
                Command::ToAgent(link, message) => {
                    self.log(|_| format!("master > {link}: {message:?}"));
                    self.send(link.0, End::Listener, Letter::MasterToAgent(message));
                }
                Command::ToFramework(link, message) => {
                    self.log(|_| format!("master > {link}: {message:?}"));
                    self.send(link.0, End::Listener, Letter::MasterToDriver(message));
                }
                Command::Close(link) => self.close(link.0, End::Listener, true),
                Command::Write(_) | Command::Answer(..) => {}
            }
        }
        if dies.is_some() {
            self.kill_master();
        }
    }
}
