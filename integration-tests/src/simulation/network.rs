//! Streams as TCP has them: in order and without gaps until they break, which loses what is under way; two streams know
//! nothing of each other's order. A way between two machines may be closed in one direction: what is sent there waits.

use super::{Happening, World};
use rsk_proto::{
    AgentToMaster, ExecutorId, FrameworkToMaster, MasterToAgent, MasterToFramework, PartitionId, Time,
};
use std::{collections::BTreeMap, time::Duration};

/// A connection that is not there after this is given up.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A stream on which nothing arrives for so long is given up by the side that listened.
pub(crate) const SILENT_MAX: Duration = Duration::from_secs(27);

/// Where something runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Node {
    Master,
    Machine(usize),
    Driver(usize),
}

/// One stream, never used twice.
pub(crate) type StreamId = u64;

/// What travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Letter {
    Connected,
    Closed,
    AgentToMaster(AgentToMaster),
    MasterToAgent(MasterToAgent),
    DriverToMaster(FrameworkToMaster),
    MasterToDriver(MasterToFramework),
    /// An executor says who it is.
    Hello(ExecutorId),
    Task(PartitionId, u32),
    /// The result of an attempt is ready.
    Done(PartitionId, u32),
}

/// Which side of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Dialler,
    Listener,
}

impl End {
    pub(crate) fn other(self) -> End {
        match self {
            End::Dialler => End::Listener,
            End::Listener => End::Dialler,
        }
    }

    fn at(self) -> usize {
        match self {
            End::Dialler => 0,
            End::Listener => 1,
        }
    }
}

#[derive(Debug)]
struct Stream {
    nodes: [Node; 2],
    /// Whether a side still sends and listens.
    is_open: [bool; 2],
    /// What a side has sent and is under way is lost.
    is_cut: [bool; 2],
    /// When the last that a side sent arrives.
    last: [Time; 2],
}

/// All streams, and the ways between the machines.
#[derive(Debug, Default)]
pub(crate) struct Network {
    streams: BTreeMap<StreamId, Stream>,
    dialled: StreamId,
    closed: BTreeMap<(Node, Node), Time>,
    /// The longest usual delay, in microseconds.
    pub(crate) delay_micros_max: u64,
}

impl Network {
    pub(crate) fn new(delay_micros_max: u64) -> Self {
        Network { delay_micros_max, ..Network::default() }
    }

    /// The node at the other side of a stream.
    pub(crate) fn peer(&self, stream: StreamId, end: End) -> Option<Node> {
        self.streams.get(&stream).map(|it| it.nodes[end.other().at()])
    }

    /// Streams that touch a node, and its side of them.
    pub(crate) fn of(&self, node: Node) -> Vec<(StreamId, End)> {
        let mut all = Vec::new();
        for (id, stream) in &self.streams {
            for end in [End::Dialler, End::Listener] {
                if stream.nodes[end.at()] == node {
                    all.push((*id, end));
                }
            }
        }
        all
    }

    pub(crate) fn all(&self) -> Vec<StreamId> {
        self.streams.keys().copied().collect()
    }

    /// All ways are open again.
    pub(crate) fn heal(&mut self) {
        self.closed.clear();
    }
}

impl World {
    /// When what is sent now arrives.
    fn arrival(&mut self, from: Node, to: Node, sent: Time) -> Time {
        let most = self.network.delay_micros_max;
        let mut delay = self.chance.micros(50, 100 + most);
        if self.chance.one_in(200) && !self.is_quiet {
            delay += self.chance.millis(10, 4000);
        }
        let opens = self.network.closed.get(&(from, to)).copied().unwrap_or_default();
        sent.max(opens) + delay
    }

    /// Closes a way, in one direction, for a while.
    pub(crate) fn close_way(&mut self, from: Node, to: Node, lasts: Duration) {
        let until = self.now + lasts;
        self.network.closed.insert((from, to), until);
        if lasts <= SILENT_MAX {
            return;
        }
        for (stream, end) in self.network.of(from) {
            if self.network.peer(stream, end) == Some(to) {
                // The side that hears nothing any more gives the stream up.
                self.after(SILENT_MAX, Happening::Silent(stream, end.other()));
            }
        }
    }

    /// One side has heard nothing for too long.
    pub(crate) fn silent(&mut self, stream: StreamId, end: End) {
        let Some(it) = self.network.streams.get(&stream) else { return };
        let way = (it.nodes[end.other().at()], it.nodes[end.at()]);
        if self.network.closed.get(&way).is_some_and(|until| *until > self.now) {
            self.cut(stream, end.other());
            self.cut(stream, end);
            self.deliver(stream, end, Letter::Closed, true);
        }
    }

