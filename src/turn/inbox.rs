//! Temporary: the commands of other threads over a channel.
use crate::app::remote::Command;
use std::cell::RefCell;
use std::sync::mpsc::Receiver;

pub(crate) struct Inbox {
    commands: Receiver<Command>,
    next: RefCell<Option<Command>>,
}

impl Inbox {
    pub(crate) fn new(commands: Receiver<Command>) -> Self {
        Self {
            commands,
            next: RefCell::new(None),
        }
    }
    pub(crate) fn take(&mut self) -> Option<Command> {
        self.next
            .borrow_mut()
            .take()
            .or_else(|| self.commands.try_recv().ok())
    }
    pub(crate) fn is_empty(&self) -> bool {
        let mut next = self.next.borrow_mut();
        if next.is_none() {
            *next = self.commands.try_recv().ok();
        }
        next.is_none()
    }
    pub(crate) fn take_shutdowns(&mut self) -> usize {
        0
    }
}
