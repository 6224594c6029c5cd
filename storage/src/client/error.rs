//! What a store answered, in words that say what to do.

use crate::{Root, Scheme};
use rsk_proto::Cause;

/// A store cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// What is configured for it is wrong.
    #[error("cannot reach {0}: {1}")]
    Config(Root, String),
    /// It cannot be asked for another reason.
    #[error("cannot reach {0}")]
    Client(Root, #[source] Cause),
}

impl ClientError {
    pub(crate) fn of(root: &Root, error: &(dyn std::error::Error + 'static)) -> Self {
        ClientError::Client(root.clone(), Cause::of(error))
    }
}

/// What a store's answer means, and what to do, before its own words.
pub(crate) fn explain(root: &Root, error: &object_store::Error) -> Cause {
    use object_store::Error;
    let words = Cause::of(error);
    let said: Vec<&str> = words.chain().collect();
    let says = |word: &str| said.iter().any(|said| said.contains(word));
    let advice = match (error, root.scheme) {
        (Error::NotFound { .. }, Scheme::S3) if says("NoSuchBucket") => {
            format!("there is no bucket {:?}: check its name, and s3.endpoint and s3.region", root.authority)
        }
        _ if says("InvalidAccessKeyId") => {
            "the server does not know this access key: check AWS_ACCESS_KEY_ID or the profile".to_owned()
        }
        _ if says("SignatureDoesNotMatch") => {
            "the secret key does not belong to the access key: check AWS_SECRET_ACCESS_KEY or the profile".to_owned()
        }
        _ if says("ExpiredToken") => {
            "the credentials have expired: get new ones, and run the program again".to_owned()
        }
        (Error::PermissionDenied { .. } | Error::Unauthenticated { .. }, Scheme::S3) => {
            "the credentials do not allow this: check them, and the bucket's policy".to_owned()
        }
        (Error::PermissionDenied { .. }, Scheme::Hdfs) => {
            "the user may not do this: set hdfs.user or HADOOP_USER_NAME, or ask the owner".to_owned()
        }
        (Error::PermissionDenied { .. } | Error::Unauthenticated { .. }, _) => {
            "the credentials do not allow this: check them".to_owned()
        }
        _ if says("169.254.169.254") => {
            "there are no credentials, and this machine has no role: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
             s3.profile"
                .to_owned()
        }
        _ if says("Connection refused") || says("error trying to connect") || says("dns error") => {
            match root.scheme {
                Scheme::S3 => "the server does not answer: check s3.endpoint".to_owned(),
                Scheme::Hdfs => format!("{root} does not answer: check host and port, and that it runs"),
                _ => format!("{root} does not answer: check its name"),
            }
        }
        _ if says("SafeModeException") => {
            "the NameNode is in safe mode: wait until it has heard of its DataNodes, or end it by hdfs dfsadmin".to_owned()
        }
        _ => return words,
    };
    words.within(advice)
}

/// Is what was not found the bucket itself?
pub(crate) fn is_root_missing(source: &(dyn std::error::Error + 'static)) -> bool {
    Cause::of(source).chain().any(|said| said.contains("NoSuchBucket"))
}
