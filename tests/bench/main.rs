//! The tests of the load tester's package that need a server, or whole runs.

mod bystander;
mod report;
mod runs;
