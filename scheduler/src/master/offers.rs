//! Offers: made, answered, taken back.

use super::{
    core::MasterCore,
    table::{Executor, Framework, Offered},
};
use crate::allocator::{Allocator, Grant};
use rsk_proto::{
    AgentId, Cause, ExecutorEnd, ExecutorKey, ExecutorSpec, ExecutorState, FrameworkId, MasterToAgent,
    MasterToFramework, Offer, OfferId, Refuse, Resources,
    status::{OfferAnswer, PastOffer},
};
use std::{collections::BTreeMap, time::Duration};

/// So many offers travel in one message at most, so that it stays far below the limit.
const OFFERS_IN_MESSAGE_MAX: usize = 500;
/// No refusal lasts longer: times that are added up stay in reach of numbers.
const REFUSAL_MAX: Duration = Duration::from_hours(365 * 24);

impl MasterCore {
    /// Offers what the allocator grants.
    pub(super) fn make_offers(&mut self) {
        let mut offers: BTreeMap<FrameworkId, Vec<Offer>> = BTreeMap::new();
        for grant in self.allocator.allocate(self.now) {
            if let Some(driver) = self.drivers.by_framework.get(&grant.framework).copied() {
                self.start_driver(driver, &grant);
            } else if let Some(offer) = self.offer(&grant) {
                offers.entry(grant.framework).or_default().push(offer);
            }
        }
        for (framework, offers) in offers {
            for offers in offers.chunks(OFFERS_IN_MESSAGE_MAX) {
                self.say_to_framework(framework, MasterToFramework::Offers(offers.to_vec()));
            }
        }
    }

    fn offer(&mut self, grant: &Grant) -> Option<Offer> {
        let Grant { framework, agent, resources } = grant.clone();
        self.offers_made += 1;
        let id = OfferId { term: self.term, number: self.offers_made };
        let made_at = self.unix();
        let (to, of) = (self.frameworks.get_mut(&framework)?, self.agents.get_mut(&agent)?);
        to.offers.insert(id);
        of.offers.insert(id);
        let facts = &of.record.facts;
        let (host, answer) = (facts.host.clone(), OfferAnswer::Standing);
        to.remember(PastOffer { id, agent, host, resources: resources.clone(), made_at, answer });
        let offer = Offer {
            id,
            agent,
            host: facts.host.clone(),
            address: facts.address.clone(),
            attributes: facts.attributes.clone(),
            resources: resources.clone(),
            stands_for: self.rules.offer_lasts,
        };
        self.offers.insert(id, Offered { framework, agent, resources, made: self.now });
        Some(offer)
    }

    /// Takes an offer off the tables. Its resources are held still.
    fn take(&mut self, id: OfferId, answer: &OfferAnswer) -> Option<Offered> {
        let offer = self.offers.remove(&id)?;
        if let Some(framework) = self.frameworks.get_mut(&offer.framework) {
            framework.offers.remove(&id);
            framework.answered(id, answer.clone());
        }
        if let Some(agent) = self.agents.get_mut(&offer.agent) {
            agent.offers.remove(&id);
        }
        Some(offer)
    }

    /// Takes offers back, and says so.
    pub(super) fn rescind(&mut self, offers: Vec<OfferId>, answer: &OfferAnswer) {
        let mut told: BTreeMap<FrameworkId, Vec<OfferId>> = BTreeMap::new();
        for id in offers {
            let Some(offer) = self.take(id, answer) else { continue };
            self.allocator.give_back(offer.framework, offer.agent, &offer.resources, true);
            told.entry(offer.framework).or_default().push(id);
        }
        for (framework, offers) in told {
            self.say_to_framework(framework, MasterToFramework::Rescinded(offers));
        }
    }

    pub(super) fn decline(&mut self, framework: FrameworkId, offers: &[OfferId], refuse: &Refuse) {
        for id in offers {
            if self.offers.get(id).is_none_or(|offer| offer.framework != framework) {
                continue;
            }
            let Some(offer) = self.take(*id, &OfferAnswer::Declined { why: refuse.why.clone() }) else {
                continue;
            };
            self.allocator.give_back(framework, offer.agent, &offer.resources, true);
            self.refuse(framework, offer.agent, offer.resources, refuse.lasts);
        }
    }

    fn refuse(&mut self, framework: FrameworkId, agent: AgentId, resources: Resources, lasts: Duration) {
        if !lasts.is_zero() {
            self.allocator.refuse(framework, agent, resources, self.now + lasts.min(REFUSAL_MAX));
        }
    }

