//! Routes that only one listener answers: a second program joined to the first.
//!
//! Topics, sessions and timers stay those of one server; only the paths are apart.

use super::program::App;
use crate::wire::error::{Error, ErrorKind};

impl App {
    /// Joins another program: the listener of this index answers its paths and no others.
    pub(crate) fn add_listener_routes(&mut self, listener: u16, mut other: App) {
        let (routes, http) = (self.routes.len() as u16, self.http.len() as u16);
        for targets in other.paths.targets_mut() {
            let sessions = [&mut targets.websocket, &mut targets.events];
            for route in sessions.into_iter().flatten() {
                *route += routes;
            }
            for (_, handler) in &mut targets.http {
                *handler += http;
            }
        }
        let binds = other.binds.into_iter();
        self.binds
            .extend(binds.map(|(route, bind)| (route + routes, bind)));
        self.routes.append(&mut other.routes);
        self.http.append(&mut other.http);
        self.listener_paths.push((listener, other.paths));
        for (name, route) in other.outgoing {
            if self.outgoing.contains_key(&name) {
                let message = format!(
                    "outgoing route {name:?} is in the programs of two listeners; wanted: one of a name per server"
                );
                let error = Error::new(ErrorKind::Config, message);
                self.error.get_or_insert(error);
            }
            self.outgoing.insert(name, route + routes);
        }
        if let Some(error) = other.error {
            self.error.get_or_insert(error);
        }
    }
}
