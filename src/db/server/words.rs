//! What the servers are told in words of their own.

/// The words of one server.
pub(super) struct Words {
    /// Begins a piece of work that reads: all of it sees one moment.
    pub(super) begin_reading: &'static str,
    /// Begins a piece of work that writes: each statement sees what is committed by then, for some look before they write.
    pub(super) begin_writing: &'static str,
    /// Lifts the deadline of a connection's statements: an index over many rows takes as long as it takes.
    pub(super) without_deadline: &'static str,
    /// Waits for the turn at a place, which lasts until the transaction ends.
    pub(super) take_turn: &'static str,
}
