//! Large values on their way to executors: the driver sends each once, and whoever has it serves it to the others. Pure.

use rsk_proto::{AgentId, ExecutorId, Keeper, ValueId};
use std::collections::{BTreeMap, VecDeque};

/// So many agents are named to who asks; they are asked in turn.
const NAMED_MAX: usize = 4;

/// What an executor that asks for a value is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Here it is.
    Send,
    /// It is there.
    At(Vec<Keeper>),
    /// Nothing yet: somebody else is about to have it.
    Later,
}

/// Who has which value, and who waits for it.
#[derive(Debug, Default)]
pub(super) struct Values(BTreeMap<ValueId, Spreading>);

#[derive(Debug, Default)]
struct Spreading {
    /// Agents that serve it.
    at: VecDeque<Keeper>,
    /// The driver is sending it to this one.
    to: Option<ExecutorId>,
    waiting: VecDeque<ExecutorId>,
}

impl Values {
    /// An executor asks. `is_urgent` says that it did not get it where it was sent.
    pub(super) fn wanted(&mut self, id: ValueId, by: ExecutorId, is_urgent: bool) -> Answer {
        let spreading = self.0.entry(id).or_default();
        if is_urgent {
            return Answer::Send;
        }
        if !spreading.at.is_empty() {
            // Each asker begins with another one.
            spreading.at.rotate_left(1);
            return Answer::At(spreading.at.iter().take(NAMED_MAX).cloned().collect());
        }
        if spreading.to.is_none() {
            spreading.to = Some(by);
            return Answer::Send;
        }
        spreading.waiting.push_back(by);
        Answer::Later
    }

    /// An executor has got a value, and its agent serves it, if it can: who has waited may fetch it there.
    pub(super) fn held(
        &mut self,
        id: ValueId,
        by: ExecutorId,
        keeper: Option<Keeper>,
    ) -> Vec<(ExecutorId, Answer)> {
        // One that is not wanted any more has been forgotten.
        let Some(spreading) = self.0.get_mut(&id) else { return Vec::new() };
        if spreading.to == Some(by) {
            spreading.to = None;
        }
        if let Some(keeper) = keeper
            && spreading.at.iter().all(|known| known.agent != keeper.agent)
        {
            spreading.at.push_back(keeper);
        }
        let waiting = std::mem::take(&mut spreading.waiting);
        waiting.into_iter().map(|one| (one, self.wanted(id, one, false))).collect()
    }

    /// An executor has gone: what was being sent to it is sent to another.
    pub(super) fn gone(&mut self, who: ExecutorId) -> Vec<(ValueId, ExecutorId, Answer)> {
        let mut next = Vec::new();
        for (id, spreading) in &mut self.0 {
            spreading.waiting.retain(|waiting| *waiting != who);
            if spreading.to == Some(who) {
                spreading.to = spreading.waiting.pop_front();
                next.extend(spreading.to.map(|to| (*id, to, Answer::Send)));
            }
        }
        next
    }

    /// An agent has gone.
    pub(super) fn forget_agent(&mut self, gone: AgentId) {
        self.0.values_mut().for_each(|spreading| spreading.at.retain(|keeper| keeper.agent != gone));
    }

    /// A value is not wanted any more.
    pub(super) fn forget(&mut self, id: ValueId) {
        self.0.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsk_proto::FrameworkId;

    const ID: ValueId = ValueId([1; 32]);

    fn keeper(number: u32) -> Keeper {
        Keeper {
            agent: AgentId { registry: 1, number },
            framework: FrameworkId { registry: 1, number: 1 },
            serves_at: format!("h{number}:1"),
        }
    }

    fn wanted(values: &mut Values, by: u64) -> Answer {
        values.wanted(ID, ExecutorId(by), false)
    }

    #[test]
    fn the_driver_sends_a_value_once_however_many_ask_for_it() {
        let mut values = Values::default();
        assert_eq!(wanted(&mut values, 1), Answer::Send);
        assert!((2..9).all(|by| wanted(&mut values, by) == Answer::Later));
        let told = values.held(ID, ExecutorId(1), Some(keeper(1)));
        assert_eq!(told.len(), 7);
        assert!(told.iter().all(|(_, answer)| *answer == Answer::At(vec![keeper(1)])));
        assert!(values.held(ID, ExecutorId(2), Some(keeper(2))).is_empty());
        let firsts = [9, 10].map(|by| match wanted(&mut values, by) {
            Answer::At(keepers) => keepers[0].agent.number,
            other => panic!("{other:?}"),
        });
        assert_ne!(firsts[0], firsts[1], "those who have it share the work");
    }

    #[test]
    fn an_agent_that_cannot_serve_is_followed_by_the_next() {
        let mut values = Values::default();
        wanted(&mut values, 1);
        assert_eq!([2, 3].map(|by| wanted(&mut values, by)), [Answer::Later, Answer::Later]);
        let told = values.held(ID, ExecutorId(1), None);
        assert_eq!(told, [(ExecutorId(2), Answer::Send), (ExecutorId(3), Answer::Later)]);
    }

    #[test]
    fn an_executor_that_dies_under_it_is_followed_by_the_next() {
        let mut values = Values::default();
        assert_eq!(wanted(&mut values, 1), Answer::Send);
        assert_eq!([2, 3].map(|by| wanted(&mut values, by)), [Answer::Later, Answer::Later]);
        assert_eq!(values.gone(ExecutorId(2)), []);
        assert_eq!(values.gone(ExecutorId(1)), [(ID, ExecutorId(3), Answer::Send)]);
        assert_eq!(values.gone(ExecutorId(3)), []);
        assert_eq!(wanted(&mut values, 4), Answer::Send);
    }

    #[test]
    fn an_agent_that_is_gone_serves_nothing_and_who_was_sent_in_vain_gets_it_from_the_driver() {
        let mut values = Values::default();
        wanted(&mut values, 1);
        values.held(ID, ExecutorId(1), Some(keeper(1)));
        assert_eq!(values.wanted(ID, ExecutorId(2), true), Answer::Send);
        values.forget_agent(keeper(1).agent);
        assert_eq!(wanted(&mut values, 3), Answer::Send);
        values.forget(ID);
        assert!(values.held(ID, ExecutorId(3), Some(keeper(2))).is_empty());
    }
}
