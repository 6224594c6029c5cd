//! What a stranger reads first. That this test is here also has the binary built for those that start clusters.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

const COMMANDS: [&str; 21] = [
    "clean-output",
    "master",
    "agent",
    "submit",
    "apps",
    "agents",
    "offers",
    "roles",
    "executors",
    "tasks",
    "kill",
    "logs",
    "drain",
    "reactivate",
    "remove",
    "quota",
    "weight",
    "reserve",
    "dev",
    "config",
    "completions",
];

fn rsk(args: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_rsk")).args(args).current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_names_all_commands_and_shows_how_to_use_them() {
    let (help, completions) = (rsk(&["--help"]), rsk(&["completions", "bash"]));
    assert!(help.contains("Examples:\n  rsk dev") && help.contains("rsk submit 127.0.0.1:5050"), "{help}");
    for command in COMMANDS {
        assert!(
            help.contains(&format!("\n  {command} ")) && completions.contains(command),
            "{command}: {help}"
        );
        let own = rsk(&[command, "--help"]);
        assert!(own.contains(&format!("Usage: rsk {command}")), "{own}");
    }
    for shell in ["zsh", "fish"] {
        assert!(rsk(&["completions", shell]).contains("executors"), "{shell}");
    }
}

#[test]
fn the_reader_of_a_pipe_may_leave() {
    let script = format!("{} completions bash | head -c 1", env!("CARGO_BIN_EXE_rsk"));
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}
