//! What is asked for on the command line.

pub(crate) const USAGE: &str = "usage: cargo bench --bench faults -- (--seeds N [--from S] [--jobs N] | --seed S | --torture) [--record]
  --seeds N    so many runs, each by a seed of its own
  --from S     the first of these seeds; default 0
  --jobs N     threads, 1 to 256; default: one for each core
  --seed S     one run alone: a finding again
  --torture    every fallible call of some scenarios fails once, in every way it can
  --record     write the run to benches/runs/";

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(crate) enum Work {
    Seeds { from: u64, count: u64 },
    One(u64),
    Torture,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) work: Work,
    pub(crate) jobs: usize,
    pub(crate) keep: bool,
}

impl Arguments {
    /// # Errors
    /// What is wrong with them.
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let (mut count, mut one, mut from, mut jobs) = (None, None, None, None);
        let (mut torture, mut keep) = (false, false);
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let place = match word {
                "--bench" => continue,
                "--record" => {
                    keep = true;
                    continue;
                }
                "--torture" => {
                    torture = true;
                    continue;
                }
                "--seeds" => &mut count,
                "--seed" => &mut one,
                "--from" => &mut from,
                "--jobs" => &mut jobs,
                _ => return Err(format!("{word:?} is unknown")),
            };
            let number = words.next().unwrap_or_default();
            let number = number.parse::<u64>();
            *place = Some(number.map_err(|_| format!("{word} needs a number"))?);
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let jobs = match jobs {
            None => cores,
            Some(jobs @ 1..=256) => jobs as usize,
            Some(jobs) => return Err(format!("--jobs {jobs} is out of bounds: 1 to 256")),
        };
        let work = match (count, one, torture) {
            (Some(0), None, false) => return Err("--seeds 0 is no run".to_owned()),
            (Some(count), None, false) => {
                let from = from.unwrap_or(0);
                if from.checked_add(count).is_none() {
                    return Err("--from is too large for so many seeds".to_owned());
                }
                Work::Seeds { from, count }
            }
            (None, Some(seed), false) => Work::One(seed),
            (None, None, true) => Work::Torture,
            _ => return Err("one of --seeds, --seed and --torture is needed".to_owned()),
        };
        Ok(Self { work, jobs, keep })
    }
}
