//! A master's core with agents and drivers that are just good enough to talk to it, over links that lose what is under
//! way when they break.

use super::super::*;
use rsk_proto::{
    AgentFacts, AgentId, AgentToMaster, Attributes, BlobHash, Demand, ExecutorClaim, ExecutorEnd, ExecutorId,
    ExecutorKey, ExecutorReport, ExecutorSpec, ExecutorState, FrameworkEpoch, FrameworkFacts, FrameworkId,
    FrameworkToMaster, Hello, Incarnation, MasterToAgent, MasterToFramework, Offer, Part, Refusal, Refuse,
    Resources, RoleName, Time,
};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

pub(super) struct World {
    pub(super) core: MasterCore,
    pub(super) disk: Recovered,
    pub(super) now: Time,
    pub(super) agents: Vec<SimAgent>,
    pub(super) apps: Vec<SimApp>,
    next_link: u64,
    began: Time,
}

#[derive(Default)]
pub(super) struct SimAgent {
    pub(super) id: Option<AgentId>,
    pub(super) incarnation: u64,
    pub(super) link: Option<LinkId>,
    pub(super) inbox: VecDeque<MasterToAgent>,
    pub(super) executors: BTreeMap<ExecutorKey, (ExecutorState, Resources)>,
    pub(super) files: BTreeSet<FrameworkId>,
}

#[derive(Default)]
pub(super) struct SimApp {
    pub(super) known: Option<(FrameworkId, FrameworkEpoch)>,
    pub(super) link: Option<LinkId>,
    pub(super) inbox: VecDeque<MasterToFramework>,
    pub(super) offers: Vec<Offer>,
    pub(super) demand: Option<Demand>,
    pub(super) executors: BTreeMap<ExecutorId, AgentId>,
    pub(super) ordered: u64,
    pub(super) ended: BTreeSet<ExecutorId>,
    pub(super) is_over: bool,
    pub(super) driver: Option<rsk_proto::DriverId>,
    pub(super) epochs: Vec<FrameworkEpoch>,
}

pub(super) fn total() -> Resources {
    "cpus:10;mem:1000;ports:[1-20]".parse().unwrap()
}

pub(super) fn facts(number: usize) -> AgentFacts {
    AgentFacts {
        host: format!("host-{number}"),
        address: format!("host-{number}:5051"),
        reserved: std::collections::BTreeMap::new(),
        resources: total(),
        attributes: Attributes::default(),
        platform: "x86_64".to_owned(),
    }
}

impl World {
    pub(super) fn new(agents: usize, apps: usize) -> Self {
        let disk = Recovered { registry: 7, term: 1, ..Recovered::default() };
        World {
            core: MasterCore::new(Rules::default(), disk.clone(), 0),
            disk,
            now: Time::default(),
            agents: (0..agents).map(|_| SimAgent::default()).collect(),
            apps: (0..apps).map(|_| SimApp::default()).collect(),
            next_link: 0,
            began: Time::default(),
        }
    }

    fn link(&mut self) -> LinkId {
        self.next_link += 1;
        LinkId(self.next_link)
    }

    /// Hands an event over and carries the commands out.
    pub(super) fn step(&mut self, event: Event) {
        let now = Time(self.now.since(self.began));
        for command in self.core.step(event, now) {
            match command {
                Command::Write(change) => self.disk.apply(change),
                Command::ToAgent(link, message) => {
                    let agent = self.agents.iter_mut().find(|agent| agent.link == Some(link));
                    agent.into_iter().for_each(|agent| agent.inbox.push_back(message.clone()));
                }
                Command::ToFramework(link, message) => {
                    let app = self.apps.iter_mut().find(|app| app.link == Some(link));
                    app.into_iter().for_each(|app| app.inbox.push_back(message.clone()));
                }
                // What was said before can still be read.
                Command::Close(link) => {
                    self.agents.iter_mut().filter(|it| it.link == Some(link)).for_each(|it| it.link = None);
                    self.apps.iter_mut().filter(|it| it.link == Some(link)).for_each(|it| it.link = None);
                }
                Command::Answer(..) => {}
            }
        }
    }

