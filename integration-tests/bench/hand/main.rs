//! The same jobs, written by hand: two threads, the standard library, nothing general.
//!
//! `trivial`, `tasks TASKS`, `listing FOLDER`, `pi PARTITIONS SAMPLES`, `words INPUT OUTPUT`, `sort INPUT OUTPUT`,
//! `rank EDGES ITERATIONS`. What a good programmer would write in an afternoon, not the limit of the machine.

mod input;
mod pi;
mod rank;
mod sort;
mod tasks;
mod words;

use std::{error::Error, time::Instant};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let started = Instant::now();
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["trivial"] => println!("answer 1"),
        ["tasks", tasks] => println!("answer {}", tasks::count(tasks.parse()?)?),
        ["listing", folder] => println!("answer {}", tasks::listing(folder)?),
        ["pi", partitions, samples] => {
            println!("pi is roughly {}", pi::pi(partitions.parse()?, samples.parse()?)?);
        }
        ["words", input, output] => words::count(input.as_ref(), output.as_ref())?,
        ["sort", input, output] => sort::sort(input.as_ref(), output.as_ref())?,
        ["rank", edges, iterations] => {
            println!("sum of ranks {}", rank::sum_of_ranks(edges.as_ref(), iterations.parse()?)?);
        }
        _ => return Err("see the arguments at the head of hand/main.rs".into()),
    }
    eprintln!("done in {:.3} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Runs both on a thread each.
fn both<A: Send, B: Send>(
    first: impl FnOnce() -> Result<A> + Send,
    second: impl FnOnce() -> Result<B> + Send,
) -> Result<(A, B)> {
    std::thread::scope(|scope| {
        let second = scope.spawn(second);
        let first = first()?;
        let second = second.join().map_err(|_| "a thread panicked")??;
        Ok((first, second))
    })
}
