//! Environment variables that a definition may not set, because they mean something to the engine or
//! to what starts a program.

use container::wire;

/// The environment variable that gives the register program the local registry's directory. Of a job that does not get
/// the registry it is empty, so that the program does not look for SageMaker's.
pub const REGISTRY_VARIABLE: &str = "MODEL_REGISTRY_DIRECTORY";

/// The begins of the names of variables by which a loader, a C library, a shell or an interpreter runs the code of a
/// file before that of the program, or looks for programs and libraries elsewhere.
const LOADER_PREFIXES: [&str; 12] = [
    "DYLD_",
    "GIT_",
    "LD_",
    "LUA_CPATH",
    "LUA_INIT",
    "LUA_PATH",
    "MALLOC_",
    "PERL5",
    "PYTHON",
    "R_ENVIRON",
    "R_LIBS",
    "R_PROFILE",
];
/// Further variables of that kind.
const LOADER_VARIABLES: [&str; 38] = [
    "BASHOPTS",
    "BASH_ENV",
    "CLASSPATH",
    "DOTNET_STARTUP_HOOKS",
    "ENV",
    "GCONV_PATH",
    "GEM_HOME",
    "GEM_PATH",
    "GLIBC_TUNABLES",
    "HOME",
    "HOSTALIASES",
    "IFS",
    "JAVA_TOOL_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "LOCPATH",
    "NLSPATH",
    "NODE_OPTIONS",
    "NODE_PATH",
    "OPENSSL_CONF",
    "OPENSSL_CONF_INCLUDE",
    "OPENSSL_ENGINES",
    "OPENSSL_MODULES",
    "PATH",
    "PERLLIB",
    "PERL_UNICODE",
    "PHPRC",
    "PHP_INI_SCAN_DIR",
    "PROMPT_COMMAND",
    "PS4",
    "RES_OPTIONS",
    "RUBYLIB",
    "RUBYOPT",
    "RUBYSHELL",
    "SHELLOPTS",
    "XDG_CONFIG_DIRS",
    "XDG_CONFIG_HOME",
    "ZDOTDIR",
    "_JAVA_OPTIONS",
];
/// Variables that begin like those of a loader, that programs of others often set, and that run no code.
const HARMLESS: [&str; 7] = [
    "MALLOC_ARENA_MAX",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONFAULTHANDLER",
    "PYTHONHASHSEED",
    "PYTHONIOENCODING",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
];
/// The begin of the names of variables that AWS's programs read.
const AWS_PREFIX: &str = "AWS_";
/// Those of them that only name a region.
const AWS_REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// Returns why a definition may not set a variable by which the engine tells a job something.
pub fn engines_own(variable: &str) -> Option<&'static str> {
    let is_own = [REGISTRY_VARIABLE, wire::BASE_VARIABLE].contains(&variable);
    is_own.then_some("the engine tells a job by it where its files or the registry are")
}

/// Returns why a definition may not set a variable that makes a process run other code than its
/// program, or use credentials and commands of AWS's configuration.
pub fn loaders_own(variable: &str) -> Option<&'static str> {
    if HARMLESS.contains(&variable) || AWS_REGIONS.contains(&variable) {
        return None;
    }
    if variable.starts_with(AWS_PREFIX) {
        return Some(
            "a process would take credentials by it, or a command that gives them; --engine docker takes it",
        );
    }
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
        for name in [
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "LD_AUDIT",
            "DYLD_INSERT_LIBRARIES",
            "ENV",
            "PATH",
            "HOME",
            "PERL5DB",
            "PYTHONWARNINGS",
            "PYTHONUSERBASE",
            "LUA_INIT_5_4",
            "R_PROFILE_USER",
            "GIT_SSH_COMMAND",
            "_JAVA_OPTIONS",
            "SHELLOPTS",
        ] {
            assert!(loaders_own(name).is_some() && engines_own(name).is_none(), "{name}");
        }
        for name in ["AWS_CONFIG_FILE", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID"] {
            assert!(loaders_own(name).unwrap().contains("credentials"), "{name}");
        }
        for name in ["MODEL_REGISTRY_DIRECTORY", "SAGEMAKER_BASE_DIR"] {
            assert!(engines_own(name).is_some(), "{name}");
        }
        for name in [
            "MODE",
            "PYTHONUNBUFFERED",
            "OLD_PRICE",
            "ENVIRONMENT",
            "RUST_LOG",
            "ld",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "NODE_ENV",
            "MODEL_PACKAGE_GROUP_NAME",
        ] {
            assert!(loaders_own(name).or(engines_own(name)).is_none(), "{name}");
        }
    }
}
