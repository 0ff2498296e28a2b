//! How what is told goes out: one message for all, which an event stream gets with an id and a name.

use super::format::Telling;
use crate::app::{Context, Event, SendOutcome, SessionId};

impl Telling {
    fn event(&self) -> Event<'_> {
        let event = Event::new(&*self.text);
        let event = match self.event {
            Some(name) => event.name(name),
            None => event,
        };
        match self.position {
            Some(position) => event.id(position.to_string()),
            None => event,
        }
    }

    pub(super) fn publish(
        &self,
        context: &mut Context<'_>,
        topic: &str,
        except: Option<SessionId>,
    ) {
        match except {
            Some(session) => context.publish_except(session, topic, self.event()),
            None => context.publish(topic, self.event()),
        };
    }

    pub(super) fn send(&self, context: &mut Context<'_>, session: SessionId) -> SendOutcome {
        context.send(session, self.event())
    }
}
