//! Questions to a web server's access log: `log_query [MASTER] [ACCESS_LOG]`. Hits and bytes per hour and status, and the
//! twenty commonest URLs.
//!
//! The regular expression is a `static` that is initialised where it is defined: a closure may use it, and each executor
//! compiles it once. A `static` that `main` sets would be empty there.

use regex::Regex;
use rsk::prelude::*;
use std::sync::LazyLock;

const USAGE: &str = "[ACCESS_LOG]\nHits and bytes per hour and status, and the twenty commonest URLs.";

static LINE: LazyLock<Regex> = LazyLock::new(|| {
    let combined = r#"^\S+ \S+ \S+ \[([^\]:]+:\d\d)[^\]]*\] "\S+ (\S+)[^"]*" (\d{3}) (\d+|-)"#;
    Regex::new(combined).expect("the pattern is well formed")
});

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let input = rsk::arg(0, examples::data("access.log"))?;
        let others = ctx.accumulator(0u64);
        let hits = ctx
            .text_file(&input)?
            .with(others.clone())
            .flat_map(|others, line| {
                let Some(found) = LINE.captures(&line) else {
                    others.add(1);
                    return None;
                };
                let [hour, url, status, bytes] = found.extract().1;
                Some((
                    hour.to_owned(),
                    status.to_owned(),
                    bytes.parse().unwrap_or(0u64),
                    rsk::Text::from(url),
                ))
            })
            .persist(StorageLevel::MemoryAndDisk);

        let by_hour = hits
            .map(|(hour, status, bytes, _)| ((hour, status), (1u64, bytes)))
            .reduce_by_key(|a, b| (a.0 + b.0, a.1 + b.1))
            .sort_by_key(1);
        println!("{:16} {:6} {:>9} {:>14}", "hour", "status", "hits", "bytes");
        for ((hour, status), (hits, bytes)) in by_hour.collect()? {
            println!("{hour:16} {status:6} {hits:9} {bytes:14}");
        }
        // Read after the first job: later ones find the hits where they are kept, or count again what was not.
        println!("{} lines are no requests", others.value());

        let urls = hits.map(|(.., url)| (url, 1u64)).reduce_by_key(|a, b| a + b);
        println!("\n{:>9} url", "hits");
        for (hits, url) in urls.map(|(url, hits)| (hits, url)).top(20)? {
            println!("{hits:9} {url}");
        }
        Ok(())
    })
}