    /// Begins a stream. The dialler hears whether it is there, unless it is gone by then.
    pub(crate) fn dial(&mut self, from: Node, to: Node) -> StreamId {
        self.network.dialled += 1;
        let id = self.network.dialled;
        let there = self.arrival(from, to, self.now);
        let back = self.arrival(to, from, there);
        let last = [there, back];
        let stream = Stream { nodes: [from, to], is_open: [true, false], is_cut: [false; 2], last };
        self.network.streams.insert(id, stream);
        if back.since(self.now) > CONNECT_WITHIN {
            self.after(CONNECT_WITHIN, Happening::Arrives(id, End::Dialler, Letter::Closed));
        } else {
            self.at(there, Happening::Dialled(id, back));
        }
        id
    }

    /// Somebody dials, and is heard.
    pub(crate) fn dialled(&mut self, stream: StreamId, back: Time) {
        let Some(to) = self.network.peer(stream, End::Dialler) else { return };
        let is_there = self.is_listening(to);
        let Some(it) = self.network.streams.get_mut(&stream) else { return };
        it.is_open[1] = is_there;
        let letter = if is_there { Letter::Connected } else { Letter::Closed };
        self.at(back, Happening::Arrives(stream, End::Dialler, letter));
    }

    /// Sends something. On a stream that this side has closed nothing is sent.
    pub(crate) fn send(&mut self, stream: StreamId, from: End, letter: Letter) {
        let Some(it) = self.network.streams.get(&stream).filter(|it| it.is_open[from.at()]) else { return };
        let (nodes, last) = (it.nodes, it.last[from.at()]);
        let arrives = self.arrival(nodes[from.at()], nodes[from.other().at()], self.now).max(last);
        if let Some(it) = self.network.streams.get_mut(&stream) {
            it.last[from.at()] = arrives;
        }
        self.at(arrives, Happening::Arrives(stream, from.other(), letter));
    }

    /// What a side has sent and has not arrived is lost.
    fn cut(&mut self, stream: StreamId, end: End) {
        if let Some(it) = self.network.streams.get_mut(&stream) {
            it.is_cut[end.at()] = true;
        }
    }

    /// A side ends a stream: what it has said arrives first, or is lost.
    pub(crate) fn close(&mut self, stream: StreamId, end: End, keeps_tail: bool) {
        let Some(it) = self.network.streams.get(&stream).filter(|it| it.is_open[end.at()]) else { return };
        let (nodes, last) = (it.nodes, it.last[end.at()]);
        let arrives = self.arrival(nodes[end.at()], nodes[end.other().at()], self.now).max(last);
        if !keeps_tail {
            self.cut(stream, end);
        }
        if let Some(it) = self.network.streams.get_mut(&stream) {
            it.is_open[end.at()] = false;
        }
        self.at(arrives, Happening::Arrives(stream, end.other(), Letter::Closed));
    }

    /// A side is gone, and cannot even say so: the other one hears nothing for a while.
    pub(crate) fn vanish(&mut self, stream: StreamId, end: End) {
        if let Some(it) = self.network.streams.get_mut(&stream) {
            it.is_open[end.at()] = false;
            self.after(SILENT_MAX, Happening::Arrives(stream, end.other(), Letter::Closed));
        }
    }

    /// A stream breaks: what is under way is lost, and both sides hear of it sooner or later.
    pub(crate) fn break_stream(&mut self, stream: StreamId) {
        for end in [End::Dialler, End::Listener] {
            self.cut(stream, end);
            let late = self.chance.millis(1, 3000);
            self.after(late, Happening::Arrives(stream, end, Letter::Closed));
        }
    }

    /// Something arrives.
    pub(crate) fn arrives(&mut self, stream: StreamId, to: End, letter: Letter) {
        self.deliver(stream, to, letter, false);
    }

    fn deliver(&mut self, stream: StreamId, to: End, letter: Letter, is_forced: bool) {
        let Some(it) = self.network.streams.get(&stream) else { return };
        let is_lost = it.is_cut[to.other().at()] && letter != Letter::Closed && !is_forced;
        if is_lost || !it.is_open[to.at()] {
            return;
        }
        let node = it.nodes[to.at()];
        let peer = it.nodes[to.other().at()];
        if letter == Letter::Closed
            && let Some(it) = self.network.streams.get_mut(&stream)
        {
            it.is_open[to.at()] = false;
            it.is_cut[to.at()] = true;
            // Who gives a stream up ends it for the other side, too.
            if it.is_open[to.other().at()] {
                let arrives = self.arrival(node, peer, self.now);
                self.at(arrives, Happening::Arrives(stream, to.other(), Letter::Closed));
            }
        }
        match (node, peer) {
            (Node::Master, _) => self.master_receives(stream, peer, letter),
            (Node::Machine(at), Node::Master) => self.agent_receives(at, stream, letter),
            (Node::Driver(at), Node::Master) => self.driver_receives(at, stream, letter),
            (Node::Driver(at), _) => self.driver_hears_executor(at, stream, &letter),
            (Node::Machine(_), _) => self.process_receives(stream, &letter),
        }
        if self.network.streams.get(&stream).is_some_and(|it| it.is_open == [false; 2]) {
            self.network.streams.remove(&stream);
        }
    }
}
