//! Writes the reports of invented runs into a folder, to look at them: `cargo run -p dunlin-bench --example
//! report FOLDER`.

#[path = "../../../tests/bench/report/invented/mod.rs"]
mod invented;

use std::error::Error;
use std::{env, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args_os()
        .nth(1)
        .ok_or("wanted: a folder to write into")?;
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder)?;
    for (name, runs) in invented::all() {
        fs::write(
            folder.join(format!("{name}.html")),
            dunlin_bench::report::html(&runs),
        )?;
        let text = match &*runs {
            [run] => dunlin_bench::report::text(run),
            runs => dunlin_bench::report::text_of_several(runs),
        };
        fs::write(folder.join(format!("{name}.txt")), text)?;
    }
    println!("{}", folder.display());
    Ok(())
}
