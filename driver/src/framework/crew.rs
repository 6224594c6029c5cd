//! The executors of an application as they come and go: who was ordered, who dialled, and who has left.

use super::{
    carrier::{Carrier, Underway},
    shell::News,
    values::{Answer, Values},
    web,
};
use crate::{
    dispatch::{Dispatch, StageProgress, Useless},
    image,
    local::STACK_BYTES,
    peer::{Answers, Peer, Peers, refusal},
    place::{Heard, Place},
    task::site::Site,
    track::MapOutputTable,
};
use crossbeam_channel::{Sender, unbounded};
use parking_lot::{Condvar, Mutex};
use rsk_executor::{DriverLink, ExecutorConfig};
use rsk_proto::{
    AgentId, BlockSecret, ExecutorId, FromExecutor, Keeper, LOST_AFTER, Sealed, Silent, TaskEnd, TaskError,
    TaskId, TaskOutput, ToExecutor, Unheard, VALUE_SHARED_FROM, ValueId, receive, send,
    status::{StageStatus, TasksStatus},
};
use std::{
    collections::BTreeMap,
    io,
    net::{Shutdown, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};
use tokio::sync::mpsc;

/// Who dials has so long to say who it is.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);
/// An executor that does not read what it is sent for so long is lost.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// An agent says so soon why an executor has ended, if it says so at all.
const FATE_WITHIN: Duration = Duration::from_secs(1);
/// Connections whose greeting is awaited at a time: beyond, the oldest of them is cut off.
const GREETINGS_MAX: usize = 64;

/// The executors of one application.
pub(crate) struct Crew {
    pub(super) dispatch: Arc<Dispatch>,
    pub(super) link: Arc<dyn DriverLink>,
    pub(super) peers: Arc<Peers>,
    pub(super) map_outputs: Arc<MapOutputTable>,
    /// Where large results are brought.
    pub(super) results: PathBuf,
    pub(super) sizes: ExecutorConfig,
    /// What its executors show one another.
    pub(super) secret: BlockSecret,
    /// How they reach stores.
    pub(super) storage: Sealed,
    pub(super) news: mpsc::Sender<News>,
    /// Those that were ordered and have not dialled, each with what it must show.
    pub(super) expected: Mutex<BTreeMap<ExecutorId, (String, Site)>>,
    pub(super) members: Mutex<BTreeMap<ExecutorId, Member>>,
    /// Who has got which large value.
    pub(super) values: Mutex<Values>,
    pub(super) is_over: AtomicBool,
}

pub(super) struct Member {
    place: Arc<Place>,
    peer: Arc<Peer>,
    stream: TcpStream,
    fate: Arc<Fate>,
}

/// How an executor ended, once its agent has said so.
#[derive(Default)]
struct Fate {
    why: Mutex<Option<String>>,
    is_known: Condvar,
}

impl Fate {
    fn tell(&self, why: &str) {
        self.why.lock().get_or_insert_with(|| why.to_owned());
        self.is_known.notify_all();
    }

    /// Waits for it a little.
    fn wait(&self) -> Option<String> {
        let mut why = self.why.lock();
        if why.is_none() {
            self.is_known.wait_for(&mut why, FATE_WITHIN);
        }
        why.clone()
    }
}

/// What one executor asks and says.
struct Asks {
    crew: Arc<Crew>,
    executor: ExecutorId,
    place: Arc<Place>,
    underway: Arc<Underway>,
    heard: Vec<Heard>,
    /// Tasks whose large results are to be brought.
    results: Sender<(TaskEnd, Arc<AtomicBool>)>,
}

impl Answers for Asks {
    fn link(&self) -> &dyn DriverLink {
        &*self.crew.link
    }

    fn want_value(&self, peer: &Peer, id: ValueId, is_urgent: bool) -> io::Result<()> {
        let value = self.crew.link.value(id);
        let is_large = value.as_ref().is_ok_and(|bytes| bytes.len() >= VALUE_SHARED_FROM);
        let answer = if is_large {
            self.crew.values.lock().wanted(id, self.executor, is_urgent)
        } else {
            Answer::Send
        };
        match answer {
            Answer::Send => peer.say(&ToExecutor::Value(id, value.map(|bytes| bytes.to_vec()))),
            Answer::At(keepers) => peer.say(&ToExecutor::ValueAt(id, keepers)),
            Answer::Later => Ok(()),
        }
    }

    fn has_value(&self, id: ValueId, keeper: Option<Keeper>) -> io::Result<()> {
        let answers = self.crew.values.lock().held(id, self.executor, keeper);
        for (executor, answer) in answers {
            self.crew.answer(executor, id, answer);
        }
        Ok(())
    }

    fn ended(&mut self, end: TaskEnd) -> Option<TaskEnd> {
        // One that was given up is not waited for.
        let (_, is_killed) = self.underway.end(end.attempt.task)?;
        if let Ok(TaskOutput::Spooled { .. }) = &end.outcome {
            // Where they are brought is there as long as this.
            self.results.send((end, is_killed)).unwrap_or(());
        } else {
            self.heard.push(Heard::Ended(end));
        }
        None
    }

    fn returned(&mut self, tasks: &[TaskId]) {
        let returned = tasks.iter().filter_map(|task| self.underway.end(*task));
        self.heard.extend(returned.map(|(attempt, _)| Heard::Returned(attempt)));
    }

    fn caught_up(&mut self) {
        if !self.heard.is_empty() {
            self.crew.dispatch.report(&self.place, std::mem::take(&mut self.heard));
        }
    }
}

impl Crew {
    /// An executor is ordered: what it must show when it dials.
    pub(super) fn expect(&self, id: ExecutorId, site: Site) -> String {
        let mut token = [0; 16];
        if let Err(error) = getrandom::fill(&mut token) {
            // Nobody may join with a token that can be guessed.
            self.give_up(&format!("this machine has no random numbers: {error}"));
            return String::new();
        }
        let token = u128::from_le_bytes(token).to_string();
        self.expected.lock().insert(id, (token.clone(), site));
        token
    }

    /// How many tasks wait or run, and which executors have work or hold blocks.
    pub(super) fn load(&self) -> (usize, Vec<ExecutorId>) {
        self.dispatch.load()
    }

    /// What no task that waits can use.
    pub(super) fn useless(&self) -> Useless {
        self.dispatch.useless()
    }

    /// What runs, for people.
    fn tasks(&self) -> TasksStatus {
        let (now, stages) = self.dispatch.progress();
        let stage = |stage: StageProgress| StageStatus {
            stage: stage.id.0,
            name: stage.name,
            tasks: stage.tasks as u64,
            done: stage.done as u64,
            running: stage.running as u64,
            age_ms: u64::try_from(now.since(stage.since).as_millis()).unwrap_or(u64::MAX),
        };
        TasksStatus {
            stages: stages.into_iter().map(stage).collect(),
            running: self.dispatch.running(),
            excluded: self.dispatch.exclusions(),
        }
    }

    /// It gets no more tasks; it ends when it has done those it has.
    pub(super) fn release(&self, id: ExecutorId) {
        if let Some(member) = self.members.lock().get(&id) {
            self.dispatch.leave(&member.place);
        }
    }

    /// It is gone.
    pub(super) fn forget(&self, id: ExecutorId, why: &str) {
        self.expected.lock().remove(&id);
        let gone = self.members.lock().remove(&id);
        if let Some(member) = gone {
            tracing::info!(executor = %id, why, "an executor has gone");
            self.dispatch.leave(&member.place);
            member.fate.tell(why);
            // Whoever waits for its tasks hears it now.
            member.stream.shutdown(Shutdown::Both).unwrap_or(());
        } else {
            tracing::info!(executor = %id, why, "an executor has gone before it came");
        }
    }

    /// An agent is gone: what was on it must be made again.
    pub(super) fn forget_agent(&self, agent: AgentId) {
        tracing::warn!(%agent, "an agent is lost: what it kept is made again");
        self.map_outputs.forget_agent(agent);
        self.values.lock().forget_agent(agent);
    }

    /// A value is not wanted any more.
    pub(crate) fn forget_value(&self, id: ValueId) {
        self.values.lock().forget(id);
    }

    /// No job can go on.
    pub(super) fn give_up(&self, why: &str) {
        self.dispatch.stop(why);
    }

    /// The application ends: nobody is welcome any more, and those who are there go.
    pub(super) fn end(&self, listens_at: &str) {
        self.is_over.store(true, Ordering::Relaxed);
        self.expected.lock().clear();
        let members = std::mem::take(&mut *self.members.lock());
        for member in members.into_values() {
            self.dispatch.leave(&member.place);
            member.stream.shutdown(Shutdown::Both).unwrap_or(());
        }
        // The listener looks at whether it is over when somebody dials.
        drop(TcpStream::connect(listens_at));
    }

    /// Welcomes executors until the application ends.
    pub(super) fn listen(self: Arc<Self>, listener: &TcpListener) {
        let unheard = Unheard::new(GREETINGS_MAX);
        for stream in listener.incoming() {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let Ok(silent) = unheard.add(&stream) else { continue };
            let crew = Arc::clone(&self);
            let greet = move || {
                let from = stream.peer_addr().map_or_else(|_| String::new(), |address| address.to_string());
                let outcome = Arc::clone(&crew).greet(stream, silent);
                if let Err(error) = outcome
                    && !crew.is_over.load(Ordering::Relaxed)
                {
                    tracing::warn!(%error, from, "somebody dialled who is no executor of this application");
                }
            };
            if let Err(error) = thread::Builder::new().name("greet".to_owned()).spawn(greet) {
                tracing::error!(%error, "cannot start a thread to greet an executor");
            }
        }
    }

    fn greet(self: Arc<Self>, mut stream: TcpStream, silent: Silent) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(GREETING_TIMEOUT))?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let mut begins = [0; 4];
        if stream.peek(&mut begins)? == 4 && begins == *b"GET " {
            return web::answer(&mut stream, || self.tasks());
        }
        let hello: FromExecutor = receive(&mut stream)?;
        drop(silent);
        let (id, welcome) = self.examine(&hello)?;
        let site = match welcome {
            Ok(site) => site,
            Err(why) => {
                send(&ToExecutor::Refused { why: why.clone() }, &mut stream)?;
                return Err(io::Error::other(why));
            }
        };
        let ExecutorConfig { memory, slots } = self.sizes;
        let secret = Some(self.secret);
        send(
            &ToExecutor::Welcome {
                memory,
                slots,
                work_dir: PathBuf::new(),
                secret,
                storage: self.storage.clone(),
            },
            &mut stream,
        )?;
        stream.set_read_timeout(Some(LOST_AFTER))?;
        let place = Arc::new(Place::new(id, slots, site));
        let underway = Arc::new(Underway::new());
        let (results, to_bring) = unbounded();
        let asks = Asks {
            crew: Arc::clone(&self),
            executor: id,
            place: Arc::clone(&place),
            underway: Arc::clone(&underway),
            heard: Vec::new(),
            results,
        };
        let own = stream.try_clone()?;
        let fate = Arc::<Fate>::default();
        let (crew, ended) = (Arc::downgrade(&self), Arc::clone(&fate));
        let (gone, lost) = (Arc::clone(&place), Arc::clone(&underway));
        let peer = Peer::start(stream.try_clone()?, stream, asks, move || {
            crew.upgrade().inspect(|crew| crew.left(&gone, &lost, &ended));
        })?;
        let member = Member { place: Arc::clone(&place), peer: Arc::clone(&peer), stream: own, fate };
        self.members.lock().insert(id, member);
        self.peers.join(&peer);
        if let FromExecutor::Hello { blocks_at: Some(at), .. } = hello {
            self.dispatch.blocks().gives_at(id, &at);
        }
        self.dispatch.join(&place);
        tracing::info!(executor = %id, slots, "an executor has come");
        self.tell(News::Joined(id));
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let (crew, of, from) = (Arc::clone(&self), Arc::clone(&place), Arc::clone(&peer));
        named("results").spawn(move || {
            to_bring.iter().for_each(|(end, is_killed)| crew.bring(&of, &from, end, &is_killed));
        })?;
        let carrier = Carrier { crew: self, place, peer, underway };
        named("carry").stack_size(STACK_BYTES).spawn(move || carrier.run())?;
        Ok(())
    }

    /// An executor's stream has ended.
    fn left(&self, place: &Place, underway: &Underway, fate: &Fate) {
        self.dispatch.leave(place);
        let is_over = self.is_over.load(Ordering::Relaxed);
        if !is_over {
            // One that has only fallen silent keeps its slots until somebody ends it.
            self.tell(News::Stuck(place.id));
        }
        let answers = self.values.lock().gone(place.id);
        for (id, executor, answer) in answers {
            self.answer(executor, id, answer);
        }
        // Whoever reads that a task was lost is to read why.
        let why = if is_over || underway.is_empty() { None } else { fate.wait() };
        let why = why.unwrap_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof).to_string());
        self.dispatch.report(place, underway.close(&format!("its {}: {why}", place.id)));
    }

    /// Tells one that waits for a value.
    fn answer(&self, executor: ExecutorId, id: ValueId, answer: Answer) {
        let peer = self.members.lock().get(&executor).map(|member| Arc::clone(&member.peer));
        let message = match answer {
            Answer::Send => ToExecutor::Value(id, self.link.value(id).map(|bytes| bytes.to_vec())),
            Answer::At(keepers) => ToExecutor::ValueAt(id, keepers),
            Answer::Later => return,
        };
        if let Some(Err(error)) = peer.map(|peer| peer.say(&message)) {
            tracing::debug!(%error, "an executor that waits for a value is gone");
        }
    }

    /// Which executor it is, and where; or why it is not welcome.
    fn examine(&self, hello: &FromExecutor) -> io::Result<(ExecutorId, Result<Site, String>)> {
        let FromExecutor::Hello { claim: Some((id, token)), .. } = hello else {
            return Err(io::Error::other("it did not say which executor it is"));
        };
        let own = image::hash()?;
        let mut expected = self.expected.lock();
        if expected.get(id).is_none_or(|(expected, _)| expected != token) {
            return Ok((*id, Err(format!("{id} is not expected here"))));
        }
        let site = expected.remove(id).map(|(_, site)| site);
        Ok((*id, refusal(hello, own).map_or_else(|| site.ok_or_else(String::new), Err)))
    }

    /// A task whose large result has come here has ended.
    fn bring(&self, place: &Place, peer: &Peer, mut end: TaskEnd, is_killed: &AtomicBool) {
        if is_killed.load(Ordering::Relaxed) {
            peer.drop_result(end.attempt.task);
            end.outcome = Err(TaskError::Killed("its result is not wanted".to_owned()));
        } else if let Ok(TaskOutput::Spooled { path, bytes }) = &mut end.outcome {
            let here = self.results.join(end.attempt.task.to_string());
            match peer.pull(end.attempt.task, *bytes, &here) {
                Ok(()) => *path = here,
                Err(error) => end.outcome = Err(error),
            }
        }
        self.dispatch.report(place, vec![Heard::Ended(end)]);
    }

    /// An executor is no good any more: it gets nothing, and whoever started it ends it.
    pub(super) fn lose(&self, place: &Place) {
        self.dispatch.leave(place);
        self.tell(News::Stuck(place.id));
    }

    /// The conversation with the master hears of it unless the application has ended.
    fn tell(&self, news: News) {
        if self.news.blocking_send(news).is_err() {
            tracing::debug!("the application has ended");
        }
    }
}

impl std::fmt::Debug for Crew {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crew").finish_non_exhaustive()
    }
}
