//! How stores are reached: collected once, in the driver, from the environment, profile files and Hadoop's XML.
//!
//! It travels from the driver to its executors on their own connection. It is written nowhere and shown to nobody: what is
//! secret in it prints as `***`.

mod aws;
mod hadoop;
mod secret;

pub use secret::Secret;

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// How the stores of all schemes are reached.
///
/// ```
/// use rsk_storage::StorageConfig;
/// let variables = [("AWS_ACCESS_KEY_ID", "me"), ("AWS_SECRET_ACCESS_KEY", "hush")];
/// let config = StorageConfig::collect(variables.map(|(name, value)| (name.to_owned(), value.to_owned())), &[])?;
/// assert_eq!(config.s3.access_key_id.as_ref().map(|key| key.reveal()), Some("me"));
/// assert!(!format!("{config:?}").contains("hush"));
/// # Ok::<(), rsk_storage::StorageConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StorageConfig {
    /// Requests to stores that speak HTTP.
    pub requests: Requests,
    /// `s3://`.
    pub s3: S3Config,
    /// `gs://`: the `GOOGLE_…` variables, by their names in small letters.
    pub gs: BTreeMap<String, Secret>,
    /// `az://`: the `AZURE_…` variables, by their names in small letters.
    pub az: BTreeMap<String, Secret>,
    /// `hdfs://`.
    pub hdfs: HdfsConfig,
}

/// Patience with stores that speak HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    /// `storage.retries`: tries after the first, for server errors, resets and time-outs; between them passes twice as
    /// long each time, with jitter, from 100 ms to 15 s. Default 10.
    pub retries: u32,
    /// `storage.timeout`, seconds: for one request, its body included; 180 for all tries of one. Default 60.
    pub timeout: Duration,
}

impl Default for Requests {
    fn default() -> Self {
        Requests { retries: 10, timeout: Duration::from_mins(1) }
    }
}

/// How `s3://` is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct S3Config {
    /// `s3.endpoint`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, or the profile's `endpoint_url`: a server that is not
    /// Amazon's.
    pub endpoint: Option<String>,
    /// `s3.region`, `AWS_REGION`, `AWS_DEFAULT_REGION`, or the profile's `region`. Default `us-east-1`.
    pub region: Option<String>,
    /// `s3.path_style`, `on` or `off`: whether the bucket is in the path of a request or in its host. Default `on`.
    pub virtual_hosts: bool,
    /// `AWS_ACCESS_KEY_ID`, or the profile's. Without one: a role of the machine or of the container.
    pub access_key_id: Option<Secret>,
    /// `AWS_SECRET_ACCESS_KEY`, or the profile's.
    pub secret_access_key: Option<Secret>,
    /// `AWS_SESSION_TOKEN`, or the profile's.
    pub session_token: Option<Secret>,
    /// Further `AWS_…` variables, by their names in small letters.
    pub others: BTreeMap<String, Secret>,
    /// Why the profile cannot be used; whoever asks for a bucket is told.
    pub problem: Option<String>,
}

/// How `hdfs://` is reached.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HdfsConfig {
    /// The properties of `core-site.xml` and `hdfs-site.xml`, in `hdfs.conf_dir`, `HADOOP_CONF_DIR` or
    /// `$HADOOP_HOME/etc/hadoop`: name services, `fs.defaultFS`, security.
    pub properties: BTreeMap<String, Secret>,
    /// `hdfs.user` or `HADOOP_USER_NAME`: whom files belong to, without Kerberos. Default: who runs the program.
    pub user: Option<String>,
    /// `hdfs.principal`: whose Kerberos key is in the keytab.
    pub principal: Option<String>,
    /// `hdfs.keytab`: a file that each host needs for itself.
    pub keytab: Option<String>,
    /// `hdfs.ccache` or `KRB5CCNAME`: a ticket cache that each host needs for itself.
    pub ccache: Option<String>,
    /// Why Hadoop's files cannot be used; whoever asks for a cluster is told.
    pub problem: Option<String>,
}

/// A setting of storage that does not exist, or whose value is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {why}")]
pub struct StorageConfigError {
    /// The setting.
    pub key: String,
    /// What is needed.
    pub why: &'static str,
}

