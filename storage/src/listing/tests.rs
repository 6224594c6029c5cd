use super::*;
use proptest::prelude::*;

fn list(paths: &str) -> Result<Vec<InputFile>, ListError> {
    Storage::default().list(paths)
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(names: &[&str]) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        for name in names {
            let path = folder.0.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        folder
    }

    fn at(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    /// What is found, from here.
    fn names(&self, typed: &str) -> Vec<String> {
        let files = list(typed).unwrap().into_iter();
        files
            .map(|file| {
                file.location.local().unwrap().strip_prefix(self.0.path()).unwrap().display().to_string()
            })
            .collect()
    }
}

#[test]
fn a_file_a_folder_a_pattern_and_a_list() {
    let folder = Folder::with(&["b.txt", "a.txt", "_SUCCESS", ".hidden", "c.log", "d/e.txt"]);
    assert_eq!(folder.names(&folder.at("")), ["a.txt", "b.txt", "c.log"]);
    assert_eq!(folder.names(&folder.at("_SUCCESS")), ["_SUCCESS"]);
    for scheme in ["", "file:", "file://", "file://localhost"] {
        assert_eq!(folder.names(&format!("{scheme}{}", folder.at("*.txt"))), ["a.txt", "b.txt"]);
    }
    let both = format!(" {}, ,{}", folder.at("c.log"), folder.at("a.txt"));
    assert_eq!(folder.names(&both), ["c.log", "a.txt"]);
    for wrong in [folder.at("none"), folder.at("*.none"), folder.at("a.txt/b"), String::new(), ",".to_owned()]
    {
        assert!(matches!(list(&wrong), Err(ListError::Missing(_))), "{wrong}");
    }
    assert_eq!(list(&folder.at("a.txt")).unwrap()[0].bytes, 5);
}

#[test]
fn patterns() {
    let names = ["1/a", "1/b", "2/a", "2/_c", "_3/a", ".4/a", "1/x/a", "1/x/y/a", "1/_z/a"];
    let folder = Folder::with(&names);
    let found = |pattern: &str| folder.names(&folder.at(pattern)).join(" ");
    assert_eq!(found("*/a"), "1/a 2/a");
    assert_eq!(found("*"), "1/a 1/b 2/a");
    assert_eq!(found("*/*"), "1/a 1/b 1/x/a 2/a");
    assert_eq!(found("_*/a"), "_3/a");
    assert_eq!(found("{1,2}/{a,b}"), "1/a 1/b 2/a");
    assert_eq!(found("{1/{a,x/a},none}"), "1/a 1/x/a");
    assert_eq!(found("{1,[12]}/a"), "1/a 2/a");
    assert_eq!(found("[!2]/?"), "1/a 1/b 1/x/a");
    assert_eq!(found("[^1]/a"), "2/a");
    assert_eq!(found("1/**/a"), "1/a 1/x/a 1/x/y/a");
    let two = format!("{},{}", folder.at("{1,2}/a"), folder.at("1/b"));
    assert_eq!(folder.names(&two), ["1/a", "2/a", "1/b"]);
    for wrong in ["{1", "[", "a***"] {
        let error = list(&folder.at(wrong)).unwrap_err();
        assert!(matches!(error, ListError::Pattern { .. }), "{error}");
    }
}

#[test]
fn a_name_with_the_signs_of_a_pattern_is_a_name_first() {
    let folder = Folder::with(&["[1].txt", "1.txt"]);
    assert_eq!(folder.names(&folder.at("[1].txt")), ["[1].txt"]);
}

#[test]
fn an_empty_folder_is_no_files() {
    let folder = Folder::with(&["_SUCCESS", "d/e/.keep"]);
    assert_eq!(list(&folder.at("")).unwrap(), []);
    assert_eq!(list(&folder.at("d")).unwrap(), []);
    assert_eq!(list(&folder.at("*")).unwrap(), [], "a folder matches");
}

#[test]
fn unknown_schemes_are_refused() {
    let here = tempfile::tempdir().unwrap();
    let both = format!("{},wasb://a/b", here.path().display());
    for typed in ["ftp://bucket/key", "abfs+x://a/*", &both] {
        let error = list(typed).unwrap_err();
        assert!(matches!(error, ListError::Location(LocationError::Scheme(_))), "{error}");
    }
    let long = format!("/none/{{{}}}/*", "a,".repeat(5000));
    assert!(matches!(list(&long), Err(ListError::Missing(_))), "a pattern may be longer than a path");
    assert!(matches!(list("/none/a://b"), Err(ListError::Missing(_))));
}

#[test]
fn what_cannot_be_looked_at_is_an_error_that_names_it() {
    let folder = Folder::with(&["d/a"]);
    std::os::unix::fs::symlink("loop", folder.at("loop")).unwrap();
    for typed in ["loop", "loop/*", "*", "", "loop/a"] {
        let error = list(&folder.at(typed)).unwrap_err();
        assert!(
            matches!(&error, ListError::Io(path, _) if path.ends_with("loop") || path.ends_with("loop/a"))
        );
        assert!(error.to_string().contains("check that you may read it"), "{error}");
    }
    assert!(matches!(list("/dev/null"), Err(ListError::NotAFile(_))));
    let _socket = std::os::unix::net::UnixListener::bind(folder.at("d/socket")).unwrap();
    assert!(matches!(list(&folder.at("d")), Err(ListError::NotAFile(_))));
}

#[test]
fn links_in_a_circle_end() {
    let folder = Folder::with(&["d/a"]);
    std::os::unix::fs::symlink("..", folder.at("d/up")).unwrap();
    assert_eq!(folder.names(&folder.at("**/a")), ["d/a"]);
}

#[test]
fn many_files_are_listed_in_order() {
    let folder = Folder::with(&[]);
    for n in (0..1000).rev() {
        fs::write(folder.at(&format!("part-{n:05}")), "").unwrap();
    }
    let whole = list(&folder.at("")).unwrap();
    assert_eq!(whole.len(), 1000);
    assert!(whole.is_sorted_by(|a, b| a.location < b.location));
    assert!(list(&folder.at("part-{*,0*}")).unwrap() == whole);
}

proptest! {
    #[test]
    fn whatever_is_typed_never_panics(typed in "[a*?\\[\\]{},!^:/. -]{0,24}") {
        let typed: String = format!("/none/{typed}").replace("..", ".");
        if let Ok(files) = list(&typed) {
            prop_assert!(files.is_empty(), "{typed}: {files:?}");
        }
    }
}
