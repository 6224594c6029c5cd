use super::super::world::World;

/// Each subscription of a framework has a greater epoch than the one before.
pub(in super::super) fn epochs_rise(world: &World) {
    for app in &world.apps {
        assert!(app.epochs.is_sorted_by(|before, after| before < after), "{:?}", app.epochs);
    }
}
