use super::*;

fn part(name: &str, aside: bool) -> Part {
    let aside = aside.then(|| Aside::File(format!("_rsk/pending/j/{name}")));
    Part { name: name.to_owned(), bytes: 1, checksum: Some(7), aside }
}

/// An output of these files, with entries of jobs `a`, `b` and so on.
fn seen(files: &[&str], entries: Vec<Entry>, success: &str, pending: &[&str]) -> Seen {
    Seen {
        thing: Thing::Folder,
        entries: entries.into_iter().enumerate().map(|(number, entry)| (number as u64, entry)).collect(),
        files: files.iter().map(|name| ((*name).to_owned(), 1)).collect(),
        own: pending.iter().map(|job| format!("_rsk/pending/{job}/claim.json")).collect(),
        success: Some(success.to_owned()).filter(|job| !job.is_empty()),
        pending: pending.iter().map(|job| (*job).to_owned()).collect(),
        ..Seen::default()
    }
}

fn whole(job: &str, added: Vec<Part>, removed: &[&str]) -> Entry {
    let removed = removed.iter().map(|name| (*name).to_owned()).collect();
    Entry { is_whole: true, added, removed, ..Entry::of(job) }
}

const ALL: Abilities = Abilities { moves: true, exchanges: true };
const MOVES: Abilities = Abilities { moves: true, exchanges: false };
const NONE: Abilities = Abilities { moves: false, exchanges: false };

#[test]
fn the_way_depends_on_what_is_there_the_mode_and_the_store() {
    let nothing = || Seen::default();
    let ours = || seen(&["p"], vec![whole("a", vec![part("p", false)], &[])], "a", &[]);
    let theirs = || seen(&["p"], vec![], "", &[]);
    let empty = || seen(&[], vec![], "", &[]);
    let file = || Seen { thing: Thing::Other, ..Seen::default() };
    let (error, overwrite, append) = (SaveMode::Error, SaveMode::Overwrite, SaveMode::Append);
    for (seen, mode, can, way) in [
        (nothing(), error, ALL, Ok(Way::Move)),
        (nothing(), overwrite, MOVES, Ok(Way::Move)),
        (nothing(), append, NONE, Ok(Way::Log)),
        (ours(), error, ALL, Err(Refusal::Exists)),
        (ours(), error, NONE, Err(Refusal::Exists)),
        (ours(), overwrite, ALL, Ok(Way::Exchange)),
        (ours(), overwrite, MOVES, Ok(Way::Log)),
        (ours(), append, ALL, Ok(Way::Log)),
        (theirs(), overwrite, ALL, Err(Refusal::NotAnOutput)),
        (theirs(), append, ALL, Ok(Way::Log)),
        (theirs(), error, NONE, Err(Refusal::Exists)),
        (empty(), error, ALL, Err(Refusal::Exists)),
        (empty(), error, NONE, Ok(Way::Log)),
        (empty(), overwrite, ALL, Ok(Way::Exchange)),
        (file(), error, ALL, Err(Refusal::Exists)),
        (file(), overwrite, ALL, Err(Refusal::NotAFolder)),
    ] {
        assert_eq!(seen.plan(mode, can), way, "{seen:?} {mode} {can:?}");
    }
}

#[test]
fn what_is_committed_is_published_then_the_replaced_goes_then_success_comes() {
    let entries =
        vec![whole("a", vec![part("old", false)], &[]), whole("b", vec![part("new", true)], &["old"])];
    let mut output = seen(&["old"], entries, "a", &["b"]);
    output.own.insert("_rsk/pending/j/new".to_owned());
    assert_eq!(output.mend(None, Others::Leave), [Step::Publish(part("new", true))]);
    let read = |output: &Seen| -> Vec<String> {
        output.readable().unwrap().unwrap().into_iter().map(|(_, path)| path.to_owned()).collect()
    };
    assert_eq!(read(&output), ["_rsk/pending/j/new"], "it is read where it waits");
    output.own.remove("_rsk/pending/j/new");
    assert_eq!(read(&output), ["old"], "an upload cannot be read, but what is replaced is still there");
    output.files.insert("new".to_owned(), 1);
    assert_eq!(output.mend(None, Others::Leave), [Step::Delete("old".to_owned())]);
    assert_eq!(read(&output), ["new"]);
    output.files.remove("old");
    let success = Success { version: VERSION, job: "b".to_owned(), entry: 1 };
    assert_eq!(output.mend(None, Others::Leave), [Step::Succeed(success)]);
    output.success = Some("b".to_owned());
    assert_eq!(output.mend(None, Others::Leave), [Step::Forget("b".to_owned())]);
    output.pending.clear();
    assert_eq!(output.mend(None, Others::Undo), []);
    output.files.clear();
    assert_eq!(output.readable(), Some(Err(Unreadable::Gone("new".to_owned()))));
}

