//! The Register step as a program.

fn main() -> std::process::ExitCode {
    container::run(container::Kind::Processing, "register", register::run)
}
