//! Limits that were left to the machine: how many connections, and how much may be buffered.

use super::{files, memory};
use crate::config::Limits;

/// What all connections together may have buffered at least, however little memory there is: the
/// default backlog of one.
const LEAST_BUFFERED: usize = 1 << 20;

/// Fills in what the machine decides.
pub(super) fn derive(mut limits: Limits) -> Limits {
    let files = files::open_files();
    let most = files::connections(files);
    let connections = match limits.max_connections {
        None => most,
        Some(wanted) if wanted > most => {
            log::warn!("{wanted} connections are wanted, {files} open files allow {most}");
            most
        }
        Some(wanted) => wanted,
    };
    limits.max_connections = Some(connections);
    let memory = memory::usable();
    files::make_room(files::wanted(connections).min(files), memory);
    let buffered = limits
        .max_buffered
        .get_or_insert_with(|| (memory / 4).max(LEAST_BUFFERED));
    log::info!(
        "up to {files} open files and {} MiB buffered",
        *buffered >> 20
    );
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_decides_is_within_bounds_and_what_was_set_stays() {
        let derived = derive(Limits::default());
        assert!(derived.max_connections.is_some() && derived.max_per_address.is_none());
        assert!(derived.max_buffered.unwrap() >= LEAST_BUFFERED);
        derived.check().unwrap();
        let set = derive(Limits::default().max_connections(3).max_buffered(5));
        assert_eq!((set.max_connections, set.max_buffered), (Some(3), Some(5)));
        let most = derive(Limits::default().max_connections(1 << 30));
        assert_eq!(most.max_connections, derived.max_connections);
    }
}
