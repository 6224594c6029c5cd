//! Statistics of a Parquet file's rows: `parquet_stats [MASTER] [INPUT]`. INPUT has the columns `city`, `day` and `price`; without
//! one, sales are made up and written first.

use rsk::{
    arrow::array::{cast::AsArray, types::Float64Type},
    prelude::*,
};
use serde::{Deserialize, Serialize};

const USAGE: &str = "[INPUT]\nStatistics of sales in Parquet files with the columns city, day and price.";

#[derive(Serialize, Deserialize)]
struct Sale {
    city: String,
    day: i32,
    price: f64,
}

fn main() -> rsk::Result<()> {
    rsk::App::usage(USAGE).run(|ctx| {
        let input = match rsk::args().first() {
            Some(input) => input.clone(),
            None => make_up(ctx)?,
        };
        let sales = ctx.read_parquet(&input)?;

        // By columns: of each file the prices alone are read, and added up as they lie in memory.
        let sums = sales.columns(["price"]).map(|batch| {
            let prices = batch.column(0).as_primitive::<Float64Type>();
            (prices.len() as u64, prices.iter().flatten().sum::<f64>())
        });
        let (count, sum) = sums.fold((0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1))?;
        println!("{count} sales, {sum:.2} in all");

        // By rows: typed, for all that rsk does. Row groups of other days are not read.
        let july =
            sales.groups_with("day", 182..=212).rows::<Sale>().filter(|sale| (182..=212).contains(&sale.day));
        let by_city =
            july.map(|sale| (sale.city, (1_u64, sale.price))).reduce_by_key(|a, b| (a.0 + b.0, a.1 + b.1));
        println!("{:10} {:>8} {:>10}", "July in", "sales", "mean");
        for (city, (count, sum)) in by_city.sort_by_key(1).collect()? {
            println!("{city:10} {count:8} {:10.2}", sum / count as f64);
        }
        Ok(())
    })
}

/// A year of sales in four files, by days.
fn make_up(ctx: &rsk::Context) -> rsk::Result<String> {
    const CITIES: [&str; 4] = ["Berlin", "Lima", "Osaka", "Ur"];
    let output = examples::output(1, "sales")?;
    let sales = ctx.range(0..36_500, 4).map(|n| Sale {
        city: CITIES[(n * 7 % 11 % 4) as usize].to_owned(),
        day: (n / 100) as i32 + 1,
        price: (n * 31 % 1_000) as f64 / 10.0,
    });
    sales.batches()?.save_as_parquet(&output)?;
    Ok(output)
}
