//! How many files and connections this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::settings::Limits;
use crate::gateway::descriptors::Descriptors;

/// Raises the limit as far as the system lets an ordinary process, and gives how many descriptors
/// that makes. Shells and service managers set a low one for programs that look at all descriptors
/// (`select`), and a high one for all others to take.
pub(super) fn raise() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let limit = match raised {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            current
        }
    };
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

/// Says where fewer connections are served than the settings allow: at the start, and where these allow another number.
pub(super) fn tell(descriptors: &Descriptors, limits: &Limits) {
    let (wanted, served) = (limits.connections, descriptors.clients());
    if wanted > served {
        tracing::warn!(
            open_files = descriptors.limit(),
            connections = served,
            "`limits.connections` is {wanted}, but this process may have only {} files open, which \
             is enough for {served} connections; raise that (`LimitNOFILE=` of systemd, `ulimit -Hn` \
             of a shell), or lower `limits.connections`",
            descriptors.limit()
        );
    }
}
