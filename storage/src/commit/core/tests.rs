use super::*;

fn part(name: &str, aside: bool) -> Part {
    let aside = aside.then(|| Aside::File(format!("_rsk/pending/j/{name}")));
    Part { name: name.to_owned(), bytes: 1, checksum: Some(7), aside }
}

/// An output of these files, with entries of jobs `a`, `b` and so on.
fn seen(files: &[&str], entries: Vec<Entry>, success: &str, pending: &[&str]) -> Seen {
    let entries: BTreeMap<u64, Entry> = (0..).zip(entries).collect();
    let success = Some(success).filter(|job| !job.is_empty()).map(|job| success_of(&entries, job));
    Seen {
        thing: Thing::Folder,
        entries,
        files: files.iter().map(|name| ((*name).to_owned(), 1)).collect(),
        own: pending.iter().map(|job| format!("_rsk/pending/{job}/claim.json")).collect(),
        success,
        pending: pending.iter().map(|job| (*job).to_owned()).collect(),
        ..Seen::default()
    }
}

/// What `_SUCCESS` says once a job's entry is done.
fn success_of(entries: &BTreeMap<u64, Entry>, job: &str) -> Success {
    let entry = entries.iter().find(|(_, entry)| entry.job == job).map_or(0, |(number, _)| *number);
    Success { version: VERSION, job: job.to_owned(), entry }
}

fn whole(job: &str, added: Vec<Part>, removed: &[&str]) -> Entry {
    let removed = removed.iter().map(|name| (*name).to_owned()).collect();
    Entry { is_whole: true, added, removed, ..Entry::of(job) }
}

const ALL: Abilities = Abilities { moves: true, exchanges: true };
const MOVES: Abilities = Abilities { moves: true, exchanges: false };
const NONE: Abilities = Abilities::NONE;

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
    output.success = Some(success_of(&output.entries, "b"));
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
    output.own.remove("_rsk/pending/a/claim.json");
    assert_eq!(output.mend(Some("me"), Others::Undo), []);
    output.pending.remove("me");
    output.own.remove("_rsk/pending/me/claim.json");
    output.own.insert("_rsk/log/0.json".to_owned());
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
        output.success = Some(success_of(&output.entries, &name));
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

#[test]
fn a_job_that_was_undone_does_not_commit_though_an_attempt_of_it_left_something_since() {
    let mut output = seen(&[], vec![], "", &["a"]);
    assert!(!output.is_abandoned("a"));
    output.own = BTreeSet::from(["_rsk/pending/a/part-00007-task-9.json".to_owned()]);
    assert!(output.is_abandoned("a"));
}

#[test]
fn an_entry_of_a_job_that_slept_does_not_hold() {
    let (own, other) = ([part("p-b", true)], vec![part("p-c", true)]);
    let mine = || Entry { added: own.to_vec(), ..Entry::of("b") };
    let a = || whole("a", vec![part("p", false)], &[]);
    let holds = |seen: &Seen| seen.holds(1, "b", &own);
    assert!(holds(&seen(&["p"], vec![a(), mine()], "a", &["b"])));
    assert!(holds(&seen(&["p", "p-b"], vec![a(), mine()], "b", &[])), "another has finished it");
    assert!(!holds(&seen(&["p"], vec![a(), mine()], "a", &[])), "its uploads are gone with its claim");
    let fence = Entry { abandoned: BTreeSet::from(["b".to_owned()]), ..Entry::of("") };
    assert!(!holds(&seen(&["p"], vec![a(), mine(), fence], "a", &["b"])));
    let later = |removed: &[&str]| whole("c", other.clone(), removed);
    assert!(
        !holds(&seen(&["p"], vec![a(), mine(), later(&["p"])], "a", &["b"])),
        "its number was free again"
    );
    assert!(holds(&seen(&["p"], vec![a(), mine(), later(&["p", "p-b"])], "a", &["b"])), "it was overwritten");
    assert!(!holds(&seen(&["p"], vec![a()], "a", &["b"])), "somebody closed the log");
}

#[test]
fn what_was_done_once_is_not_done_again() {
    let log =
        || vec![whole("a", vec![part("old", false)], &[]), whole("b", vec![part("new", true)], &["old"])];
    let lost = seen(&[], log(), "b", &[]);
    assert_eq!(lost.mend(None, Others::Undo), [], "a part that went since is not looked for");
    assert_eq!(lost.readable(), Some(Err(Unreadable::Gone("new".to_owned()))));
    let again = seen(&["new", "old"], log(), "b", &[]);
    assert_eq!(again.mend(None, Others::Undo), [], "a name that was free is another's now");
    assert_eq!(again.plan(SaveMode::Overwrite, ALL), Ok(Way::Exchange));
}

#[test]
fn an_overwrite_takes_no_files_that_no_job_wrote() {
    let log = || vec![whole("a", vec![part("p", false)], &[])];
    for (files, plan) in [
        (&["p", ".p.crc", "_metadata"][..], Ok(Way::Exchange)),
        (&["p", "notes"], Err(Refusal::NotAnOutput)),
        (&["p", "photos/one"], Err(Refusal::NotAnOutput)),
    ] {
        assert_eq!(seen(files, log(), "a", &[]).plan(SaveMode::Overwrite, ALL), plan, "{files:?}");
    }
    let appended = seen(&["p", "nested/q"], vec![], "", &[]).entry("a", SaveMode::Append, Way::Log, vec![]);
    assert_eq!(appended.added, [Part { checksum: None, ..part("p", false) }], "folders in it are not read");
}

#[test]
fn half_written_outputs_in_folders_of_it_are_left_alone() {
    let mut output = seen(&["p"], vec![whole("a", vec![part("p", false)], &[])], "a", &[]);
    let (ours, others) = (
        ["._rsk__SUCCESS.7-1", "_rsk/log/._rsk_1.json.7-2"],
        ["._rsk_out.lock", "._rsk_out.0/p", "b/._rsk__SUCCESS.1"],
    );
    output.own.extend(ours.iter().chain(&others).map(|path| (*path).to_owned()));
    let swept = ours.map(|path| Step::Sweep(path.to_owned()));
    assert_eq!(output.mend(None, Others::Undo), swept);
}
