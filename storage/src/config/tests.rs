use super::*;
use std::fs;

fn collect(
    variables: &[(&str, &str)],
    settings: &[(&str, &str)],
) -> Result<StorageConfig, StorageConfigError> {
    let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    StorageConfig::collect(own(variables), &own(settings))
}

fn revealed(secret: Option<&Secret>) -> Option<&str> {
    secret.map(Secret::reveal)
}

#[test]
fn keys_come_from_variables_or_from_a_profile_and_never_from_both() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    fs::write(
        home.path().join(".aws/config"),
        "[default]\nregion = eu-west-1\n[profile test]\nregion=eu-north-1\nendpoint_url = http://s3.test:9000\ns3 =\n    addressing_style = path\n",
    )
    .unwrap();
    fs::write(
        home.path().join(".aws/credentials"),
        "[default]\naws_access_key_id = a\naws_secret_access_key = s/+%=x\n# a remark\n[test]\naws_access_key_id=t\naws_secret_access_key=u\naws_session_token=v\n",
    )
    .unwrap();
    let home = ("HOME", home.path().to_str().unwrap());
    let default = collect(&[home], &[]).unwrap().s3;
    assert_eq!(revealed(default.access_key_id.as_ref()), Some("a"));
    assert_eq!(revealed(default.secret_access_key.as_ref()), Some("s/+%=x"));
    assert_eq!((default.region.as_deref(), default.problem), (Some("eu-west-1"), None));
    for test in [collect(&[home, ("AWS_PROFILE", "test")], &[]), collect(&[home], &[("s3.profile", "test")])]
    {
        let test = test.unwrap().s3;
        assert_eq!(revealed(test.access_key_id.as_ref()), Some("t"));
        assert_eq!(revealed(test.session_token.as_ref()), Some("v"));
        assert_eq!(test.endpoint.as_deref(), Some("http://s3.test:9000"));
    }
    let keys = [home, ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "y"), ("AWS_PROFILE", "test")];
    let both = collect(&keys, &[]).unwrap().s3;
    assert_eq!(revealed(both.access_key_id.as_ref()), Some("x"));
    assert_eq!(revealed(both.session_token.as_ref()), None, "a token of other keys is none of these");
    assert_eq!(both.region.as_deref(), Some("eu-north-1"));
    let none = collect(&[home, ("AWS_PROFILE", "absent")], &[]).unwrap().s3;
    assert!(none.problem.is_some_and(|why| why.contains("no profile \"absent\"")));
}

#[test]
fn what_is_wrong_with_a_file_is_kept_for_who_asks_and_quotes_no_key() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".aws")).unwrap();
    fs::write(home.path().join(".aws/credentials"), "[default\naws_secret_access_key=hush\n").unwrap();
    fs::write(home.path().join("core-site.xml"), "<configuration><property><name>a</name>").unwrap();
    let home = home.path().to_str().unwrap();
    let config = collect(&[("HOME", home), ("HADOOP_CONF_DIR", home)], &[]).unwrap();
    let problem = config.s3.problem.unwrap();
    assert!(problem.contains("credentials") && !problem.contains("hush"), "{problem}");
    assert!(config.hdfs.problem.unwrap().contains("core-site.xml"));
    let absent = collect(&[], &[("hdfs.conf_dir", "/no/such/folder")]).unwrap();
    assert!(absent.hdfs.problem.unwrap().contains("/no/such/folder"));
}

#[test]
fn properties_come_from_both_files_of_hadoop() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, property: &str, value: &str| {
        let text = format!(
            "<?xml version=\"1.0\"?>\n<?xml-stylesheet href=\"c.xsl\"?>\n<!-- a remark -->\n<configuration>\n<property>\
             <name>{property}</name>\n <value> {value}\n</value><final>true</final></property></configuration>"
        );
        fs::write(folder.path().join(name), text).unwrap();
    };
    file("core-site.xml", "fs.defaultFS", "hdfs://ns");
    file("hdfs-site.xml", "dfs.nameservices", "ns");
    let variables = [
        ("HADOOP_CONF_DIR", folder.path().to_str().unwrap()),
        ("HADOOP_USER_NAME", "me"),
        ("KRB5CCNAME", "c"),
    ];
    let hdfs = collect(&variables, &[("hdfs.user", "you")]).unwrap().hdfs;
    assert_eq!(hdfs.properties["fs.defaultFS"].reveal(), "hdfs://ns");
    assert_eq!(hdfs.properties["dfs.nameservices"].reveal(), "ns");
    assert_eq!((hdfs.user.as_deref(), hdfs.ccache.as_deref()), (Some("you"), Some("c")));
}

#[test]
fn settings_are_checked() {
    let config =
        collect(&[], &[("storage.retries", "3"), ("storage.timeout", "7"), ("s3.path_style", "off")]);
    let config = config.unwrap();
    assert_eq!(config.requests, Requests { retries: 3, timeout: Duration::from_secs(7) });
    assert!(config.s3.virtual_hosts);
    for (key, value) in
        [("s3.endpiont", "x"), ("storage.retries", "-1"), ("storage.timeout", "0"), ("s3.path_style", "yes")]
    {
        let error = collect(&[], &[(key, value)]).unwrap_err();
        assert_eq!(error.key, key);
    }
}
