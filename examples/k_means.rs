//! Groups points around K centres: `k_means [MASTER] [POINTS] [K] [ROUNDS]`. A line of POINTS is numbers between spaces.
//!
//! The centres change in each round, so each round hands them to `with`; the points are parsed once and cached.

use rsk::prelude::*;

const USAGE: &str = "[POINTS] [K] [ROUNDS]\nGroups POINTS around K centres.";

type Point = Vec<f64>;

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
}

fn closest(point: &[f64], centres: &[Point]) -> usize {
    let by_distance =
        |a: &usize, b: &usize| distance(point, &centres[*a]).total_cmp(&distance(point, &centres[*b]));
    (0..centres.len()).min_by(by_distance).unwrap_or(0)
}

fn sum(a: Point, b: &[f64]) -> Point {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let input = rsk::arg(0, examples::data("points.txt"))?;
        let (k, rounds) = (rsk::arg(1, 3usize)?, rsk::arg(2, 20usize)?);

        let points = ctx.text_file(&input)?.try_map(|line| examples::numbers(&line)).cache();
        let mut centres = points.take_sample(false, k.max(1), 1)?;
        if centres.is_empty() {
            return Err(rsk::Error::Argument(format!("there are no points in {input}")));
        }
        for round in 1..=rounds {
            let means = points
                .with(centres.clone())
                .map(|centres, point| (closest(&point, centres), (point, 1u64)))
                .reduce_by_key(|(a, n), (b, m)| (sum(a, &b), n + m))
                .collect()?;
            let mut moved = 0.0;
            for (centre, (total, count)) in means {
                let mean: Point = total.iter().map(|x| x / count as f64).collect();
                moved += distance(&mean, &centres[centre]);
                centres[centre] = mean;
            }
            if moved < 1e-9 {
                println!("settled after {round} rounds");
                break;
            }
        }
        centres.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
        for centre in centres {
            println!("{centre:.3?}");
        }
        Ok(())
    })
}
