//! Records between stages: partitioned and written by map tasks, fetched, combined and sorted by reduce tasks.
