//! Every option that we know: its group, form, default and meaning, and what became of it.

mod keystone;
mod libraries;
mod own;
mod stores;

use super::value::{self, Kind, Value};

pub(super) use keystone::LOGIN;
pub(super) use libraries::SQL_MODE;
pub use stores::of_driver;

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// Its name.
    pub name: &'static str,
    /// The form of its value.
    pub kind: Kind,
    /// Its default as it would stand in a file; none for none.
    pub default: Option<&'static str>,
    /// What it decides.
    pub help: &'static str,
    /// The groups and names that it had once; no group for the one in which it stands.
    pub once: &'static [(&'static str, &'static str)],
    /// Whether its value is shown to nobody.
    pub secret: bool,
    /// What we make of it.
    pub standing: Standing,
}

/// What we make of an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is heeded.
    Obeyed,
    /// It is heeded, and there is something better: this.
    Deprecated(&'static str),
    /// It decides nothing here, for this reason.
    Idle(&'static str),
    /// What it is for is not there yet: this.
    Awaited(&'static str),
    /// As `Awaited`, and going on without it would do harm: with another value than the default we do not start.
    Refused(&'static str),
}

/// A group of options.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its name.
    pub name: &'static str,
    /// Its options.
    pub options: &'static [Opt],
}

/// Every group whose name is fixed, in the order of the sample. One that has several tables is there several times.
pub fn groups() -> impl Iterator<Item = &'static Group> {
    own::GROUPS.iter().chain(keystone::GROUPS).chain(libraries::GROUPS)
}

/// Groups that the reference's libraries have, and that we do not look into, with what they are for.
pub const LEFT_ALONE: &[(&str, &str)] = &[
    ("barbican", "signatures of images are not checked yet"),
    ("barbican_service_user", "signatures of images are not checked yet"),
    ("key_manager", "signatures of images are not checked yet"),
    ("vault", "signatures of images are not checked yet"),
    ("oslo_messaging_amqp", "notifications are not sent yet"),
    ("oslo_messaging_kafka", "notifications are not sent yet"),
    ("oslo_messaging_notifications", "notifications are not sent yet"),
    ("oslo_messaging_rabbit", "notifications are not sent yet"),
    ("profiler", "there is no osprofiler here"),
    ("oslo_reports", "there are no guru meditation reports here"),
    ("os_brick", "the cinder store is not there yet"),
];

impl Opt {
    /// The default as a value.
    pub fn default_value(&self) -> Value {
        match self.default {
            None if self.kind == Kind::Lines => Value::List(Vec::new()),
            None => Value::Unset,
            Some(text) if self.kind == Kind::Lines => Value::List(vec![text.to_owned()]),
            // A test reads every default.
            Some(text) => value::read(self.kind, text).unwrap_or(Value::Unset),
        }
    }

    /// The groups and names that it had once, where it stands in `group`.
    pub fn once_in<'a>(&'a self, group: &'a str) -> impl Iterator<Item = (&'a str, &'static str)> {
        self.once.iter().map(move |(once, name)| (if once.is_empty() { group } else { once }, *name))
    }

    const fn once(mut self, once: &'static [(&'static str, &'static str)]) -> Self {
        self.once = once;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn deprecated(mut self, why: &'static str) -> Self {
        self.standing = Standing::Deprecated(why);
        self
    }

    const fn idle(mut self, why: &'static str) -> Self {
        self.standing = Standing::Idle(why);
        self
    }

    const fn awaited(mut self, what: &'static str) -> Self {
        self.standing = Standing::Awaited(what);
        self
    }

    const fn refused(mut self, why: &'static str) -> Self {
        self.standing = Standing::Refused(why);
        self
    }
}

const fn opt(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Opt {
    Opt { name, kind, default: Some(default), help, once: &[], secret: false, standing: Standing::Obeyed }
}

/// An option without a default.
const fn bare(name: &'static str, kind: Kind, help: &'static str) -> Opt {
    Opt { name, kind, default: None, help, once: &[], secret: false, standing: Standing::Obeyed }
}

const fn at_least(least: i128) -> Kind {
    Kind::Number(least, i128::MAX)
}

#[cfg(test)]
mod tests;
