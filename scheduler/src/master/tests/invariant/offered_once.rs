use super::super::world::{World, total};
use rsk_proto::MasterToAgent;

/// No resource is used twice: what an agent runs, what is ordered from it and what is offered of it fits into it.
pub(in super::super) fn offered_once(world: &World) {
    for agent in &world.agents {
        let running =
            agent.executors.values().filter(|(state, _)| !state.has_ended()).map(|(_, it)| it.clone());
        let ordered = agent.inbox.iter().filter_map(|message| match message {
            MasterToAgent::Launch(spec) => Some(spec.resources.clone()),
            _ => None,
        });
        let offers = world.apps.iter().flat_map(|app| &app.offers);
        let offered =
            offers.filter(|offer| Some(offer.agent) == agent.id && world.core.offers.contains_key(&offer.id));
        let mut free = total();
        for part in running.chain(ordered).chain(offered.map(|offer| offer.resources.clone())) {
            free = free.checked_sub(&part).unwrap_or_else(|| panic!("{:?} is used twice: {part}", agent.id));
        }
    }
}
