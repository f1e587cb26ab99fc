//! The program: parses the command line and calls one function.

/// Half of what a list takes is to put small pieces together: an allocator that is quick with them (decision 1).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    glint::cli::run()
}
