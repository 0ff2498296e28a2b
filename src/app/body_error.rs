//! Why the body of a request is not what a handler wanted.

use super::response::Response;
use crate::wire::response::Status;
use std::fmt;

/// Why a body is not what was wanted, with the status to answer. Nothing in it repeats the body.
///
/// It becomes a [`Response`], also by `?` in [`Handler::open`](super::Handler::open):
///
/// ```
/// use dunlin::{App, BodyError, Request, Response};
///
/// fn greet(request: &Request<'_>) -> Result<Response, BodyError> {
///     let form = request.form()?;
///     Ok(Response::text(format!("Hello, {}!", form.get("name").unwrap_or("you"))))
/// }
/// let app = App::new().post("/greet", |request, _| greet(request));
/// # drop(app);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// 415: the body is declared as something else, as nothing, or more than once.
    ContentType {
        /// The media type that would have been read.
        wanted: &'static str,
    },
    /// 400: the body is no JSON, or not the wanted value.
    #[cfg(feature = "json")]
    Json {
        /// The line where reading ended, from 1; 0 where the place is not known.
        line: usize,
        /// The byte within the line, from 1; 0 at a line's start and where the place is not known.
        column: usize,
    },
    /// 400: the body of a form is not UTF-8.
    FormText,
    /// 400: a form has more pairs than [`Form::MAX_PAIRS`](super::Form::MAX_PAIRS).
    FormPairs,
}

impl BodyError {
    /// The status to answer: 415 or 400.
    pub fn status(&self) -> Status {
        match self {
            Self::ContentType { .. } => Status::UNSUPPORTED_MEDIA_TYPE,
            _ => Status::BAD_REQUEST,
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ContentType { wanted } => write!(f, "the body must be {wanted}"),
            #[cfg(feature = "json")]
            Self::Json { line, column } => {
                write!(
                    f,
                    "the body is not the JSON that is wanted, at line {line}, column {column}"
                )
            }
            Self::FormText => f.write_str("the form is not UTF-8"),
            Self::FormPairs => f.write_str("the form has too many pairs"),
        }
    }
}

impl std::error::Error for BodyError {}

/// The status with the error as its text; 415 names the wanted type in `Accept` (RFC 9110
/// §15.5.16).
impl From<BodyError> for Response {
    fn from(error: BodyError) -> Self {
        let response = Self::text(format!("{error}\n")).with_status(error.status());
        match error {
            BodyError::ContentType { wanted } => response.field("Accept", wanted),
            _ => response,
        }
    }
}
