//! The Train step as a program.

fn main() -> std::process::ExitCode {
    container::run(container::Kind::Training, "train", train::run)
}
