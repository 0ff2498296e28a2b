//! The run of `dunlin bench bystander`: the two bystanders alone, then beside one flood after the other.

use super::super::flood::{Flood, Kind, Need};
use super::super::machine::without_secrets_in_url;
use super::super::rights::raise_file_limit;
use super::super::site::Site;
use super::super::summary::{Ended, Environment};
use super::found::{Figures, Flooders, Found, Row, VERSION};
use super::pair::Bystanders;
use super::plan::Plan;
use super::probe::lacks;
use super::target::{Refusal, resolve};
use std::io::{self, Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How long they are watched before each flood.
const QUIET: Duration = Duration::from_millis(300);
/// How often they are watched before a flood until the server has come to rest from the one before.
const QUIET_TRIES: usize = 10;
/// Time for a server to get rid of a flood that has left.
const REST: Duration = Duration::from_millis(300);
/// How long a newcomer's echo is waited for after a flood, ...
const RECOVERY: Duration = Duration::from_secs(30);
/// ... and how long while nothing listens at all.
const RESTART: Duration = Duration::from_secs(3);
/// Beyond this p99 of its own lag the client cannot blame the server, ...
const MOST_LAG: Duration = Duration::from_millis(1);
/// ... unless that is no more than one in so many of what it saw of the server.
const SMALL_PART: u64 = 10;
/// Below so many round trips a p99 is the greatest of them.
const FEW: usize = 20;
/// Open files beside the connections that a row is named after, and those of the members of a room.
const OTHERS: u64 = 64;
const MEMBERS: u64 = 1_100;

/// What is told while the run goes on.
pub enum Progress<'a> {
    /// The server echoes, and so many rows follow, those that are skipped aside.
    Begins(usize),
    /// A row is over.
    Row(&'a Row),
}

/// Floods the server of the plan, one flood at a time, and says what the bystanders saw. It ends within 100 ms
/// of being `interrupted`, with what was found until then.
///
/// # Errors
/// The server may not be flooded; nobody answers there; or it is no echo.
pub fn run(
    plan: &Plan,
    environment: Environment,
    tell: &mut dyn FnMut(Progress<'_>),
    interrupted: &AtomicBool,
) -> Result<Found, Refusal> {
    let addresses = resolve(&plan.url, plan.mine)?;
    let (mut site, mut bystanders) = first_echo(plan, &addresses, interrupted)?;
    let alone = bystanders.watch(plan.alone, &AtomicBool::new(false), interrupted);
    let mut bystanders = Some(bystanders);
    let mut found = Found {
        version: VERSION,
        environment,
        url: without_secrets_in_url(&plan.url.to_string()),
        address: site.address.to_string(),
        span_ns: plan.span.as_nanos() as u64,
        bytes: plan.bytes,
        ended: Ended::Complete,
        alone: Figures::of(&alone),
        rows: Vec::new(),
    };
    if lacks(&site, Need::Said, interrupted).is_none() {
        site.said = "/you-said".to_owned();
    }
    let floods = plan.floods();
    // Before the first flood: the server is still as it should be.
    let mut known: Vec<(Need, Option<String>)> = Vec::new();
    for kind in &floods {
        if !known.iter().any(|(need, _)| *need == kind.need) {
            known.push((kind.need, lacks(&site, kind.need, interrupted)));
        }
    }
    let lack = |kind: &Kind| {
        let known = known.iter().find(|(need, _)| *need == kind.need);
        known.and_then(|(_, lack)| lack.clone())
    };
    let possible = floods.iter().filter(|kind| lack(kind).is_none());
    tell(Progress::Begins(
        possible.map(|kind| plan.counts(kind).len()).sum(),
    ));
    let is_interrupted = || interrupted.load(Ordering::Relaxed);
    'floods: for kind in floods {
        if is_interrupted() {
            break;
        }
        if let Some(lack) = lack(kind) {
            let row = skipped(blank(&site, kind, 0), lack);
            tell(Progress::Row(&row));
            found.rows.push(row);
            continue;
        }
        for connections in plan.counts(kind) {
            let visit = Visit {
                plan,
                site: &site,
                kind,
                connections,
                alone: &found.alone,
                interrupted,
            };
            let (row, is_gone) = visit.row(&mut bystanders);
            // What was begun and cut before it saw anything is no row.
            if row.beside.is_some() || !is_interrupted() {
                tell(Progress::Row(&row));
                found.rows.push(row);
            }
            if is_gone {
                found.ended = Ended::Lost;
                break 'floods;
            }
            if is_interrupted() {
                break 'floods;
            }
        }
    }
    if is_interrupted() {
        found.ended = Ended::Interrupted;
    }
    Ok(found)
}

/// The first of the addresses that takes a connection, which must echo.
fn first_echo(
    plan: &Plan,
    addresses: &[SocketAddr],
    interrupted: &AtomicBool,
) -> Result<(Site, Bystanders), Refusal> {
    let url = &plan.url;
    let mut problem = String::new();
    for address in addresses {
        let mut site = Site::new(*address, url.authority(), url.target().to_owned());
        #[cfg(feature = "tls")]
        {
            site.secure = plan.believed.secure(url).map_err(Refusal::Usage)?;
        }
        for (name, value) in &plan.fields {
            site.fields += &format!("{name}: {value}\r\n");
        }
        match Bystanders::connect(&site, interrupted) {
            Ok(bystanders) => return Ok((site, bystanders)),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return Err(Refusal::Failure(format!(
                    "{url} does not echo: {error}\nwanted: a path that echoes, such as /echo-raw"
                )));
            }
            Err(error) => {
                problem = format!(
                    "{url} ({address}): {error}\nwanted: a WebSocket server there; is it running, and is the port right?"
                );
            }
        }
    }
    Err(Refusal::Failure(problem))
}

