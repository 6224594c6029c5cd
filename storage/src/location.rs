//! Where a file is: a path of this host, or a URI of a store.

use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// A kind of store, by the scheme of its URIs. Written to means by [`Storage::copy_in`](crate::Storage::copy_in), and by jobs through
/// [`CommitLog`](crate::CommitLog).
///
/// | scheme | store | read | written |
/// |---|---|---|---|
/// | none, `file` | a path of the host that reads or writes | yes | yes |
/// | `hdfs` | Hadoop's file system | yes | yes |
/// | `s3`, `s3a`, `s3n` | Amazon S3, and what speaks its protocol | yes | yes |
/// | `gs` | Google Cloud Storage | yes | yes |
/// | `az`, `abfs`, `abfss` | Azure Blob Storage | yes | yes |
/// | `http`, `https` | files of a web server, one by one | yes | no |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Scheme {
    /// Hadoop's file system.
    Hdfs,
    /// Amazon S3, and what speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gs,
    /// Azure Blob Storage.
    Az,
    /// A web server without encryption.
    Http,
    /// A web server.
    Https,
}

impl Scheme {
    /// How rsk writes it.
    ///
    /// ```
    /// assert_eq!(rsk_storage::Scheme::S3.name(), "s3");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Hdfs => "hdfs",
            Scheme::S3 => "s3",
            Scheme::Gs => "gs",
            Scheme::Az => "az",
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    fn of(typed: &str) -> Option<Scheme> {
        match &*typed.to_ascii_lowercase() {
            "hdfs" => Some(Scheme::Hdfs),
            "s3" | "s3a" | "s3n" => Some(Scheme::S3),
            "gs" => Some(Scheme::Gs),
            "az" | "abfs" | "abfss" => Some(Scheme::Az),
            "http" => Some(Scheme::Http),
            "https" => Some(Scheme::Https),
            _ => None,
        }
    }
}

/// What was typed is no place of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationError {
    /// The scheme is unknown.
    #[error("nobody knows the scheme of {0:?}: hdfs, s3, gs, az, http, https and file are known")]
    Scheme(String),
    /// A bucket, a container or a host must follow the scheme.
    #[error("{0:?} names no {1} after its ://")]
    Authority(String, &'static str),
    /// User and password do not belong in a URI, which is shown and logged.
    #[error("credentials in a URI are shown to everybody: give them by the environment or a profile")]
    Credentials,
    /// A part of the path cannot be a name.
    #[error("cannot use the path of {typed:?}: {why}")]
    Path {
        /// What was typed.
        typed: String,
        /// What is wrong with it.
        why: String,
    },
}

/// A store of a scheme: a bucket, a container, a NameNode, a web server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Root {
    /// Its kind.
    pub scheme: Scheme,
    /// Its name; of HDFS it is empty where Hadoop's configuration names the default one.
    pub authority: Box<str>,
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.name(), self.authority)
    }
}

/// Where a file or a folder is.
///
/// Shape: displays as what a user would type for it.
///
/// ```
/// use rsk_storage::Location;
/// let there = Location::parse("s3a://logs/2026/11/a b.gz")?;
/// assert_eq!(there.to_string(), "s3://logs/2026/11/a b.gz");
/// assert_eq!(there.name(), "a b.gz");
/// assert_eq!(Location::parse("file:///tmp/a")?, Location::from("/tmp/a"));
/// assert!(Location::parse("ftp://host/a").is_err());
/// # Ok::<(), rsk_storage::LocationError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Location {
    /// A path of the host that reads it.
    Local(PathBuf),
    /// A file of a store.
    Remote(Root, Box<str>),
}

