//! Runs the command line of the library.

fn main() -> std::process::ExitCode {
    orchestrator::main()
}
