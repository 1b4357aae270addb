//! The program `community-connector`.

use std::process::ExitCode;

/// Gives memory back soon and keeps one arena a processor (`.cargo/config.toml`), so that what a run holds does not grow
/// with what it reads.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    ExitCode::from(community_connector::run(std::env::args_os()))
}
