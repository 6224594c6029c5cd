//! Clients of stores: an [`ObjectStore`] each, of the crate of that name, or of ours over HDFS.

mod error;
mod hdfs;
mod uploads;

pub use error::ClientError;
pub(crate) use error::{explain, is_root_missing};
pub(crate) use hdfs::Hdfs;
pub(crate) use uploads::Uploads;

use crate::{Root, Scheme, Secret, StorageConfig};
use object_store::{
    BackoffConfig, ClientConfigKey, ClientOptions, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
    http::HttpBuilder,
    multipart::MultipartStore,
};
use std::{collections::BTreeMap, str::FromStr, sync::Arc, time::Duration};
use tokio::runtime::Handle;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For all tries at one request. Credentials must hold so long.
const RETRY_TIMEOUT: Duration = Duration::from_mins(3);

/// The clients of one store.
#[derive(Clone)]
pub(crate) struct Connected {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Where objects are put together of pieces, and appear when somebody says so.
    pub(crate) uploads: Option<Arc<dyn MultipartStore>>,
    /// Lists uploads that were not completed, where a store knows of them.
    pub(crate) listing: Option<Uploads>,
    /// What has folders.
    pub(crate) hdfs: Option<Arc<Hdfs>>,
}

impl Connected {
    fn of<S: ObjectStore + MultipartStore>(store: S) -> Connected {
        let store = Arc::new(store);
        Connected { uploads: Some(Arc::clone(&store) as _), store, listing: None, hdfs: None }
    }

    fn reads(store: impl ObjectStore) -> Connected {
        Connected { store: Arc::new(store), uploads: None, listing: None, hdfs: None }
    }
}

/// A client of `root`, which asks nobody anything yet.
pub(crate) fn connect(
    root: &Root,
    config: &StorageConfig,
    runtime: &Handle,
) -> Result<Connected, ClientError> {
    let fail = |error: object_store::Error| ClientError::of(root, &error);
    let requests = &config.requests;
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: requests.retries as usize,
        retry_timeout: RETRY_TIMEOUT,
    };
    let client = ClientOptions::new().with_timeout(requests.timeout).with_connect_timeout(CONNECT_TIMEOUT);
    Ok(match root.scheme {
        Scheme::Hdfs => {
            let hdfs = Arc::new(Hdfs::new(root, &config.hdfs, runtime)?);
            Connected { store: Arc::clone(&hdfs) as _, uploads: None, listing: None, hdfs: Some(hdfs) }
        }
        Scheme::S3 => {
            let (builder, options) = s3(root, config, client)?;
            let region = builder.get_config_value(&AmazonS3ConfigKey::Region);
            let region = region.unwrap_or_else(|| "us-east-1".to_owned());
            let store = builder.with_retry(retry).build().map_err(fail)?;
            let bucket = bucket_url(root, config, &region);
            let listing = Uploads::new(&options, bucket, region, Arc::clone(store.credentials()));
            Connected { listing: Some(listing.map_err(fail)?), ..Connected::of(store) }
        }
        Scheme::Gs => {
            let start = GoogleCloudStorageBuilder::new().with_bucket_name(&*root.authority);
            let start = start.with_client_options(client).with_retry(retry);
            let with = GoogleCloudStorageBuilder::with_config;
            Connected::of(fold::<_, GoogleConfigKey>(start, &config.gs, with).build().map_err(fail)?)
        }
        Scheme::Az => {
            let start = MicrosoftAzureBuilder::new().with_container_name(&*root.authority);
            let start = start.with_client_options(client).with_retry(retry);
            let with = MicrosoftAzureBuilder::with_config;
            Connected::of(fold::<_, AzureConfigKey>(start, &config.az, with).build().map_err(fail)?)
        }
        Scheme::Http | Scheme::Https => {
            let client = client.with_allow_http(root.scheme == Scheme::Http);
            let start = HttpBuilder::new().with_url(root.to_string()).with_client_options(client);
            Connected::reads(start.with_retry(retry).build().map_err(fail)?)
        }
    })
}

/// Where a bucket is asked what no client asks it.
fn bucket_url(root: &Root, config: &StorageConfig, region: &str) -> String {
    let bucket = &root.authority;
    match config.s3.endpoint.as_deref().map(|url| url.trim_end_matches('/')) {
        Some(endpoint) if config.s3.virtual_hosts => endpoint.to_owned(),
        Some(endpoint) => format!("{endpoint}/{bucket}"),
        None => format!("https://s3.{region}.amazonaws.com/{bucket}"),
    }
}

fn s3(
    root: &Root,
    config: &StorageConfig,
    client: ClientOptions,
) -> Result<(AmazonS3Builder, ClientOptions), ClientError> {
    let s3 = &config.s3;
    if let Some(problem) = &s3.problem {
        return Err(ClientError::Config(root.clone(), problem.clone()));
    }
    let is_plain = s3.endpoint.as_ref().is_some_and(|url| url.starts_with("http://"));
    let client = client.with_config(ClientConfigKey::AllowHttp, is_plain.to_string());
    let start = AmazonS3Builder::new().with_bucket_name(&*root.authority).with_client_options(client.clone());
    let mut builder = fold::<_, AmazonS3ConfigKey>(start, &s3.others, AmazonS3Builder::with_config);
    builder = builder.with_virtual_hosted_style_request(s3.virtual_hosts);
    for (key, value) in [(AmazonS3ConfigKey::Endpoint, &s3.endpoint), (AmazonS3ConfigKey::Region, &s3.region)]
    {
        if let Some(value) = value {
            builder = builder.with_config(key, value);
        }
    }
    for (key, secret) in [
        (AmazonS3ConfigKey::AccessKeyId, &s3.access_key_id),
        (AmazonS3ConfigKey::SecretAccessKey, &s3.secret_access_key),
        (AmazonS3ConfigKey::Token, &s3.session_token),
    ] {
        if let Some(secret) = secret {
            builder = builder.with_config(key, secret.reveal());
        }
    }
    Ok((builder, client))
}

/// A builder that was told the variables that it knows.
fn fold<B, K: FromStr>(start: B, options: &BTreeMap<String, Secret>, with: fn(B, K, String) -> B) -> B {
    let known = options.iter().filter_map(|(name, value)| Some((name.parse::<K>().ok()?, value)));
    known.fold(start, |builder, (key, value)| with(builder, key, value.reveal().to_owned()))
}
