//! Asking for a new password: unseen and twice at a terminal, or as the first line of standard input.

use std::io::{self, BufRead, IsTerminal, Read, StdinLock, Write};

use anyhow::{Context, bail};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret, SecretString};

/// The most that is read of a line, in bytes: more than any password may have.
const LINE_MAX: u64 = 8192;

/// The password that somebody gives.
pub(super) fn new_password() -> anyhow::Result<SecretString> {
    let mut input = io::stdin().lock();
    if !input.is_terminal() {
        return read_line(&mut input);
    }
    let first = unseen(&mut input, "New password: ")?;
    let second = unseen(&mut input, "Once more: ")?;
    if first.expose_secret() != second.expose_secret() {
        bail!("the two passwords differ");
    }
    Ok(first)
}

/// A line that the terminal does not show.
fn unseen(input: &mut StdinLock<'_>, prompt: &str) -> anyhow::Result<SecretString> {
    let mut error = io::stderr();
    write!(error, "{prompt}")?;
    error.flush()?;
    let quiet = Quiet::new()?;
    let line = read_line(input);
    drop(quiet);
    // The terminal did not show the end of the line either.
    writeln!(error)?;
    line
}

fn read_line(input: &mut impl BufRead) -> anyhow::Result<SecretString> {
    let mut line = String::new();
    let read = input.take(LINE_MAX).read_line(&mut line);
    if read.context("cannot read a password")? == 0 {
        bail!("there is no password on standard input");
    }
    let text = line.strip_suffix('\n').unwrap_or(&line);
    Ok(text.strip_suffix('\r').unwrap_or(text).into())
}

/// A terminal that shows nothing of what is typed until this is dropped.
struct Quiet {
    before: Termios,
}

impl Quiet {
    fn new() -> anyhow::Result<Self> {
        let before = tcgetattr(io::stdin()).context("cannot ask the terminal")?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet).context("cannot quieten the terminal")?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Nothing is left to do about a terminal that is gone.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::read_line;

    #[test]
    fn one_line_is_the_password() {
        for (input, password) in [
            ("secret\n", Some("secret")),
            ("secret", Some("secret")),
            ("secret\r\nmore\n", Some("secret")),
            (" spaces stay \n", Some(" spaces stay ")),
            ("\n", Some("")),
            ("", None),
        ] {
            let read = read_line(&mut input.as_bytes()).ok();
            assert_eq!(read.as_ref().map(ExposeSecret::expose_secret), password, "{input:?}");
        }
        assert!(read_line(&mut &b"\xff\n"[..]).is_err(), "not text");
    }
}
