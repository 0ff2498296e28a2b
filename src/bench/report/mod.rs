//! What a run is shown as: a table for the terminal, JSON for programs, a page with plots for people.

mod axis;
mod bystanders;
mod figures;
mod html;
mod json;
mod markup;
mod overlays;
mod plots;
mod runs;
mod svg;
mod tables;
mod text;
mod timeline;

pub use bystanders::html as html_of_bystanders;
pub use html::html;
pub use json::{from_json, json};
pub use text::{text, text_of_several};