/// The settings, and what is said of each.
pub const STORAGE_KEYS: [(&str, &str); 11] = [
    ("s3.endpoint=URL", "an S3 server that is not Amazon's"),
    ("s3.region=REGION", "of its buckets"),
    ("s3.profile=NAME", "whose keys, region and endpoint are read from ~/.aws"),
    ("s3.path_style=on", "or off: the bucket is in the path of a request, or in its host"),
    ("hdfs.conf_dir=FOLDER", "of core-site.xml and hdfs-site.xml; `HADOOP_CONF_DIR`"),
    ("hdfs.user=NAME", "whom files belong to without Kerberos; `HADOOP_USER_NAME`"),
    ("hdfs.principal=NAME", "of Kerberos, whose key is in the keytab"),
    ("hdfs.keytab=FILE", "on every host"),
    ("hdfs.ccache=FILE", "of Kerberos tickets, on every host; `KRB5CCNAME`"),
    ("storage.retries=10", "tries after the first at a request to a store over HTTP"),
    ("storage.timeout=60", "seconds for one such request"),
];

/// Variables of these beginnings may be for the stores of Google and Azure.
const GOOGLE: &str = "google_";
const AZURE: &str = "azure_";

impl StorageConfig {
    /// Reads the environment, the files that it names, and `settings`, which win.
    ///
    /// Errors: a setting that does not exist. What is wrong with a file is told to who asks for a store of that scheme.
    pub fn collect(
        variables: impl IntoIterator<Item = (String, String)>,
        settings: &[(String, String)],
    ) -> Result<StorageConfig, StorageConfigError> {
        let variables: BTreeMap<String, String> =
            variables.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let set = |key: &str| {
            let found = settings.iter().rfind(|(name, _)| name == key);
            found.map(|(_, value)| value.clone())
        };
        let known = |key: &str| STORAGE_KEYS.iter().any(|(it, _)| it.split('=').next() == Some(key));
        if let Some((key, _)) = settings.iter().find(|(key, _)| !known(key)) {
            return Err(StorageConfigError { key: key.clone(), why: "there is no such setting" });
        }
        let variable = |name: &str| variables.get(name).cloned();
        let prefixed = |prefix: &str| {
            let small = variables.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
            small
                .filter(|(name, _)| name.starts_with(prefix))
                .map(|(name, value)| (name, Secret::from(&**value)))
                .collect()
        };
        let mut config = StorageConfig {
            requests: Requests::default(),
            s3: aws::collect(&variables, set("s3.profile")),
            gs: prefixed(GOOGLE),
            az: prefixed(AZURE),
            hdfs: hadoop::collect(&variables, set("hdfs.conf_dir")),
        };
        let s3 = &mut config.s3;
        s3.endpoint = set("s3.endpoint").or(s3.endpoint.take());
        s3.region = set("s3.region").or(s3.region.take());
        if let Some(value) = set("s3.path_style") {
            s3.virtual_hosts = match &*value {
                "on" => false,
                "off" => true,
                _ => return Err(wrong("s3.path_style", "on or off is needed")),
            };
        }
        let hdfs = &mut config.hdfs;
        hdfs.user = set("hdfs.user").or_else(|| variable("HADOOP_USER_NAME"));
        hdfs.principal = set("hdfs.principal");
        hdfs.keytab = set("hdfs.keytab");
        hdfs.ccache = set("hdfs.ccache").or_else(|| variable("KRB5CCNAME"));
        if let Some(value) = set("storage.retries") {
            let retries = value.parse().map_err(|_| wrong("storage.retries", "a number is needed"))?;
            config.requests.retries = retries;
        }
        if let Some(value) = set("storage.timeout") {
            config.requests.timeout = match value.parse() {
                Ok(seconds @ 1..) => Duration::from_secs(seconds),
                _ => return Err(wrong("storage.timeout", "a number of seconds from 1 is needed")),
            };
        }
        Ok(config)
    }
}

fn wrong(key: &str, why: &'static str) -> StorageConfigError {
    StorageConfigError { key: key.to_owned(), why }
}

#[cfg(test)]
mod tests;
