//! The server as a program.

fn main() -> std::process::ExitCode {
    container::serve("serve", serve::run)
}
