//! Hadoop's XML.

use super::{HdfsConfig, Secret};
use std::{collections::BTreeMap, path::PathBuf};

const FILES: [&str; 2] = ["core-site.xml", "hdfs-site.xml"];

/// The properties of the folder that is asked for, or that the variables name.
pub(super) fn collect(variables: &BTreeMap<String, String>, asked: Option<String>) -> HdfsConfig {
    let is_asked = asked.is_some();
    let named = asked.or_else(|| variables.get("HADOOP_CONF_DIR").cloned()).map(PathBuf::from);
    let folder = named.or_else(|| Some(PathBuf::from(variables.get("HADOOP_HOME")?).join("etc/hadoop")));
    let mut config = HdfsConfig::default();
    let Some(folder) = folder else { return config };
    if is_asked && !folder.is_dir() {
        config.problem = Some(format!("hdfs.conf_dir: there is no folder {}", folder.display()));
    }
    for file in FILES {
        let path = folder.join(file);
        if !path.exists() {
            continue;
        }
        let properties =
            std::fs::read_to_string(&path).map_err(|error| error.to_string()).and_then(|text| parse(&text));
        match properties {
            Ok(properties) => {
                let kept = properties.into_iter().map(|(name, value)| (name, Secret::from(&*value)));
                config.properties.extend(kept);
            }
            Err(why) => config.problem = Some(format!("cannot read {}: {why}", path.display())),
        }
    }
    config
}

/// The properties of a file of Hadoop's.
fn parse(text: &str) -> Result<BTreeMap<String, String>, String> {
    let document = roxmltree::Document::parse(text).map_err(|error| error.to_string())?;
    let mut properties = BTreeMap::new();
    for property in document.root_element().children().filter(|node| node.has_tag_name("property")) {
        let field = |name: &str| {
            let found = property.children().find(|node| node.has_tag_name(name))?;
            Some(found.text().unwrap_or("").trim().to_owned())
        };
        let (Some(name), Some(value)) = (field("name"), field("value")) else {
            return Err("a property has no name or no value".to_owned());
        };
        properties.insert(name, value);
    }
    Ok(properties)
}
