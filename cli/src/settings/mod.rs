//! Settings: `rsk.toml` under the environment under flags, and where each value comes from.

mod file;
mod keys;

pub(crate) use keys::KEYS;

use anyhow::{Result, anyhow, bail};
use keys::Key;
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// Names of settings, and what flags make of them.
pub(crate) type Overrides = Vec<(&'static str, Option<String>)>;

/// Where files of settings are looked for when none is named.
const PLACES: [&str; 2] = ["rsk.toml", "/etc/rsk/rsk.toml"];
/// Of two words, from 0 to 1: below, one is hardly meant by the other.
const LIKENESS_MIN: f64 = 0.8;
/// A variable that differs from one of ours by so few letters is a misspelling.
const MISSPELLED_MAX: usize = 2;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    Default,
    File(PathBuf),
    Variable(&'static str),
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::File(path) => write!(f, "{}", path.display()),
            Source::Variable(name) => write!(f, "environment: {name}"),
            Source::Flag => f.write_str("flag"),
        }
    }
}

/// The settings in effect.
#[derive(Debug)]
pub(crate) struct Settings {
    values: BTreeMap<&'static str, (String, Source)>,
    /// Settings of programs, from `[conf]`.
    pub(crate) conf: BTreeMap<String, String>,
}

impl Settings {
    /// Reads them all.
    ///
    /// Errors: a key that does not exist, with the nearest that does; a value that makes no sense, and where it is.
    pub(crate) fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: Overrides,
    ) -> Result<Settings> {
        let environment: BTreeMap<String, String> =
            environment.into_iter().filter(|(name, _)| name.starts_with("RSK_")).collect();
        let mut settings = Settings { values: BTreeMap::new(), conf: BTreeMap::new() };
        for key in &KEYS {
            settings.values.insert(key.name, ((key.default)(), Source::Default));
        }
        let named = file.map(Path::to_owned).or_else(|| environment.get("RSK_CONFIG").map(PathBuf::from));
        let found = named.or_else(|| PLACES.iter().map(PathBuf::from).find(|place| place.is_file()));
        if let Some(path) = found {
            let file = file::read(&path)?;
            settings.conf = file.conf;
            for (key, value) in file.values {
                settings.set(key, value, Source::File(path.clone()))?;
            }
        }
        for (name, value) in environment {
            match KEYS.iter().find(|key| key.variable == name) {
                Some(key) => settings.set(key, value, Source::Variable(key.variable))?,
                None => refuse_misspelled(&name)?,
            }
        }
        for (name, value) in flags {
            let key = KEYS.iter().find(|key| key.name == name).ok_or_else(|| anyhow!("no setting {name}"))?;
            if let Some(value) = value {
                settings.set(key, value, Source::Flag)?;
            }
        }
        Ok(settings)
    }

    fn set(&mut self, key: &Key, value: String, source: Source) -> Result<()> {
        if let Err(why) = (key.check)(&value) {
            let flag = match key.name {
                "log.level" => "log".to_owned(),
                "log.dir" => "log-dir".to_owned(),
                name => name.rsplit('.').next().unwrap_or_default().replace('_', "-"),
            };
            match source {
                Source::Flag => bail!("cannot use --{flag}: {why}"),
                source => bail!("cannot use {} ({source}): {why}", key.name),
            }
        }
        self.values.insert(key.name, (value, source));
        Ok(())
    }

    /// The value of this name.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.values.get(name).map_or("", |(value, _)| value)
    }

    /// The value of this name, nothing if it is empty.
    pub(crate) fn some(&self, name: &str) -> Option<String> {
        Some(self.text(name).to_owned()).filter(|text| !text.is_empty())
    }

    /// The value of this name as what it means. It has been checked before.
    pub(crate) fn parsed<T: FromStr<Err: fmt::Display>>(&self, name: &str) -> Result<T> {
        self.text(name).parse().map_err(|error| anyhow!("cannot use {name}: {error}"))
    }

    /// Where masters listen.
    pub(crate) fn masters(&self) -> Vec<String> {
        self.text("cluster.master").split(',').map(|address| address.trim().to_owned()).collect()
    }

    /// A file of settings that says the same, with where each comes from.
    pub(crate) fn print(&self, with_variables: bool) -> String {
        let (mut text, mut table) = (String::new(), "");
        for key in &KEYS {
            let (value, source) = &self.values[key.name];
            let (of, name) = key.name.split_once('.').unwrap_or(("", key.name));
            if of != table {
                text.extend([format!("{}[{of}]\n", if table.is_empty() { "" } else { "\n" })]);
                table = of;
            }
            if with_variables {
                text.extend([format!("# {}: {}\n", key.variable, key.meaning)]);
            }
            text.extend([format!("{:40} # {source}\n", format!("{name} = {}", quoted(value)))]);
        }
        text += "\n# Settings of programs: what `rsk submit` hands over as --conf key=value.\n[conf]\n";
        for (key, value) in &self.conf {
            text.extend([format!("{key} = {}\n", quoted(value))]);
        }
        text
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The key of the file that is meant by what was typed.
fn nearest<'a>(typed: &str, keys: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let likeness = |key: &str| strsim::jaro_winkler(key, typed);
    let (likeness, key) =
        keys.into_iter().map(|key| (likeness(key), key)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (likeness >= LIKENESS_MIN).then_some(key)
}

/// Other programs have variables that begin like ours: only what looks like a mistake is one.
fn refuse_misspelled(name: &str) -> Result<()> {
    let others = ["RSK_CONFIG", "RSK_BIN", "RSK_EXECUTOR", "RSK_DRIVER", "RSK_HOST"];
    if others.contains(&name) {
        return Ok(());
    }
    let all = KEYS.iter().map(|key| key.variable).chain(others);
    let meant = all.min_by_key(|key| strsim::damerau_levenshtein(key, name));
    match meant.filter(|key| strsim::damerau_levenshtein(key, name) <= MISSPELLED_MAX) {
        Some(meant) => bail!("the environment has {name}, which is no setting: is {meant} meant?"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(toml: &str, variables: &[(&str, &str)], flags: Overrides) -> Result<Settings> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), toml)?;
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::load(Some(file.path()), variables, flags)
    }

    #[test]
    fn flags_go_over_the_environment_over_the_file() {
        let toml = "[cluster]\nmaster = ['a:1', 'b:2']\n[agent]\nattributes = 'rack:r1'\nwork_dir = '/w'\n[conf]\nmemory = '2g'\nmax_cores = 4\n";
        let flags = vec![("agent.work_dir", Some("/f".to_owned())), ("agent.attributes", None)];
        let settings =
            load(toml, &[("RSK_AGENT_WORK_DIR", "/e"), ("RSK_LOG_LEVEL", "debug")], flags).unwrap();
        assert_eq!(settings.masters(), ["a:1", "b:2"]);
        assert_eq!(settings.text("agent.work_dir"), "/f");
        assert_eq!(settings.text("agent.attributes"), "rack:r1");
        assert_eq!(settings.text("log.level"), "debug");
        assert_eq!(settings.text("agent.listen"), "0.0.0.0:0");
        assert_eq!(settings.conf["max_cores"], "4");
        let printed = settings.print(true);
        for line in ["# flag", "# environment: RSK_LOG_LEVEL", "# default", "memory = \"2g\"", "[agent]"] {
            assert!(printed.contains(line), "{line}: {printed}");
        }
        let again = load(&printed, &[], Vec::new()).unwrap();
        assert_eq!(again.text("agent.work_dir"), "/f", "what is printed is a file of settings");
    }

    #[test]
    fn what_is_misspelled_names_what_is_meant() {
        for (toml, variable, says) in [
            ("[agent]\nresource = 'cpus:1'", "RSK_X", "resources"),
            ("[agents]\nhost = 'x'", "RSK_X", "[agent]"),
            ("master = 'a:1'", "RSK_X", "[master]"),
            ("[agent]\nresources = 'cpus'", "RSK_X", "no colon"),
            ("[agent]\nresources = { a = 1 }", "RSK_X", "agent.resources"),
            ("[agent", "RSK_X", "line 1"),
            ("", "RSK_AGENT_RESOURCE", "RSK_AGENT_RESOURCES"),
            ("", "RSK_LOG_LEVEL", "is no level"),
        ] {
            let error = load(toml, &[(variable, "v")], Vec::new()).unwrap_err();
            let all = format!("{error:#}");
            assert!(all.contains(says), "{toml} {variable}: {all}");
        }
        load("", &[("RSK_MASTER_SERVICE_HOST", "10.0.0.1"), ("RSK_MASTER_PORT", "tcp://x")], Vec::new())
            .unwrap();
        let flags = vec![("agent.resources", Some("cpus".to_owned()))];
        assert!(load("", &[], flags).unwrap_err().to_string().starts_with("cannot use --resources: "));
    }
}
