//! Who opens a data folder, and what its lock tells of the process that holds it.

use std::fmt;
use std::fs;

/// Who opens a data folder, and what it may do for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opener {
    /// A gateway, which makes the folder if there is none, and keeps it.
    Server,
    /// A command that needs what is there.
    Command,
    /// A command whose task it is to make the folder, or may be.
    Maker,
}

impl Opener {
    /// Whether it may make a data folder where there is none.
    pub const fn may_make(self) -> bool {
        matches!(self, Self::Server | Self::Maker)
    }

    /// What others are told of it.
    pub const fn role(self) -> Role {
        match self {
            Self::Server => Role::Server,
            Self::Command | Self::Maker => Role::Command,
        }
    }
}

/// What kind of process holds a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// One that keeps it until it is told to stop.
    Server,
    /// One that lets go of it by itself.
    Command,
}

/// What the process that holds it does, for whoever waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// The folder is not open yet.
    Opening,
    /// It is.
    Using,
    /// It is about to let go.
    Closing,
}

/// The process that holds a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number.
    pub pid: u32,
    /// What kind of process it is.
    pub role: Role,
    /// What it does.
    pub doing: Doing,
}

impl Holder {
    /// The line that stands in a lock: as long for each holder, so that it is written over the last
    /// one.
    pub fn line(&self) -> String {
        let doing = match self.doing {
            Doing::Opening => "opening",
            Doing::Using => "using",
            Doing::Closing => "closing",
        };
        let role = match self.role {
            Role::Server => "server",
            Role::Command => "command",
        };
        format!("{:<20} {doing:<8} {role:<8}\n", self.pid)
    }

    /// What such a line says; none for any other text.
    pub fn parse(line: &str) -> Option<Self> {
        // Those of the version before name no role, and of a folder in use nothing but the process.
        let line = line.strip_suffix('\n').filter(|line| [29, 38].contains(&line.len()))?;
        let (pid, rest) = line.split_at_checked(20)?;
        let pid = pid.trim_end().parse().ok()?;
        let mut words = rest.split_whitespace();
        let doing = match words.next() {
            Some("opening") => Doing::Opening,
            Some("using") | None => Doing::Using,
            Some("closing") => Doing::Closing,
            Some(_) => return None,
        };
        let role = match words.next() {
            Some("server") | None => Role::Server,
            Some("command") => Role::Command,
            Some(_) => return None,
        };
        Some(Self { pid, role, doing })
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, role, doing } = self;
        write!(f, "process {pid}")?;
        if let Ok(name) = fs::read_to_string(format!("/proc/{pid}/comm")) {
            write!(f, " (`{}`)", name.trim())?;
        }
        f.write_str(match (role, doing) {
            (Role::Command, _) => ", a command at work; try again when it is done",
            (Role::Server, Doing::Opening) => {
                ", a server that is starting: it opens the folder; try again when it has"
            }
            (Role::Server, Doing::Closing) => ", a server that is stopping; try again in a moment",
            (Role::Server, Doing::Using) => {
                ", a server; stop it, or talk to it through its local socket"
            }
        })
    }
}

/// Somebody, or nobody knows who.
pub(super) fn described(holder: &Option<Holder>) -> String {
    holder.map_or_else(|| "an unknown process".to_owned(), |holder| holder.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_was_written_and_nothing_else_is_one() {
        for role in [Role::Server, Role::Command] {
            for doing in [Doing::Opening, Doing::Using, Doing::Closing] {
                let holder = Holder { pid: 4_194_304, role, doing };
                assert_eq!(Holder::parse(&holder.line()), Some(holder));
            }
        }
        let before = format!("{:<20} {:<8}\n", 7, "closing");
        let of_before = Holder { pid: 7, role: Role::Server, doing: Doing::Closing };
        assert_eq!(Holder::parse(&before), Some(of_before));
        let padded = format!("{:<20} {:<8} {:<8}\n", 7, "reading", "server");
        for other in ["", "7\n", "opening", padded.as_str(), &"é".repeat(19)] {
            assert_eq!(Holder::parse(other), None, "{other}");
        }
    }
}
