//! See the library.

fn main() -> std::process::ExitCode {
    orchestrator::main()
}
