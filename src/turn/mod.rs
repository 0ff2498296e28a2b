//! Layer 3: one turn of the loop, written once.
//!
//! wait → clock → accept → read → timers → commands → flush → deliver → reap → wait.
//!
//! [`Turn`] drives the hub over any [`Io`]: mio's sockets in production, a virtual network in the
//! simulation. So the lists, the shares and the pauses that a test sees are those of production.
//! Every step draws on one `budget`; what is left keeps its place for the next turn, before which
//! the loop polls without waiting. The budget counts work and not time: the same input gives the
//! same turns. There is no socket here and no clock.
//!
//! | file | subject |
//! |---|---|
//! | `order` | the turn itself: its steps, one after another |
//! | `io`, `errno` | what a turn asks of the world, and what the errors of a system mean |
//! | `budget` | the work of a turn, and what each step is promised of it |
//! | `ready` | who is read, in which order |
//! | `read`, `round` | one share for each of them; how long a share stands |
//! | `listeners`, `accept` | who comes in |
//! | `handshakes` | the costly steps of TLS, a few a turn; what was encrypted and waits |
//! | `commands` | what other threads and the program itself ask for |

mod accept;
mod budget;
mod commands;
pub mod errno;
mod handshakes;
mod io;
mod listeners;
mod order;
mod read;
mod ready;
mod round;

pub use budget::{STEP, TURN};
pub use io::{AcceptError, Event, HandshakeStep, Io, Read};
pub use order::Turn;
