//! The program. What each command does is in `cli`, in the file of its name.

use std::process::ExitCode;

/// The buffers of a connection are larger than what glibc keeps at hand for each thread, and cost
/// it a tenth of a short connection.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tollgate::cli::run()
}
