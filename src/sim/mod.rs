//! A program in memory: the same hub as on real sockets, over virtual
//! connections and a virtual clock.
//!
//! A test opens conversations, sends, receives, lets time pass, cuts lines and
//! slows readers; nothing sleeps and nothing depends on the machine. One seed
//! decides everything that is left to chance, and it is printed when a test
//! fails. After every turn the simulation checks the promises of the server.
//! Nothing here knows a socket, and a real clock only where a test waits
//! for a thread of its own.
//!
//! ```
//! use dunlin::testing::Sim;
//! use dunlin::{App, CloseCode};
//! # use dunlin::{Handler, Message, Request, Response, Session};
//! # struct Echo;
//! # impl Handler for Echo {
//! #     type Data = ();
//! #     fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Result<(), Response> {
//! #         let _ = session.send("Please enter your name");
//! #         Ok(())
//! #     }
//! #     fn message(&mut self, _: &mut (), session: &mut Session<'_>, message: Message<'_>) {
//! #         match message.text() {
//! #             Some(text) if text.eq_ignore_ascii_case("bye") => session.close(CloseCode::NORMAL, "Client said BYE"),
//! #             Some(text) => { let _ = session.send(&format!("Hi, {text}!")); }
//! #             None => {}
//! #         }
//! #     }
//! # }
//!
//! let sim = Sim::new(App::new().ws("/echo", Echo))?;
//! let echo = sim.open("/echo");
//! assert_eq!(echo.receive_text(), "Please enter your name");
//! echo.send("JetBrains");
//! assert_eq!(echo.receive_text(), "Hi, JetBrains!");
//! # Ok::<(), dunlin::Error>(())
//! ```

mod calls;
mod check;
mod conversation;
mod http;
mod io;
mod network;
mod simulation;
mod virtual_peer;
mod world;

pub use calls::IncomingCall;
pub use conversation::{Conversation, Line};
pub use http::{HttpAnswer, HttpClient, HttpRequest, PendingAnswer};
pub use network::End;
pub use simulation::{MAX_DRIVE, Sim};
pub use virtual_peer::Received;
