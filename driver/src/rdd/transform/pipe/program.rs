//! What `pipe` starts.

use serde::{Deserialize, Serialize};
use std::{fmt, os::unix::process::CommandExt, process};

/// A program that [`pipe`](crate::rdd::Transform::pipe) starts: its name, arguments and environment.
///
/// Shape: a `&str` is one, cut at white space, without quotes or variables; so is an array of a name and arguments, each
/// as it is. For more there is a shell: `["sh", "-c", "…"]`.
///
/// ```
/// use rsk::{prelude::*, rdd::Program};
/// let ctx = rsk::Context::new("local")?;
/// let program = Program::new("sed").arg("s/^/no. /").env("LC_ALL", "C");
/// assert_eq!(ctx.range(1..3, 1).pipe(program)?.collect()?, ["no. 1", "no. 2"]);
/// # Ok::<(), rsk::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    name: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Program {
    /// A program without arguments: a path, or a name looked for along `PATH`, on the executor's machine.
    pub fn new(name: impl Into<String>) -> Self {
        Program { name: name.into(), arguments: Vec::new(), environment: Vec::new() }
    }

    /// Adds an argument.
    pub fn arg(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    pub fn args<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable beside those that the executor has.
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub(super) fn is_unnamed(&self) -> bool {
        self.name.is_empty()
    }

    /// As `std` starts it: in a process group of its own, so that its children end with it.
    pub(super) fn command(&self) -> process::Command {
        let mut command = process::Command::new(&self.name);
        command.args(&self.arguments).process_group(0);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

impl From<&str> for Program {
    fn from(words: &str) -> Self {
        let mut words = words.split_whitespace();
        Program::new(words.next().unwrap_or_default()).args(words)
    }
}

impl<const N: usize> From<[&str; N]> for Program {
    fn from(words: [&str; N]) -> Self {
        let mut words = words.into_iter();
        Program::new(words.next().unwrap_or_default()).args(words)
    }
}

/// As people know it, without the environment, which may hold secrets.
impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}", self.name)?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {argument}"))?;
        f.write_str("`")
    }
}

#[cfg(test)]
mod tests {
    use super::Program;

    #[test]
    fn a_string_is_cut_at_white_space_and_an_array_is_taken_as_it_is() {
        assert_eq!(Program::from(" tr  a-z A-Z "), Program::new("tr").args(["a-z", "A-Z"]));
        assert_eq!(Program::from(["sh", "-c", "a b"]), Program::new("sh").arg("-c").arg("a b"));
        assert!(Program::from(" ").is_unnamed() && Program::from([]).is_unnamed());
    }
}
