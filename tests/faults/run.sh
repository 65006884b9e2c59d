#!/usr/bin/env bash
# The long fault runs of the store. Takes ten to thirty minutes and about 1 GB in the temporary folder; needs
# root (loop devices, mounts) and strace. Each line that it prints ends in what was lost. Those of connections and upstreams
# are another command, tests/faults/connections/run.
#
#   tests/faults/run.sh            everything
#   tests/faults/run.sh kill 200   one of: kill N, power N, sync N, space N, flips N, full
#
# sled panics on some damage; the store takes that as damage, and the message is of no account.
set -euo pipefail
cd "$(dirname "$0")/../.."

export RUST_BACKTRACE=0

faults() { cargo test --quiet --test store_faults -- --fault "$@"; }

if [ "$#" -gt 0 ]; then
    faults "$@"
    exit
fi
faults kill 200    # kill -9 while eight writers create and revoke
faults power 50    # the power cut, on a disk of its own
faults sync 30     # fdatasync fails once, or from some moment on
faults space 30    # no space for the history, for a while or for good
faults flips 500   # a flipped bit somewhere in the data folder
faults full        # a disk that fills up, and restarts while it is full