#[test]
fn what_is_not_committed_is_undone_only_after_a_fence() {
    let mut output = seen(&[], vec![], "", &["a", "me"]);
    assert_eq!(output.mend(Some("me"), Others::Leave), []);
    let fenced = BTreeSet::from(["a".to_owned()]);
    assert_eq!(output.mend(Some("me"), Others::Undo), [Step::Fence(0, fenced.clone())]);
    output.entries.insert(0, Entry { abandoned: fenced, ..Entry::of("") });
    assert!(output.is_abandoned("a") && !output.is_abandoned("me"));
    assert_eq!(output.mend(Some("me"), Others::Undo), [Step::Forget("a".to_owned())]);
    output.pending.remove("a");
    assert_eq!(output.mend(Some("me"), Others::Undo), []);
    output.pending.remove("me");
    assert!(output.is_abandoned("me"), "a job whose claim is gone may not commit");
    assert_eq!(output.mend(None, Others::Undo), [Step::Close], "a log that says nothing goes");
    assert_eq!(output.readable(), None);
}

#[test]
fn an_append_adopts_what_was_there_and_an_overwrite_names_all_that_goes() {
    let output = seen(&["p", "_hidden"], vec![], "", &["b"]);
    let entry = output.entry("b", SaveMode::Append, Way::Log, vec![part("q", true)]);
    let names: Vec<&str> = entry.added.iter().map(|part| &*part.name).collect();
    assert!(entry.is_whole);
    assert_eq!(names, ["p", "q"]);
    let output = seen(&["p"], vec![whole("a", vec![part("p", false), part("late", true)], &[])], "", &["b"]);
    let entry = output.entry("b", SaveMode::Overwrite, Way::Log, vec![part("q", true)]);
    assert_eq!(entry.removed, BTreeSet::from(["late".to_owned(), "p".to_owned()]));
}

#[test]
fn a_long_log_is_written_anew_and_its_beginning_trimmed() {
    let mut output = seen(&["p0"], vec![whole("0", vec![part("p0", false)], &[])], "", &[]);
    for job in 1..=ENTRIES_MAX + 20 {
        let name = job.to_string();
        let entry = output.entry(&name, SaveMode::Append, Way::Log, vec![part(&format!("p{job}"), true)]);
        output.entries.insert(output.next(), entry);
        output.files.insert(format!("p{job}"), 1);
        output.success = Some(name);
    }
    let last = output.commits().next_back().unwrap().0;
    assert_eq!(output.live(last).len(), ENTRIES_MAX + 21);
    let steps = output.mend(None, Others::Leave);
    let [Step::Trim(below)] = steps[..] else { panic!("{steps:?}") };
    output.entries.retain(|number, _| *number >= below);
    assert!(output.entries.len() >= usize::try_from(ENTRIES_KEPT).unwrap());
    assert_eq!(output.live(last).len(), ENTRIES_MAX + 21, "what was trimmed is repeated later");
    assert_eq!(output.mend(None, Others::Leave), []);
}

#[test]
fn files_that_nobody_named_are_left_alone() {
    let output = seen(&["p", "notes"], vec![whole("a", vec![part("p", false)], &[])], "a", &[]);
    assert_eq!(output.mend(None, Others::Undo), []);
    assert_eq!(output.readable().unwrap().unwrap().len(), 1);
}
