mod events;
mod world;
mod invariant;
mod orders;