/// One row to be.
struct Visit<'a> {
    plan: &'a Plan,
    site: &'a Site,
    kind: &'a Kind,
    connections: usize,
    alone: &'a Figures,
    interrupted: &'a AtomicBool,
}

impl Visit<'_> {
    /// The row, and whether the server is gone with it.
    fn row(&self, known: &mut Option<Bystanders>) -> (Row, bool) {
        let mut row = blank(self.site, self.kind, self.connections);
        let members = match self.kind.need {
            Need::Flow | Need::Rooms => MEMBERS,
            _ => OTHERS,
        };
        let prepared = raise_file_limit(self.connections as u64 + members)
            .and_then(|()| self.kind.prepare(self.site));
        let room = match prepared {
            Ok(room) => room,
            Err(error) => return (skipped(row, error.to_string()), false),
        };
        let (bystanders, quiet) = match self.quiet(known) {
            Ok(found) => found,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                row.trouble.push(self.ended());
                return (row, true);
            }
            Err(error) => {
                let lack = format!("no echo before it began: {error}");
                return (skipped(row, lack), false);
            }
        };
        row.quiet = Some(quiet);
        if self.is_interrupted() {
            return (row, false);
        }
        let flood = Flood {
            site: self.site,
            kind: self.kind,
            connections: self.connections,
            room: &room,
            bytes: self.plan.bytes,
            interrupted: self.interrupted,
        };
        let watch =
            |over: &AtomicBool| Ok(bystanders.watch(self.plan.span, over, self.interrupted));
        let (seen, tally) = match flood.beside(watch) {
            Ok(flooded) => flooded,
            Err(error) => return (skipped(row, error.to_string()), false),
        };
        let end = Instant::now();
        if seen.trouble.is_some() || seen.unanswered > 0 {
            *known = None;
        }
        row.beside = Some(Figures::of(&seen));
        row.flooders = Some(Flooders::of(&tally));
        self.remark(&mut row);
        if self.is_interrupted() {
            row.notes.push("interrupted".to_owned());
            return (row, false);
        }
        let is_gone = match self.newcomer() {
            Ok(()) => {
                row.recovered_ns = Some(end.elapsed().as_nanos() as u64);
                if let Some(trouble) = seen.trouble {
                    row.trouble
                        .push(format!("a bystander lost its connection: {trouble}"));
                }
                false
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => false,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                row.trouble.push(self.ended());
                true
            }
            Err(error) => {
                row.trouble
                    .push(format!("NO ANSWER AFTERWARDS, for {RECOVERY:?}: {error}"));
                true
            }
        };
        if let Some(recovered) = row.recovered_ns.filter(|&ns| ns > 1_000_000_000) {
            let seconds = recovered as f64 / 1e9;
            let note = format!("the next newcomer had its echo {seconds:.1} s after the flood");
            row.notes.push(note);
        }
        let rested = Instant::now();
        while !is_gone && rested.elapsed() < REST && !self.is_interrupted() {
            thread::sleep(REST / 10);
        }
        (row, is_gone)
    }

    fn ended(&self) -> String {
        let address = self.site.address;
        format!("THE SERVER ENDED: nothing listens at {address} any more")
    }

    /// The bystanders, watched until the server is about as quick as it was at first, a few seconds at most. New
    /// ones where those of the flood before have lost their connections; they stay a while first.
    fn quiet<'b>(
        &self,
        known: &'b mut Option<Bystanders>,
    ) -> io::Result<(&'b mut Bystanders, Figures)> {
        let watch = |bystanders: &mut Bystanders, span| {
            bystanders.watch(span, &AtomicBool::new(false), self.interrupted)
        };
        let mut figures = Figures::default();
        for _ in 0..QUIET_TRIES {
            let bystanders = match known {
                Some(bystanders) => bystanders,
                None => {
                    let mut bystanders = Bystanders::connect(self.site, self.interrupted)?;
                    watch(&mut bystanders, self.plan.alone);
                    known.insert(bystanders)
                }
            };
            let seen = watch(bystanders, QUIET);
            figures = Figures::of(&seen);
            if seen.trouble.is_some() {
                // The server has let them go since the last flood.
                *known = None;
            } else if self.is_quiet(&figures) {
                break;
            }
            if self.is_interrupted() {
                break;
            }
        }
        let lost = || Error::other("the bystanders lose their connections");
        Ok((known.as_mut().ok_or_else(lost)?, figures))
    }

    fn is_quiet(&self, figures: &Figures) -> bool {
        figures.round_trip.p99 <= 2 * self.alone.round_trip.p99 + 1_000_000
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Says what the figures alone do not.
    fn remark(&self, row: &mut Row) {
        let (Some(beside), Some(quiet)) = (&row.beside, &row.quiet) else {
            return;
        };
        let ms = |ns: u64| ns as f64 / 1e6;
        let lag = beside.lag.p99;
        let most = most_lag(beside.round_trip.p99);
        if lag > most {
            row.invalid = Some(format!(
                "the client itself was late, its own lag p99 {:.2} ms, at most {:.2} ms wanted",
                ms(lag),
                ms(most)
            ));
        }
        if beside.unanswered > 0 {
            let note = format!(
                "{} messages of the bystanders unanswered",
                beside.unanswered
            );
            row.notes.push(note);
        }
        if (1..FEW).contains(&beside.round_trip.count) {
            let count = beside.round_trip.count;
            row.notes
                .push(format!("{count} round trips only, as long as they took"));
        }
        if !self.is_quiet(quiet) {
            row.notes.push(format!(
                "not quiet before it: round trip p99 {:.2} ms",
                ms(quiet.round_trip.p99)
            ));
        }
        let over = row
            .flooders
            .as_ref()
            .and_then(|flooders| flooders.over_after_ns);
        if let Some(over) = over.filter(|&over| over < self.plan.span.as_nanos() as u64 / 2) {
            row.notes.push(format!(
                "the server had ended every flooder after {:.0} ms, the rest was quiet",
                ms(over)
            ));
        }
    }

    /// Waits until a newcomer has its echo.
    fn newcomer(&self) -> io::Result<()> {
        let begin = Instant::now();
        loop {
            let problem = match Bystanders::connect(self.site, self.interrupted) {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let limit = match problem.kind() {
                ErrorKind::Interrupted => return Err(problem),
                ErrorKind::ConnectionRefused => RESTART,
                _ => RECOVERY,
            };
            if begin.elapsed() > limit {
                return Err(problem);
            }
            if self.is_interrupted() {
                return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
            }
            thread::sleep(REST / 10);
        }
    }
}

/// The most that the client may be late itself, at the 99th percentile, beside such a p99 of its round trips.
fn most_lag(round_trip: u64) -> u64 {
    (MOST_LAG.as_nanos() as u64).max(round_trip / SMALL_PART)
}

fn blank(site: &Site, kind: &Kind, connections: usize) -> Row {
    Row {
        flood: kind.name.to_owned(),
        about: kind.about_at(site),
        needs: kind.need.words().to_owned(),
        connections,
        ..Row::default()
    }
}

fn skipped(row: Row, reason: String) -> Row {
    Row {
        skipped: Some(reason),
        ..row
    }
}

#[cfg(test)]
mod tests {
    use super::most_lag;

    #[test]
    fn what_a_client_may_be_late_goes_by_what_it_saw() {
        assert_eq!(most_lag(0), 1_000_000);
        assert_eq!(most_lag(9_999_999), 1_000_000);
        assert_eq!(most_lag(300_000_000), 30_000_000);
    }
}
