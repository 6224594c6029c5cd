//! Whole-system tests live in `tests/`, one story a file: programs as users start them, and the rules of the tree.
