//! The program. What each command does is in `cli`, in the file of its name.

use std::process::ExitCode;

fn main() -> ExitCode {
    tollgate::cli::run()
}
