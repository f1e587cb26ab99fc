//! The program: parses the command line and calls one function.

fn main() -> std::process::ExitCode {
    glint::cli::run()
}