    pub(super) fn connect_agent(&mut self, at: usize) {
        self.break_agent(at);
        let link = self.link();
        let agent = &mut self.agents[at];
        agent.link = Some(link);
        let report =
            |(key, (state, resources)): (&ExecutorKey, &(ExecutorState, Resources))| ExecutorReport {
                key: *key,
                role: RoleName::default(),
                resources: resources.clone(),
                slots: 1,
                driver: None,
                state: state.clone(),
            };
        let register = AgentToMaster::Register {
            hello: Hello::ours(),
            id: agent.id,
            incarnation: Incarnation(agent.incarnation),
            facts: Box::new(facts(at)),
            executors: agent.executors.iter().map(report).collect(),
            frameworks: agent.files.iter().copied().collect(),
        };
        self.step(Event::Agent(link, register));
    }

    pub(super) fn break_agent(&mut self, at: usize) {
        self.agents[at].inbox.clear();
        if let Some(link) = self.agents[at].link.take() {
            self.step(Event::Closed(link));
        }
    }

    pub(super) fn agent_says(&mut self, at: usize, message: AgentToMaster) {
        if let Some(link) = self.agents[at].link {
            self.step(Event::Agent(link, message));
        }
    }

    /// An agent reads one message.
    pub(super) fn agent_reads(&mut self, at: usize) {
        let agent = &mut self.agents[at];
        let Some(message) = agent.inbox.pop_front() else { return };
        match message {
            MasterToAgent::Registered { id, .. } => {
                agent.id = Some(id);
                self.agent_says(at, AgentToMaster::Heartbeat);
            }
            MasterToAgent::Refused(_) => {
                // Its name is gone: it ends what it runs and begins anew.
                let (incarnation, link) = (agent.incarnation, agent.link);
                *agent = SimAgent { incarnation, ..SimAgent::default() };
                link.into_iter().for_each(|link| self.step(Event::Closed(link)));
            }
            MasterToAgent::Heartbeat => self.agent_says(at, AgentToMaster::Heartbeat),
            MasterToAgent::Launch(spec) => {
                let key = ExecutorKey { framework: spec.framework, executor: spec.executor };
                agent.files.insert(spec.framework);
                agent.executors.insert(key, (ExecutorState::Running, spec.resources));
                self.agent_says(at, AgentToMaster::ExecutorRuns(key));
            }
            MasterToAgent::Kill { key, .. } => self.end_executor(at, key, ExecutorEnd::Killed),
            MasterToAgent::Acknowledge(key) => {
                agent.executors.remove(&key);
            }
            MasterToAgent::End(framework) => {
                let all: Vec<_> =
                    agent.executors.keys().copied().filter(|it| it.framework == framework).collect();
                agent.files.remove(&framework);
                all.into_iter().for_each(|key| self.end_executor(at, key, ExecutorEnd::Killed));
                self.agent_says(at, AgentToMaster::Cleaned(framework));
            }
        }
    }

    pub(super) fn end_executor(&mut self, at: usize, key: ExecutorKey, end: ExecutorEnd) {
        let end = match self.agents[at].executors.get_mut(&key) {
            Some((ExecutorState::Ended(end), _)) => end.clone(),
            Some((state, _)) => {
                *state = ExecutorState::Ended(end.clone());
                end
            }
            None => ExecutorEnd::Dropped,
        };
        self.agent_says(at, AgentToMaster::ExecutorEnded { key, end });
    }

    pub(super) fn connect_app(&mut self, at: usize) {
        if self.apps[at].is_over {
            return;
        }
        self.break_app(at);
        let link = self.link();
        let app = &mut self.apps[at];
        app.link = Some(link);
        let facts = FrameworkFacts {
            name: format!("app {at}"),
            user: "ann".to_owned(),
            host: "home".to_owned(),
            role: RoleName::default(),
            address: "home:4040".to_owned(),
            web: None,
            failover_timeout: Duration::from_mins(1),
            driver: app.driver,
            blobs: Vec::new(),
        };
        let claim =
            |(executor, agent): (&ExecutorId, &AgentId)| ExecutorClaim { executor: *executor, agent: *agent };
        let subscribe = FrameworkToMaster::Subscribe {
            hello: Hello::ours(),
            known: app.known,
            facts: Box::new(facts),
            demand: app.demand.clone(),
            executors: app.executors.iter().map(claim).collect(),
        };
        self.step(Event::Framework(link, subscribe));
    }

