//! Why a rule may have no answer, and how much may be asked for one.

/// How deep checks may stand in one another, counted through the rules that they name. Rules that name each other in a
/// circle end here.
pub(super) const MAX_DEPTH: usize = 500;

/// How many checks one question may cost. Without it, rules that name each other twice could cost years.
pub(super) const MAX_CHECKS: usize = 10_000;

/// Why a rule has no answer. It is denied then, whatever stands around the check (`not` too): in the reference the
/// request ends in an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecided {
    /// The service at this address has to be asked, and deciding does no I/O: who may do that takes the address from
    /// here, asks, and decides again with what is answered.
    #[error("{0} has to be asked")]
    Remote(String),
    /// The address of a remote check needs a value that the target does not have.
    #[error("the address of the remote check needs {0:?}, which the target does not have")]
    MissingInAddress(String),
    /// The right side of a check is no pattern.
    #[error("in {0:?} a % is neither %(key)s nor %%")]
    Pattern(String),
    /// The left side of a check is neither a constant nor a name.
    #[error("{0:?} is neither a constant nor the name of something of the caller")]
    Subject(String),
    /// The left side of a check goes below something that has nothing below it.
    #[error("there is nothing below {0:?}")]
    Path(String),
    /// The rules name each other in a circle, or nearly so.
    #[error("checks stand more than {MAX_DEPTH} deep in one another: do rules name each other in a circle?")]
    TooDeep,
    /// The rules name each other so often that asking them all takes too long.
    #[error("more than {MAX_CHECKS} checks have to be asked")]
    TooMany,
}