impl Location {
    /// What a user means.
    ///
    /// Shape: a path is one of this host, with or without `file:` or `file://`. The path of a URI is taken as it is, `%20`
    /// and all: names are not percent-decoded, as Hadoop does not.
    pub fn parse(typed: &str) -> Result<Location, LocationError> {
        if let Some(rest) = typed.strip_prefix("file:") {
            let Some(host) = rest.strip_prefix("//") else { return Ok(Location::from(rest)) };
            let path = host.strip_prefix("localhost").filter(|path| path.starts_with('/')).unwrap_or(host);
            return Ok(Location::from(path));
        }
        let is_scheme = |scheme: &str| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme.chars().all(|next| next.is_ascii_alphanumeric() || "+-.".contains(next))
        };
        let Some((scheme, rest)) = typed.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
            return Ok(Location::from(typed));
        };
        let scheme = Scheme::of(scheme).ok_or_else(|| LocationError::Scheme(format!("{scheme}://")))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // A secret key may hold a slash, so that its @ comes later.
        if matches!(scheme, Scheme::S3 | Scheme::Gs) && authority.contains(':') {
            return Err(LocationError::Credentials);
        }
        let authority = match authority.split_once('@') {
            // abfss://CONTAINER@ACCOUNT.dfs.core.windows.net: the account is the configuration's.
            Some((container, _)) if scheme == Scheme::Az => container,
            Some(_) => return Err(LocationError::Credentials),
            None => authority,
        };
        let what = match scheme {
            Scheme::Hdfs => None,
            Scheme::S3 | Scheme::Gs => Some("bucket"),
            Scheme::Az => Some("container"),
            Scheme::Http | Scheme::Https => Some("host"),
        };
        if let Some(what) = what.filter(|_| authority.is_empty()) {
            return Err(LocationError::Authority(typed.to_owned(), what));
        }
        let path = path.trim_matches('/');
        let malformed = |why: &str| LocationError::Path { typed: typed.to_owned(), why: why.to_owned() };
        for segment in path.split('/').filter(|_| !path.is_empty()) {
            match segment {
                "" => return Err(malformed("a name between two / is empty")),
                "." | ".." => return Err(malformed("no name is . or ..")),
                _ if segment.contains(|c: char| c.is_ascii_control()) => {
                    return Err(malformed("a name holds a control character"));
                }
                _ => {}
            }
        }
        Ok(Location::Remote(Root { scheme, authority: authority.into() }, path.into()))
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        match self {
            Location::Local(path) => path.file_name().and_then(|name| name.to_str()).unwrap_or(""),
            Location::Remote(_, path) => path.rsplit('/').next().unwrap_or(path),
        }
    }

    /// What is at `path` below it.
    ///
    /// ```
    /// use rsk_storage::Location;
    /// assert_eq!(Location::parse("hdfs://host/out")?.join("part-00000").to_string(), "hdfs://host/out/part-00000");
    /// # Ok::<(), rsk_storage::LocationError>(())
    /// ```
    pub fn join(&self, path: &str) -> Location {
        match self {
            Location::Local(folder) => Location::Local(folder.join(path)),
            Location::Remote(root, folder) if folder.is_empty() => {
                Location::Remote(root.clone(), path.into())
            }
            Location::Remote(root, folder) => {
                Location::Remote(root.clone(), format!("{folder}/{path}").into())
            }
        }
    }

    /// The path, if it is one of this host.
    pub fn local(&self) -> Option<&Path> {
        match self {
            Location::Local(path) => Some(path),
            Location::Remote(..) => None,
        }
    }
}

impl From<PathBuf> for Location {
    fn from(path: PathBuf) -> Self {
        Location::Local(path)
    }
}

impl From<&Path> for Location {
    fn from(path: &Path) -> Self {
        Location::Local(path.to_owned())
    }
}

impl From<&str> for Location {
    fn from(path: &str) -> Self {
        Location::Local(path.into())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Local(path) => path.display().fmt(f),
            Location::Remote(root, path) => write!(f, "{root}/{path}"),
        }
    }
}

/// As it displays, quoted.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Local(path) => path.fmt(f),
            Location::Remote(root, path) => write!(f, "{:?}", format!("{root}/{path}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_a_place_or_says_why_not() {
        let of = |typed: &str| match Location::parse(typed) {
            Ok(location) => location.to_string(),
            Err(error) => error.to_string(),
        };
        for (typed, meant) in [
            ("a/b", "a/b"),
            ("file:a", "a"),
            ("file://localhost/a", "/a"),
            ("odd name://a", "odd name://a"),
            ("S3://b/k", "s3://b/k"),
            ("s3://b", "s3://b/"),
            ("s3://b/k/", "s3://b/k"),
            ("hdfs:///a", "hdfs:///a"),
            ("hdfs://ns/a b/ü%20", "hdfs://ns/a b/ü%20"),
            ("abfss://c@account.dfs.core.windows.net/k", "az://c/k"),
            ("https://host:8443/a.gz", "https://host:8443/a.gz"),
        ] {
            assert_eq!(of(typed), meant, "{typed}");
        }
        for (typed, why) in [
            ("ftp://host/a", "nobody knows the scheme"),
            ("s3:///a", "names no bucket"),
            ("http:///a", "names no host"),
            ("s3://key:secret@b/a", "credentials in a URI"),
            ("s3n://key:sec/ret@b/a", "credentials in a URI"),
            ("ftp://me:secret@b/a", "nobody knows the scheme"),
            ("s3://b/a//b", "is empty"),
            ("hdfs://h/../a", "no name is . or .."),
        ] {
            assert!(of(typed).contains(why), "{typed}: {}", of(typed));
            assert!(!of(typed).contains("secret"));
        }
    }
}
