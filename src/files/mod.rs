//! A folder of files over plain HTTP: [`App::files`](crate::App::files) mounts a [`Files`].
//!
//! What lies outside of the folder must never be reached, whatever a path says and whoever changes
//! the folder meanwhile; and no file, pipe or device may stop the loop. `path` checks the path of a
//! request, `open` goes down the folder name by name, `answer` says what of it goes out.

mod answer;
mod folder;
mod media_type;
mod open;
mod path;

pub use folder::Files;
