//! Tests of a program without sockets: the application of production in memory, over virtual
//! connections and a virtual clock.
//!
//! A test opens conversations, sends, receives, lets time pass, cuts lines and
//! slows readers; nothing sleeps and nothing depends on the machine. One seed
//! decides everything that is left to chance, and it is printed when a test
//! fails. After every turn the simulation checks the promises of the server.
//! Nothing here knows a socket, and a real clock only where a test waits
//! for a thread of its own.
//!
//! | to test | see |
//! |---|---|
//! | [a conversation](#a-conversation) | [`Sim::open`], [`Conversation::receive_text`] |
//! | [what fails a test](#what-fails-a-test) | [`Sim::expect_panics`] |
//! | [timers and time limits](#time) | [`Sim::advance`], [`Sim::drive_until`] |
//! | [slow readers, broken lines](#a-slow-reader) | [`Line::stall`], [`Line::backlog`], [`Line::cut`] |
//! | [plain HTTP](#plain-http) | [`Sim::get`], [`Sim::request`], [`Sim::http`] |
//! | [event streams](#an-event-stream) | [`Sim::follow`], [`Follower::next_event`] |
//! | [sessions to other servers](#a-session-to-another-server) | [`Sim::next_call`], [`IncomingCall`] |
//! | [other threads](#other-threads) | [`Sim::drive_threads_until`] |
//!
//! # A conversation
//!
//! What a conversation sends arrives when the simulation runs: every call that receives runs it until
//! the server rests.
//!
//! ```
//! use dunlin::testing::{Received, Sim};
//! use dunlin::{App, CloseCode, Handler, Message, Open, Request, Session};
//!
//! struct Echo;
//!
//! impl Handler for Echo {
//!     type Data = ();
//!
//!     fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
//!         session.send("Please enter your name");
//!         Open::Accept(())
//!     }
//!
//!     fn message(&mut self, _: &mut (), session: &mut Session<'_>, message: Message<'_>) {
//!         match message.text() {
//!             Some("bye") => session.close(CloseCode::NORMAL, "Client said BYE"),
//!             Some(text) => { session.send(format!("Hi, {text}!")); }
//!             None => {}
//!         }
//!     }
//! }
//!
//! let sim = Sim::new(App::new().ws("/echo", Echo))?;
//! let echo = sim.open("/echo");
//! assert_eq!(echo.receive_text(), "Please enter your name");
//! echo.send("JetBrains");
//! assert_eq!(echo.receive_text(), "Hi, JetBrains!");
//! echo.send("bye");
//! assert_eq!(echo.receive(), Some(Received::close(1000, "Client said BYE")));
//! # Ok::<(), dunlin::Error>(())
//! ```
//!
//! # What fails a test
//!
//! A panic in a handler, an `assert_eq!` for example, ends the test with the handler's own message and
//! line, from the very call that ran the simulation; in production it would end one session with 1011. A
//! test of that says so:
//!
//! ```
//! # use dunlin::testing::{Received, Sim};
//! # use dunlin::App;
//! let app = App::new().on_message("/", |_, message| {
//!     message.text().expect("a text");
//! });
//! let sim = Sim::new(app)?;
//! sim.expect_panics();
//! let peer = sim.open("/");
//! peer.send(b"bytes".as_slice());
//! assert_eq!(peer.receive(), Some(Received::close(1011, "Internal error")));
//! assert_eq!(sim.take_panics(), ["a text"]);
//! # Ok::<(), dunlin::Error>(())
//! ```
//!
//! An expectation of the simulation itself, such as [`Conversation::receive_text`], fails at the line of
//! the test that called it.
//!
//! # Time
//!
//! The clock stands unless the test moves it. It goes from one deadline of the server to the next, so
//! an hour takes no time.
//!
//! ```
//! # use dunlin::testing::{Received, Sim};
//! # use dunlin::{App, Handler, Message, Open, Request, Session};
//! # use std::time::Duration;
//! # struct Quiz;
//! # impl Handler for Quiz {
//! #     type Data = ();
//! #     fn open(&mut self, _: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
//! #         session.set_timer(Duration::from_secs(15), 0);
//! #         Open::Accept(())
//! #     }
//! #     fn message(&mut self, _: &mut (), _: &mut Session<'_>, _: Message<'_>) {}
//! #     fn timer(&mut self, _: &mut (), session: &mut Session<'_>, _: u64) {
//! #         session.close(4000, "too slow");
//! #     }
//! # }
//! # let app = App::new().ws("/quiz", Quiz);
//! let sim = Sim::new(app)?; // its handler sets a timer of 15 s at open
//! let player = sim.open("/quiz");
//! sim.advance(Duration::from_secs(14));
//! assert_eq!(player.receive(), None);
//! sim.drive_until(|| player.waiting() > 0);
//! assert_eq!(player.receive(), Some(Received::close(4000, "too slow")));
//! assert_eq!(sim.now(), Duration::from_secs(15));
//! # Ok::<(), dunlin::Error>(())
//! ```
//!
//! # A slow reader
//!
//! ```
//! # use dunlin::testing::Sim;
//! # use dunlin::App;
//! let app = App::new().on_message("/echo", |session, message| { session.send(message); });
//! let sim = Sim::new(app)?;
//! let (slow, other) = (sim.open("/echo"), sim.open("/echo"));
//! slow.set_capacity(1000); // bytes that fit between the server and this peer
//! slow.stall();
//! slow.send("x".repeat(5000));
//! other.send("hello");
//! assert_eq!(other.receive_text(), "hello");
//! assert_eq!(slow.backlog(), 4004); // a header of 4 bytes is among them
//! slow.resume();
//! assert_eq!(slow.receive_text().len(), 5000);
//! # Ok::<(), dunlin::Error>(())
//! ```
//!
//! # Plain HTTP
//!
//! ```
//! # use dunlin::testing::Sim;
//! # use dunlin::{App, Method, Response, Status};
//! let app = App::new()
//!     .get("/health", |_, _| Response::text("fine"))
//!     .post("/length", |request, _| Response::text(request.body().len().to_string()));
//! let sim = Sim::new(app)?;
//! assert_eq!(sim.get("/health").text(), "fine");
//! let answer = sim.request(Method::Post, "/length").header("Accept", "text/plain").body("12345").send();
//! assert_eq!((answer.status(), answer.text()), (Status::OK, "5"));
//!
//! let browser = sim.http(); // several on one connection
//! assert_eq!(browser.get("/health").field("Connection"), Some("keep-alive"));
//! assert_eq!(browser.get("/nowhere").status(), Status::NOT_FOUND);
//! # Ok::<(), dunlin::Error>(())
//! ```
//!
//! # An event stream
//!
//! ```
//! # use dunlin::testing::Sim;
//! # use dunlin::{App, Event, Handler, Message, Open, Request, Session, Settings};
//! # struct Clock;
//! # impl Handler for Clock {
//! #     type Data = ();
//! #     fn open(&mut self, request: &Request<'_>, session: &mut Session<'_>) -> Open<()> {
//! #         let last = request.last_event_id().and_then(|id| id.parse().ok()).unwrap_or(0);
//! #         session.send(Event::new("tick").id((last + 1).to_string()).name("time"));
//! #         Open::Accept(())
//! #     }
//! #     fn message(&mut self, _: &mut (), _: &mut Session<'_>, _: Message<'_>) {}
//! # }
//! # let app = App::new().sse("/clock", Settings::default(), Clock);
//! let sim = Sim::new(app)?;
//! let reader = sim.follow("/clock");
//! let event = reader.next_event().expect("an event");
//! assert_eq!((event.id.as_deref(), event.name.as_deref(), &*event.data), (Some("1"), Some("time"), "tick"));
//! reader.cut();
//! let again = sim.follow_with("/clock", &[("Last-Event-ID", "1")])?;
//! again.next_event();
//! assert_eq!(again.last_event_id().as_deref(), Some("2"));
//! # Ok::<(), dunlin::Error>(())
//! ```
//!
//! # A session to another server
//!
//! The test plays the other server: it sees what was asked for, and accepts or refuses.
//!
//! ```
//! # use dunlin::testing::Sim;
//! # use dunlin::{App, Call, Message, Session, Settings};
//! let upper = |session: &mut Session<'_>, message: Message<'_>| {
//!     session.send(message.text().unwrap_or_default().to_uppercase());
//! };
//! let app = App::new().outgoing("news", Settings::default(), upper);
//! let sim = Sim::new(app)?;
//! let call = Call::new(([10, 0, 0, 1], 80).into(), "news.example", "/live");
//! sim.remote().connect("news", call.field("Authorization", "Bearer t"))?;
//!
//! let call = sim.next_call().expect("a call");
//! assert_eq!(call.target(), "/live");
//! assert_eq!(call.field("authorization"), Some("Bearer t"));
//! let server = call.accept(); // or `call.refuse(Status::UNAUTHORIZED, "no")`
//! server.send("hello");
//! assert_eq!(server.receive_text(), "HELLO");
//! # Ok::<(), dunlin::Error>(())
//! ```
//!
//! # Other threads
//!
//! A handler that hands work to a thread is answered in real time; the virtual clock stands meanwhile.
//!
//! ```
//! # use dunlin::testing::Sim;
//! # use dunlin::{App, Handle, Handler, Message, Open, Request, Route, Session};
//! struct Squares {
//!     handle: Option<Handle<Squares>>,
//! }
//!
//! impl Handler for Squares {
//!     type Data = ();
//!
//!     fn open(&mut self, _: &Request<'_>, _: &mut Session<'_>) -> Open<()> {
//!         Open::Accept(())
//!     }
//!
//!     fn message(&mut self, _: &mut (), session: &mut Session<'_>, message: Message<'_>) {
//!         let number: u64 = message.text().and_then(|text| text.parse().ok()).unwrap_or(0);
//!         let (handle, id) = (self.handle.clone().expect("it was set"), session.id());
//!         std::thread::spawn(move || {
//!             let square = (number * number).to_string(); // it takes its time
//!             let _ = handle.call(move |_, context| { context.send(id, &square); });
//!         });
//!     }
//! }
//!
//! let route = Route::new(Squares { handle: None });
//! let handle = route.handle();
//! let sim = Sim::new(App::new().route("/squares", route))?;
//! let own = handle.clone();
//! handle.call(|squares, _| squares.handle = Some(own))?;
//! let peer = sim.open("/squares");
//! peer.send("12");
//! sim.drive_threads_until(|| peer.waiting() > 0);
//! assert_eq!(peer.receive_text(), "144");
//! # Ok::<(), dunlin::Error>(())
//! ```

pub use crate::sim::{
    Conversation, End, Follower, HttpAnswer, HttpClient, HttpRequest, IncomingCall, Line,
    MAX_DRIVE, PendingAnswer, Received, ReceivedEvent, Sim,
};
