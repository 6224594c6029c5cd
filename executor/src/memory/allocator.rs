//! The system allocator, counting live bytes by thread.
#![cfg_attr(
    feature = "count-memory",
    expect(unsafe_code, reason = "a global allocator is unsafe to implement")
)]

use std::cell::Cell;

thread_local! {
    /// Bytes this thread allocated less those it freed; negative where it frees what others allocated.
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

/// Live bytes of this thread.
pub fn live_bytes() -> i64 {
    LIVE.get()
}

/// Bytes that this thread allocated belong to somebody else from now on; negative: the other way round. So what a task
/// leaves in the cache is not taken for the growth of its tables.
pub(crate) fn move_off_thread(bytes: i64) {
    if cfg!(feature = "count-memory") {
        LIVE.set(LIVE.get() - bytes);
    }
}

/// Runs `body` without counting what it allocates and frees: whoever drops a cached block has not shrunk by it.
pub(crate) fn uncounted<R>(body: impl FnOnce() -> R) -> R {
    struct Restore(i64);
    impl Drop for Restore {
        fn drop(&mut self) {
            LIVE.set(self.0);
        }
    }
    let _restore = Restore(LIVE.get());
    body()
}

#[cfg(feature = "count-memory")]
mod counting {
    use super::LIVE;
    use std::alloc::{GlobalAlloc, Layout, System};

    struct Counting;

    #[global_allocator]
    static ALLOCATOR: Counting = Counting;

    #[expect(clippy::cast_possible_wrap, reason = "no allocation is larger than isize::MAX")]
    fn count(grown: usize, shrunk: usize) {
        // A thread that is ending has no counter any more; nobody reads it then.
        LIVE.try_with(|live| live.set(live.get() + grown as i64 - shrunk as i64)).unwrap_or(());
    }

    // SAFETY: each call is passed on to the system's allocator as it came; counting touches a plain thread-local
    // number, which needs no allocation and no destructor.
    unsafe impl GlobalAlloc for Counting {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            count(layout.size(), 0);
            // SAFETY: the caller's promise is passed on.
            unsafe { System.alloc(layout) }
        }

        unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
            count(layout.size(), 0);
            // SAFETY: the caller's promise is passed on.
            unsafe { System.alloc_zeroed(layout) }
        }

        unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
            count(0, layout.size());
            // SAFETY: the caller's promise is passed on.
            unsafe { System.dealloc(place, layout) }
        }

        unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
            count(size, layout.size());
            // SAFETY: the caller's promise is passed on.
            unsafe { System.realloc(place, layout, size) }
        }
    }
}

#[cfg(all(test, feature = "count-memory"))]
mod tests {
    #[test]
    fn growth_is_seen_and_goes_again() {
        let growth = crate::memory::Growth::start();
        let held = vec![0u8; 1 << 20];
        assert!(growth.bytes() >= 1 << 20);
        drop(held);
        assert!(growth.bytes() < 1 << 10);
    }
}
