//! What went wrong, in the caller's terms. Nothing here knows HTTP: `api/error.rs` turns a kind into a status.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// The result of everything that can fail towards a caller.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the caller can do about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It does not exist, or the caller may not know that it does.
    NotFound,
    /// The caller may see it and may not do this to it.
    Forbidden,
    /// Nobody, or somebody unknown, is calling.
    Unauthenticated,
    /// The request itself is wrong and will stay wrong.
    Invalid,
    /// The thing is in a state that does not allow this now.
    Conflict,
    /// It was there when the request began and is not any more.
    Gone,
    /// A limit or a quota is exceeded, or the medium is full.
    TooLarge,
    /// The form of the content is not accepted.
    Unsupported,
    /// No byte of the wanted range exists.
    RangeNotSatisfiable,
    /// There is nothing to send: an image without data.
    NoContent,
    /// It is known what is meant, and it is not there yet.
    NotImplemented,
    /// Something that we need is away for a while.
    Unavailable,
    /// A defect of ours, or of something beneath us.
    Internal,
}

/// What the client is told, relative to the sentence that every kind has by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
    /// Only the kind's own sentence.
    Standard,
    /// This, in place of the kind's own sentence.
    Instead(Cow<'static, str>),
    /// This, after the kind's own sentence. The reference does so by accident in places; clients match both.
    Beside(Cow<'static, str>),
}

/// One failure: its kind, the text for the client, and a cause that only the log sees.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    text: Text,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// A failure of `kind` with the kind's own sentence.
    pub fn new(kind: Kind) -> Self {
        Self { kind, text: Text::Standard, source: None }
    }

    /// A defect: the client sees the standard sentence, the log sees `cause`.
    pub fn internal(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: Kind::Internal, text: Text::Standard, source: Some(cause.into()) }
    }

    /// Something beneath us is away: the client sees the standard sentence, the log sees `cause`.
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: Kind::Unavailable, text: Text::Standard, source: Some(cause.into()) }
    }

    /// Puts `text` in place of the kind's own sentence.
    #[must_use]
    pub fn saying(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.text = Text::Instead(text.into());
        self
    }

    /// Puts `text` after the kind's own sentence.
    #[must_use]
    pub fn adding(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.text = Text::Beside(text.into());
        self
    }

    /// What the caller can do about it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What the client is told.
    pub fn text(&self) -> &Text {
        &self.text
    }
}

/// The texts of `error` and of all that caused it.
pub fn with_causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(this) = cause {
        text = format!("{text}: {this}");
        cause = this.source();
    }
    text
}

macro_rules! constructors {
    ($($name:ident => $kind:ident),* $(,)?) => {
        impl Error {
            $(
                #[doc = concat!("`Kind::", stringify!($kind), "` with `text` for the client.")]
                pub fn $name(text: impl Into<Cow<'static, str>>) -> Self {
                    Self::new(Kind::$kind).saying(text)
                }
            )*
        }
    };
}

constructors! {
    not_found => NotFound,
    forbidden => Forbidden,
    invalid => Invalid,
    conflict => Conflict,
    gone => Gone,
    too_large => TooLarge,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Text::Standard => write!(f, "{:?}", self.kind),
            Text::Instead(text) | Text::Beside(text) => f.write_str(text),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}
