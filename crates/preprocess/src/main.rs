//! The Preprocess step as a program.

fn main() -> std::process::ExitCode {
    container::run(container::Kind::Processing, "preprocess", preprocess::run)
}
