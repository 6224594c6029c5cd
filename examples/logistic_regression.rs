//! Finds the plane that parts two classes: `logistic_regression [MASTER] [POINTS] [ITERATIONS]`. A line of POINTS is a
//! class, 1 or -1, and then coordinates.

use rsk::prelude::*;

const USAGE: &str = "[POINTS] [ITERATIONS]\nFinds the plane that parts two classes of POINTS.";

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn parse(line: &str) -> Result<(f64, Vec<f64>), String> {
    let numbers = examples::numbers(line)?;
    Ok((numbers[0], numbers[1..].to_vec()))
}

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let input = rsk::arg(0, examples::data("classes.txt"))?;
        let iterations = rsk::arg(1, 20usize)?;

        let points = ctx.text_file(&input)?.try_map(|line| parse(&line)).cache();
        let mut weights = vec![0.0; points.first()?.1.len()];
        for _ in 0..iterations {
            let gradient = points
                .with(weights.clone())
                .map(|weights, (class, point)| {
                    let scale = (1.0 / (1.0 + (-class * dot(weights, &point)).exp()) - 1.0) * class;
                    point.into_iter().map(|x| x * scale).collect::<Vec<f64>>()
                })
                .reduce(|a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect())?;
            weights.iter_mut().zip(gradient).for_each(|(weight, slope)| *weight -= slope);
        }

        let right =
            points.with(weights.clone()).filter(|weights, (class, point)| class * dot(weights, point) > 0.0);
        println!("weights {weights:.4?}");
        println!("{} of {} points are on their side", right.count()?, points.count()?);
        Ok(())
    })
}