    /// Buys executors with offers.
    pub(super) fn accept(
        &mut self,
        framework: FrameworkId,
        offers: &[OfferId],
        executors: Vec<ExecutorSpec>,
        rest: &Refuse,
    ) {
        let standing = |id: &OfferId| self.offers.get(id).filter(|offer| offer.framework == framework);
        let first = offers.first().and_then(standing).map(|offer| offer.agent);
        let all_stand = offers.iter().all(|id| standing(id).map(|offer| offer.agent) == first);
        let (Some(agent), true) = (first, all_stand) else {
            // Offers that expired on the way: nobody used them, and nothing is started.
            let offers = offers.iter().copied().filter(|id| standing(id).is_some()).collect();
            self.rescind(offers, &OfferAnswer::Rescinded);
            let agent = first.unwrap_or(AgentId { registry: 0, number: 0 });
            for spec in executors {
                self.never_ran(framework, agent, &spec, ExecutorEnd::Dropped);
            }
            return;
        };
        let count = u32::try_from(executors.len()).unwrap_or(u32::MAX);
        let mut left = Resources::default();
        for id in offers {
            if let Some(offer) = self.take(*id, &OfferAnswer::Accepted { executors: count }) {
                left = left.checked_add(&offer.resources).unwrap_or(left);
            }
        }
        for spec in executors {
            match self.check(framework, &spec, &left) {
                Ok(after) => {
                    left = after;
                    self.launch(agent, spec);
                }
                Err(why) => {
                    self.never_ran(framework, agent, &spec, ExecutorEnd::LaunchFailed(Cause::new(why)));
                }
            }
        }
        if !left.is_empty() {
            self.allocator.give_back(framework, agent, &left, true);
            self.refuse(framework, agent, left, rest.lasts);
        }
    }

    /// What is left of offers when an executor is bought with them.
    fn check(&self, id: FrameworkId, spec: &ExecutorSpec, left: &Resources) -> Result<Resources, String> {
        let key = ExecutorKey { framework: id, executor: spec.executor };
        let role = self.frameworks.get(&id).map(|framework| &framework.record.facts.role);
        if spec.framework != id {
            return Err(format!("it is ordered for {}, and {id} pays", spec.framework));
        }
        if role != Some(&spec.role) {
            return Err(format!("{id} is not of role {}", spec.role));
        }
        if self.executors.contains_key(&key) {
            return Err(format!("there is {key} already"));
        }
        if spec.resources.is_empty() {
            return Err("it uses nothing: give it cpus and memory".to_owned());
        }
        let too_much = || format!("it uses {}, and {left} is left of the offers", spec.resources);
        left.checked_sub(&spec.resources).ok_or_else(too_much)
    }

    /// Orders an executor, whose resources are held already.
    pub(super) fn launch(&mut self, agent: AgentId, spec: ExecutorSpec) {
        let key = ExecutorKey { framework: spec.framework, executor: spec.executor };
        let executor = Executor {
            agent,
            resources: spec.resources.clone(),
            slots: spec.slots,
            state: ExecutorState::Starting,
            is_disowned: false,
            started_at: self.unix(),
        };
        self.add_executor(key, executor);
        self.say_to_agent(agent, MasterToAgent::Launch(Box::new(spec)));
    }

    fn never_ran(&mut self, framework: FrameworkId, agent: AgentId, spec: &ExecutorSpec, end: ExecutorEnd) {
        let executor = spec.executor;
        self.say_to_framework(framework, MasterToFramework::ExecutorEnded { executor, agent, end });
    }

    /// Offers expire; while somebody who wants something has nothing, those expire early that nobody answers.
    pub(super) fn look_for_old_offers(&mut self) {
        let expired =
            self.offers.iter().take_while(|(_, it)| self.now.since(it.made) >= self.rules.offer_lasts);
        let mut old: Vec<OfferId> = expired.map(|(id, _)| *id).collect();
        // Who wants what nobody has starves whatever the others do.
        let starves = |it: &Framework| {
            let can_get = |demand| self.allocator.is_satisfiable(&it.record.facts.role, demand);
            it.is_starving() && it.demand.as_ref().is_some_and(can_get)
        };
        if old.len() < self.offers.len() && self.frameworks.values().any(starves) {
            let unanswered = self.offers.iter().skip(old.len());
            let unanswered =
                unanswered.take_while(|(_, it)| self.now.since(it.made) >= self.rules.hoard_lasts);
            old.extend(unanswered.map(|(id, _)| *id).collect::<Vec<_>>());
        }
        for id in &old {
            let Some(offer) = self.offers.get(id) else { continue };
            // Whoever did not answer is not asked again at once.
            let (framework, agent, resources) = (offer.framework, offer.agent, offer.resources.clone());
            self.refuse(framework, agent, resources, self.rules.offer_lasts);
        }
        self.rescind(old, &OfferAnswer::Expired);
    }
}
