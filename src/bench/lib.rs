//! The load tester of `dunlin bench`: it drives any WebSocket server from dunlin's own loop, in the
//! client's role, and says what it saw and how far that can be trusted.
//!
//! It is a package of its own so that neither the library nor the server brings along what only a load
//! tester needs. Promises nothing as a library: the command is what is documented.

pub mod bystander;
pub mod condition;
pub mod dialect;
pub mod doctor;
pub mod find;
pub mod flood;
pub mod frames;
pub mod load;
pub mod machine;
pub mod plan;
pub mod process;
pub mod quantity;
pub mod report;
pub mod rights;
pub mod run;
pub mod site;
pub mod stream;
pub mod summary;
pub mod upgrade;
