//! Accounting of memory: how much a task has grown, and how much it may.