    pub(super) fn break_app(&mut self, at: usize) {
        self.apps[at].inbox.clear();
        self.apps[at].offers.clear();
        if let Some(link) = self.apps[at].link.take() {
            self.step(Event::Closed(link));
        }
    }

    pub(super) fn app_says(&mut self, at: usize, message: FrameworkToMaster) {
        if let Some(link) = self.apps[at].link {
            self.step(Event::Framework(link, message));
        }
    }

    /// A driver reads one message.
    pub(super) fn app_reads(&mut self, at: usize) {
        let app = &mut self.apps[at];
        let Some(message) = app.inbox.pop_front() else { return };
        match message {
            MasterToFramework::Subscribed { id, epoch, .. } => {
                app.known = Some((id, epoch));
                app.epochs.push(epoch);
            }
            MasterToFramework::Refused(Refusal::Replaced(_)) => app.link = None,
            MasterToFramework::Refused(_) | MasterToFramework::Stop { .. } => {
                let (ended, epochs) = (std::mem::take(&mut app.ended), std::mem::take(&mut app.epochs));
                *app = SimApp { is_over: true, ended, epochs, ..SimApp::default() };
            }
            MasterToFramework::Heartbeat => self.app_says(at, FrameworkToMaster::Heartbeat),
            MasterToFramework::Offers(offers) => app.offers.extend(offers),
            MasterToFramework::Rescinded(gone) => app.offers.retain(|offer| !gone.contains(&offer.id)),
            MasterToFramework::ExecutorEnded { executor, .. } => {
                app.executors.remove(&executor);
                app.ended.insert(executor);
                self.app_says(at, FrameworkToMaster::Acknowledge(executor));
            }
            MasterToFramework::ExecutorRuns { .. }
            | MasterToFramework::AgentLost(_)
            | MasterToFramework::Unsatisfiable { .. } => {}
        }
    }

    /// A driver buys an executor with its first offer.
    pub(super) fn accept(&mut self, at: usize, resources: &str) {
        let app = &mut self.apps[at];
        let (Some((framework, epoch)), false) = (app.known, app.offers.is_empty()) else { return };
        let offer = app.offers.remove(0);
        app.ordered += 1;
        let executor = ExecutorId(app.ordered);
        app.executors.insert(executor, offer.agent);
        let spec = ExecutorSpec {
            framework,
            epoch,
            executor,
            role: RoleName::default(),
            resources: resources.parse().unwrap(),
            slots: 1,
            program: BlobHash([0; 32]),
            files: BTreeMap::new(),
            arguments: vec![],
            environment: BTreeMap::new(),
            part: Part::Executor { driver: "home:4040".to_owned(), token: String::new() },
        };
        let (offers, executors) = (vec![offer.id], vec![spec]);
        self.app_says(at, FrameworkToMaster::Accept { offers, executors, rest: Refuse::because("enough") });
    }

    pub(super) fn restart_master(&mut self) {
        self.disk.term += 1;
        self.began = self.now;
        self.core = MasterCore::new(Rules::default(), self.disk.clone(), 0);
        for agent in &mut self.agents {
            (agent.link, agent.inbox) = (None, VecDeque::new());
        }
        for app in &mut self.apps {
            (app.link, app.inbox, app.offers) = (None, VecDeque::new(), Vec::new());
        }
    }

    pub(super) fn advance(&mut self, duration: Duration) {
        self.now = self.now + duration;
        self.step(Event::Wake);
    }

    /// All links are there, all messages are read, and time passes.
    pub(super) fn settle(&mut self, seconds: u64) {
        for _ in 0..seconds {
            for at in 0..self.agents.len() {
                if self.agents[at].link.is_none() {
                    self.connect_agent(at);
                }
            }
            for at in 0..self.apps.len() {
                if self.apps[at].link.is_none() {
                    self.connect_app(at);
                }
            }
            self.read_all();
            self.advance(Duration::from_secs(1));
        }
        self.read_all();
    }

    pub(super) fn read_all(&mut self) {
        while self.agents.iter().any(|it| !it.inbox.is_empty())
            || self.apps.iter().any(|it| !it.inbox.is_empty())
        {
            (0..self.agents.len()).for_each(|at| self.agent_reads(at));
            (0..self.apps.len()).for_each(|at| self.app_reads(at));
        }
    }
}
