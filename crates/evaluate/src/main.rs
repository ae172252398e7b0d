//! The Evaluate step as a program.

fn main() -> std::process::ExitCode {
    container::run(container::Kind::Processing, "evaluate", evaluate::run)
}
