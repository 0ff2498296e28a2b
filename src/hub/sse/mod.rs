//! Event streams: sessions that cannot receive, and that send events in place of frames (HTML standard
//! §9.2). They open, queue and end as WebSocket sessions do; here is what differs.

mod events;
mod head;
