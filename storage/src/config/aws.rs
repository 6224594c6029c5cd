//! Amazon's variables, and its profile files.

use super::{S3Config, Secret};
use ini::Ini;
use std::{collections::BTreeMap, path::PathBuf};

/// The variables that are fields of their own, or none of a client's.
const OWN: [&str; 10] = [
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_region",
    "aws_default_region",
    "aws_endpoint_url",
    "aws_endpoint_url_s3",
    "aws_profile",
    "aws_config_file",
    "aws_shared_credentials_file",
];

/// The variables; where they hold no keys, those of the profile, and so with region and endpoint.
pub(super) fn collect(variables: &BTreeMap<String, String>, asked: Option<String>) -> S3Config {
    let variable = |name: &str| variables.get(name).cloned();
    let small = variables.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    let others = small.filter(|(name, _)| name.starts_with("aws_") && !OWN.contains(&&**name));
    let mut config = S3Config {
        endpoint: variable("AWS_ENDPOINT_URL_S3").or_else(|| variable("AWS_ENDPOINT_URL")),
        region: variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION")),
        others: others.map(|(name, value)| (name, Secret::from(&**value))).collect(),
        ..S3Config::default()
    };
    let is_asked = asked.is_some() || variables.contains_key("AWS_PROFILE");
    let name = asked.or_else(|| variable("AWS_PROFILE")).unwrap_or_else(|| "default".to_owned());
    let profile = read(variables, &name, is_asked).unwrap_or_else(|problem| {
        config.problem = Some(problem);
        BTreeMap::new()
    });
    let secret = |name: &str| profile.get(name).map(|value| Secret::from(&**value));
    let typed = |name: &str| variables.get(name).map(|value| Secret::from(&**value));
    // Keys belong together: half of them from here and half from there would be refused, and nobody would know why.
    let from_variables = typed("AWS_ACCESS_KEY_ID").is_some();
    let key = |variable: &str, field: &str| if from_variables { typed(variable) } else { secret(field) };
    config.access_key_id = key("AWS_ACCESS_KEY_ID", "aws_access_key_id");
    config.secret_access_key = key("AWS_SECRET_ACCESS_KEY", "aws_secret_access_key");
    config.session_token = key("AWS_SESSION_TOKEN", "aws_session_token");
    config.region = config.region.or_else(|| profile.get("region").cloned());
    config.endpoint = config.endpoint.or_else(|| profile.get("endpoint_url").cloned());
    config
}

/// What the two files say of a profile. `Err`: they cannot be read, or do not know one that was asked for.
fn read(
    variables: &BTreeMap<String, String>,
    name: &str,
    is_asked: bool,
) -> Result<BTreeMap<String, String>, String> {
    let home = variables.get("HOME").map(PathBuf::from);
    let path = |variable: &str, file: &str| {
        let named = variables.get(variable).map(PathBuf::from);
        named.or_else(|| Some(home.as_ref()?.join(".aws").join(file)))
    };
    let mut found = None;
    let in_config = if name == "default" { name.to_owned() } else { format!("profile {name}") };
    for (variable, file, section) in
        [("AWS_CONFIG_FILE", "config", &*in_config), ("AWS_SHARED_CREDENTIALS_FILE", "credentials", name)]
    {
        let Some(path) = path(variable, file).filter(|path| path.exists()) else { continue };
        let fail =
            |why: &dyn std::fmt::Display| format!("cannot read the profiles of {}: {why}", path.display());
        // What a parser quotes of a line may be a key.
        let read = std::fs::read_to_string(&path).map_err(|error| fail(&error))?;
        let ini = Ini::load_from_str_noescape(&read)
            .map_err(|error| fail(&format!("line {} is malformed", error.line)))?;
        if let Some(section) = ini.section(Some(section)) {
            let fields = section.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
            found.get_or_insert_with(BTreeMap::new).extend(fields);
        }
    }
    match found {
        None if is_asked => {
            Err(format!("there is no profile {name:?}: AWS_PROFILE or s3.profile asks for it"))
        }
        found => Ok(found.unwrap_or_default()),
    }
}
