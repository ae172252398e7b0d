//! Environment variables that a definition may not set, because they mean something to the engine or
//! to what starts a program.

use container::wire;

/// The environment variable that gives the register program the local registry's directory.
pub const REGISTRY_VARIABLE: &str = "MODEL_REGISTRY_DIRECTORY";

/// The begins of the names of variables that the dynamic loaders of Linux and macOS read.
const LOADER_PREFIXES: [&str; 2] = ["LD_", "DYLD_"];
/// Further variables by which a C library, a shell or an interpreter runs the code of a file before
/// that of the program.
const LOADER_VARIABLES: [&str; 16] = [
    "BASH_ENV",
    "CLASSPATH",
    "ENV",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LOCPATH",
    "NODE_OPTIONS",
    "PERL5LIB",
    "PERL5OPT",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "RUBYLIB",
    "RUBYOPT",
];

/// Returns why a definition may not set a variable by which the engine tells a job something.
pub fn engines_own(variable: &str) -> Option<&'static str> {
    let is_own = [REGISTRY_VARIABLE, wire::BASE_VARIABLE].contains(&variable);
    is_own.then_some("the engine tells a job by it where its files or the registry are")
}

/// Returns why a definition may not set a variable that makes a process run other code than its
/// program.
pub fn loaders_own(variable: &str) -> Option<&'static str> {
    let is_loaders = LOADER_PREFIXES.iter().any(|prefix| variable.starts_with(prefix))
        || LOADER_VARIABLES.contains(&variable);
    is_loaders.then_some(
        "a process would run other code by it than its program; --engine docker takes it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_loader_or_the_engine_reads_is_refused_by_name() {
        for name in ["LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "DYLD_INSERT_LIBRARIES", "ENV"] {
            assert!(loaders_own(name).is_some() && engines_own(name).is_none(), "{name}");
        }
        for name in ["MODEL_REGISTRY_DIRECTORY", "SAGEMAKER_BASE_DIR"] {
            assert!(engines_own(name).is_some(), "{name}");
        }
        for name in ["MODE", "PYTHONUNBUFFERED", "OLD_PRICE", "ENVIRONMENT", "RUST_LOG", "ld"] {
            assert!(loaders_own(name).or(engines_own(name)).is_none(), "{name}");
        }
    }
}
