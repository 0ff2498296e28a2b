//! `dunlin chat` without a terminal: its input is a pipe, and so is what it prints.

mod coming_back;
mod connecting;
mod json;
mod pipe;
mod room;
mod served_room;
mod talker;
