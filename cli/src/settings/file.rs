//! `rsk.toml`.

use super::{KEYS, keys::Key, nearest};
use anyhow::{Context, Result, anyhow, bail};
use std::{collections::BTreeMap, fs, path::Path};

/// The table that is handed to programs as it is.
const CONF: &str = "conf";

/// What a file says.
pub(super) struct Read {
    pub(super) values: Vec<(&'static Key, String)>,
    pub(super) conf: BTreeMap<String, String>,
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Read> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read the settings {}", path.display()))?;
    parse(&text).with_context(|| format!("cannot use the settings {}", path.display()))
}

fn parse(text: &str) -> Result<Read> {
    let tables: toml::Table =
        text.parse().map_err(|error: toml::de::Error| anyhow!("{}", error.to_string().trim()))?;
    let mut read = Read { values: Vec::new(), conf: BTreeMap::new() };
    let known = || KEYS.iter().filter_map(|key| Some(key.name.split_once('.')?.0)).chain([CONF]);
    for (table, values) in tables {
        let Some(of) = known().find(|known| *known == table) else {
            let hint = hint(nearest(&table, known()).map(|near| format!("[{near}]")));
            bail!("there is no table [{table}]{hint}");
        };
        let toml::Value::Table(values) = values else {
            bail!("{table} is no value but a table: write [{table}], and key = value below it");
        };
        for (name, value) in values {
            let value =
                plain(&value).ok_or_else(|| anyhow!("{table}.{name} is no text, number or list of texts"))?;
            if of == CONF {
                read.conf.insert(name, value);
                continue;
            }
            let keys =
                || KEYS.iter().filter(|key| key.name.split_once('.').is_some_and(|(own, _)| own == of));
            let own = |key: &'static Key| key.name.split_once('.').map_or("", |(_, own)| own);
            let Some(key) = keys().find(|key| own(key) == name) else {
                let hint = hint(nearest(&name, keys().map(own)).map(str::to_owned));
                bail!("there is no key {name} in [{table}]{hint}");
            };
            read.values.push((key, value));
        }
    }
    Ok(read)
}

fn hint(meant: Option<String>) -> String {
    meant.map_or_else(|| "; `rsk config` lists all".to_owned(), |meant| format!("; the nearest is {meant}"))
}

/// A value as a flag would have it.
fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(is) => Some(if *is { "on" } else { "off" }.to_owned()),
        toml::Value::Array(all) => {
            let all: Option<Vec<_>> = all.iter().map(|one| Some(one.as_str()?.to_owned())).collect();
            Some(all?.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}
