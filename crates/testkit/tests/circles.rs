//! No crate has a circle among its files: a file that needs another is not needed by it.
//!
//! The test reads the sources as text. A file depends on another if one of its paths leads there:
//! `use crate::a::B`, `super::a::b()`, or `a::b()` for a child module or an imported one. A name that
//! a file only re-exports (`pub use x::{A, B}` in `lib.rs` or `mod.rs`) leads to the file that
//! defines it. Modules for tests (`#[cfg(test)]`) do not count.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use camino::Utf8Path;

/// A module's path below the crate's root. The root itself is empty.
type ModulePath = Vec<String>;

/// The files of a crate, or of a made-up one, by path below `src`.
type Sources = BTreeMap<String, String>;

/// Returns the words, `::` and punctuation of Rust code, without comments and literals.
fn tokens(code: &str) -> Vec<String> {
    let letters: Vec<char> = code.chars().collect();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let at = |place: usize| letters.get(place).copied().unwrap_or('\0');
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < letters.len() {
        let c = letters[i];
        // r"..." and r#"..."#, also after a b or c.
        let hashes = letters[i..].iter().skip(1).take_while(|&&c| c == '#').count();
        if c == '/' && at(i + 1) == '/' {
            while i < letters.len() && letters[i] != '\n' {
                i += 1;
            }
        } else if c == '/' && at(i + 1) == '*' {
            let mut depth = 0;
            loop {
                match (at(i), at(i + 1)) {
                    ('/', '*') => (depth, i) = (depth + 1, i + 2),
                    ('*', '/') => (depth, i) = (depth - 1, i + 2),
                    _ => i += 1,
                }
                if depth == 0 || i >= letters.len() {
                    break;
                }
            }
        } else if c == 'r' && at(i + 1 + hashes) == '"' {
            i += 2 + hashes;
            let is_end =
                |place: usize| at(place) == '"' && (1..=hashes).all(|hash| at(place + hash) == '#');
            while i < letters.len() && !is_end(i) {
                i += 1;
            }
            i += 1 + hashes;
        } else if c == '"' {
            i += 1;
            while i < letters.len() && letters[i] != '"' {
                i += if letters[i] == '\\' { 2 } else { 1 };
            }
            i += 1;
        } else if c == '\'' && at(i + 1) == '\\' {
            i += 3;
            while i < letters.len() && letters[i] != '\'' {
                i += 1;
            }
            i += 1;
        } else if c == '\'' && at(i + 2) == '\'' {
            i += 3;
        } else if is_word(c) {
            let word: String = letters[i..].iter().take_while(|&&c| is_word(c)).collect();
            i += word.chars().count();
            // The prefix of a literal is not a word.
            let is_prefix = ["b", "c", "br", "cr"].contains(&word.as_str());
            if is_prefix && ['"', '\''].contains(&at(i)) {
                continue;
            }
            tokens.push(word);
        } else if c == ':' && at(i + 1) == ':' {
            tokens.push("::".to_owned());
            i += 2;
        } else {
            if !c.is_whitespace() {
                tokens.push(c.to_string());
            }
            i += 1;
        }
    }
    tokens
}

/// Returns the place behind the group that opens at `open`.
fn behind_group(tokens: &[String], open: usize) -> usize {
    let mut depth = 0;
    for (place, token) in tokens.iter().enumerate().skip(open) {
        match token.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return place + 1;
        }
    }
    tokens.len()
}

/// Returns the place behind the item that begins at `start`, attributes included.
fn behind_item(tokens: &[String], start: usize) -> usize {
    let is_use = tokens[start..].iter().take(6).any(|token| token == "use");
    let mut place = start;
    while place < tokens.len() {
        match tokens[place].as_str() {
            ";" => return place + 1,
            "{" if is_use => place = behind_group(tokens, place),
            "{" => return behind_group(tokens, place),
            "(" | "[" => place = behind_group(tokens, place),
            _ => place += 1,
        }
    }
    place
}

/// Removes items that only tests compile.
fn without_tests(tokens: &[String]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut place = 0;
    while place < tokens.len() {
        if tokens[place] == "#" && tokens.get(place + 1).is_some_and(|token| token == "[") {
            let end = behind_group(tokens, place + 1);
            let attribute = &tokens[place..end];
            let has = |word: &str| attribute.iter().any(|token| token == word);
            if has("cfg") && has("test") && !has("not") {
                place = behind_item(tokens, end);
                continue;
            }
        }
        kept.push(tokens[place].clone());
        place += 1;
    }
    kept
}

/// One file as its module sees it.
#[derive(Default)]
struct Module {
    file: String,
    children: BTreeSet<String>,
    /// The paths that `use` gives a name, by that name, and whether others may use the name, too.
    imports: Vec<Import>,
    /// Paths outside of `use`, each with its number of enclosing inline modules.
    paths: Vec<(Vec<String>, usize)>,
    /// Words outside of `use`.
    words: BTreeSet<String>,
}

struct Import {
    name: String,
    path: Vec<String>,
    is_public: bool,
    depth: usize,
}

/// Reads the tree of a `use` behind the word, and returns the place behind it with name and path of
/// each leaf. The name of a glob is `*`.
fn use_tree(
    tokens: &[String],
    mut place: usize,
    prefix: &[String],
    leaves: &mut Vec<(String, Vec<String>)>,
) -> usize {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(place) {
        match token.as_str() {
            "::" => place += 1,
            "{" => {
                place += 1;
                while tokens.get(place).is_some_and(|token| token != "}") {
                    place = use_tree(tokens, place, &path, leaves);
                    if tokens.get(place).is_some_and(|token| token == ",") {
                        place += 1;
                    }
                }
                return place + 1;
            }
            "as" => {
                leaves.push((tokens[place + 1].clone(), path));
                return place + 2;
            }
            ";" | "," | "}" => break,
            word => {
                path.push(word.to_owned());
                place += 1;
            }
        }
    }
    if path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let name = path.last().cloned().unwrap_or_default();
    leaves.push((name, path));
    place
}

fn module(file: &str, code: &str) -> Module {
    let tokens = without_tests(&tokens(code));
    let mut module = Module { file: file.to_owned(), ..Module::default() };
    let is_word = |token: &String| {
        token.starts_with(|c: char| c.is_alphabetic() || c == '_') && token != "as"
    };
    // The depth of braces at which each enclosing inline module began.
    let mut inline: Vec<usize> = Vec::new();
    let mut braces = 0;
    let mut place = 0;
    while place < tokens.len() {
        match tokens[place].as_str() {
            "{" => braces += 1,
            "}" => {
                braces -= 1;
                if inline.last() == Some(&braces) {
                    inline.pop();
                }
            }
            "mod" if tokens.get(place + 2).is_some_and(|token| token == ";") => {
                module.children.insert(tokens[place + 1].clone());
                place += 3;
                continue;
            }
            "mod" if tokens.get(place + 2).is_some_and(|token| token == "{") => {
                inline.push(braces);
                braces += 1;
                place += 3;
                continue;
            }
            "use" => {
                let before = place.checked_sub(1).map(|before| tokens[before].as_str());
                let is_public = matches!(before, Some("pub" | ")"));
                let mut leaves = Vec::new();
                place = use_tree(&tokens, place + 1, &[], &mut leaves);
                let depth = inline.len();
                module.imports.extend(leaves.into_iter().map(|(name, path)| Import {
                    name,
                    path,
                    is_public,
                    depth,
                }));
                continue;
            }
            _ if is_word(&tokens[place]) => {
                let mut path = vec![tokens[place].clone()];
                while tokens.get(place + 1).is_some_and(|token| token == "::")
                    && tokens.get(place + 2).is_some_and(is_word)
                {
                    path.push(tokens[place + 2].clone());
                    place += 2;
                }
                module.words.insert(path[0].clone());
                // One word alone is a variable, a field, or a name that is imported.
                if path.len() > 1 {
                    module.paths.push((path, inline.len()));
                }
            }
            _ => {}
        }
        place += 1;
    }
    module
}

/// A crate's modules, by path.
struct Modules(BTreeMap<ModulePath, Module>);

impl Modules {
    /// Follows the `mod` declarations from a root, `lib.rs` or `main.rs`.
    fn read(root: &str, sources: &Sources) -> Self {
        let mut modules = BTreeMap::new();
        let mut open: Vec<(ModulePath, String)> = vec![(Vec::new(), root.to_owned())];
        while let Some((path, file)) = open.pop() {
            let module = module(&file, &sources[&file]);
            for child in &module.children {
                let child: ModulePath = path.iter().chain([child]).cloned().collect();
                let stem = child.join("/");
                let file = [format!("{stem}.rs"), format!("{stem}/mod.rs")];
                // A module with a path attribute or from a macro is in none of the two.
                let file = file.into_iter().find(|file| sources.contains_key(file));
                open.push((child, file.unwrap_or_else(|| panic!("{stem}.rs is not there"))));
            }
            modules.insert(path, module);
        }
        Self(modules)
    }

    /// Returns the module that defines what `path` names, seen from `from`, or `None` if it is not
    /// of this crate. `depth` is the number of inline modules around the path.
    fn resolve(
        &self,
        from: &ModulePath,
        path: &[String],
        depth: usize,
        hops: usize,
    ) -> Option<ModulePath> {
        let mut place = from.clone();
        let mut rest = path;
        let mut depth = depth;
        match path.first()?.as_str() {
            "crate" => (place, rest) = (Vec::new(), &path[1..]),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|first| first == "super") {
                    if depth > 0 {
                        depth -= 1;
                    } else {
                        place.pop();
                    }
                    rest = &rest[1..];
                }
            }
            first => {
                let module = &self.0[from];
                let is_known = module.children.contains(first)
                    || module.imports.iter().any(|import| import.name == first);
                if !is_known {
                    return None;
                }
            }
        }
        self.definition(place, rest, hops)
    }

    /// Returns the module that defines what `path` names below the module `place`.
    fn definition(
        &self,
        mut place: ModulePath,
        mut path: &[String],
        hops: usize,
    ) -> Option<ModulePath> {
        while let Some(first) = path.first() {
            let module = self.0.get(&place)?;
            if module.children.contains(first) {
                place.push(first.clone());
                path = &path[1..];
                continue;
            }
            let import = module.imports.iter().find(|import| import.name == *first);
            if let Some(import) = import.filter(|_| hops < 16) {
                let full: Vec<_> = import.path.iter().chain(&path[1..]).cloned().collect();
                // `use a;` of a crate outside names itself.
                if full.as_slice() == path {
                    return None;
                }
                return self.resolve(&place, &full, import.depth, hops + 1);
            }
            break;
        }
        Some(place)
    }

    /// Returns the files that each file depends on.
    fn graph(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut graph = BTreeMap::new();
        for (place, module) in &self.0 {
            let imports = module.imports.iter().filter(|import| {
                // A name that is only passed on is not needed here.
                !import.is_public || module.words.contains(&import.name)
            });
            let imports = imports.map(|import| (&import.path, import.depth));
            let paths = module.paths.iter().map(|(path, depth)| (path, *depth));
            let mut needed = BTreeSet::new();
            for (path, depth) in imports.chain(paths) {
                let path: &[String] = path;
                let Some(target) = self.resolve(place, path, depth, 0) else { continue };
                if target != *place {
                    needed.insert(self.0[&target].file.clone());
                }
            }
            graph.insert(module.file.clone(), needed);
        }
        graph
    }
}

/// Returns a shortest circle through each file that lies on one, each circle once.
fn circles(graph: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<Vec<String>> {
    let mut circles = BTreeSet::new();
    for start in graph.keys() {
        let mut ways = vec![vec![start]];
        let mut seen = BTreeSet::new();
        'search: while !ways.is_empty() {
            let mut longer = Vec::new();
            for way in ways {
                for next in &graph[way[way.len() - 1]] {
                    if next == start {
                        let first = way.iter().enumerate().min_by_key(|(_, file)| **file);
                        let first = first.map_or(0, |(place, _)| place);
                        let turned = way.iter().cycle().skip(first).take(way.len());
                        circles.insert(turned.map(|&file| file.clone()).collect());
                        break 'search;
                    }
                    if seen.insert(next) {
                        longer.push(way.iter().copied().chain([next]).collect::<Vec<_>>());
                    }
                }
            }
            ways = longer;
        }
    }
    circles
}

/// Returns the circles of a crate as text, such as `a.rs -> b.rs -> a.rs`.
fn circles_of(sources: &Sources) -> Vec<String> {
    let roots = ["lib.rs", "main.rs"].into_iter().filter(|root| sources.contains_key(*root));
    let circles = roots.flat_map(|root| circles(&Modules::read(root, sources).graph()));
    circles.map(|files| format!("{} -> {}", files.join(" -> "), files[0])).collect()
}

fn read_sources(directory: &Utf8Path, below: &str, sources: &mut Sources) {
    for entry in directory.read_dir_utf8().unwrap().map(Result::unwrap) {
        let name = format!("{below}{}", entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            read_sources(entry.path(), &format!("{name}/"), sources);
        } else if name.ends_with(".rs") {
            sources.insert(name, fs_err::read_to_string(entry.path()).unwrap());
        }
    }
}

#[test]
fn no_crate_has_a_circle_among_its_files() {
    let crates = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    let mut files = 0;
    for entry in crates.read_dir_utf8().unwrap().map(Result::unwrap) {
        let mut sources = Sources::new();
        read_sources(&entry.path().join("src"), "", &mut sources);
        files += sources.len();
        found.extend(
            circles_of(&sources)
                .into_iter()
                .map(|circle| format!("{}: {circle}", entry.file_name())),
        );
    }
    assert!(files > 150, "only {files} files were read");
    assert!(found.is_empty(), "circles among files:\n{}", found.join("\n"));
}

/// Returns the circles of a crate that consists of these files.
fn made_up<const N: usize>(files: [(&str, &str); N]) -> Vec<String> {
    circles_of(&files.map(|(name, code)| (name.to_owned(), code.to_owned())).into())
}

#[test]
fn files_that_import_each_other_are_a_circle() {
    let circle = made_up([
        ("lib.rs", "mod a; mod b; mod c;"),
        ("a.rs", "use crate::b::B; pub struct A(B);"),
        ("b.rs", "use super::c; pub struct B(c::C);"),
        ("c.rs", "pub struct C(Vec<crate::a::A>);"),
    ]);
    assert_eq!(circle, ["a.rs -> b.rs -> c.rs -> a.rs"]);
}

#[test]
fn a_circle_through_re_exports_names_the_files_that_define() {
    let circle = made_up([
        ("lib.rs", "mod a; mod b;\npub use a::A; pub(crate) use b::{B as Other, C};"),
        ("a.rs", "use crate::Other;\npub struct A(Other);"),
        ("b/mod.rs", "mod inner; pub use inner::{B, C};"),
        ("b/inner.rs", "use crate::A; pub struct B; pub struct C(Box<A>);"),
    ]);
    assert_eq!(circle, ["a.rs -> b/inner.rs -> a.rs"]);
}

#[test]
fn a_parent_that_uses_its_child_is_not_used_by_it() {
    let child = ("a.rs", "use super::LIMIT; pub fn f() -> u32 { LIMIT }");
    let root = "mod a; pub use a::f; const LIMIT: u32 = 1;";
    assert_eq!(made_up([("lib.rs", root), child]), [""; 0]);
    let root = "mod a; const LIMIT: u32 = 1; fn g() -> u32 { a::f() }";
    assert_eq!(made_up([("lib.rs", root), child]), ["a.rs -> lib.rs -> a.rs"]);
    let root = "mod a; pub use a::f; const LIMIT: u32 = 1; fn g() -> u32 { f() }";
    assert_eq!(made_up([("lib.rs", root), child]), ["a.rs -> lib.rs -> a.rs"]);
}

#[test]
fn tests_comments_and_literals_do_not_count() {
    let root = ("lib.rs", "mod a; mod b;");
    let b = ("b.rs", "use crate::a::A; pub struct B(A);");
    for code in [
        "/// See [`crate::b::B`].\n/* crate::b::B /* b */ */ pub struct A;",
        "pub struct A; #[cfg(test)] mod tests { use crate::b::B; fn f(_: B) {} }",
        "#[cfg(test)] use crate::b::{B, C}; pub struct A;",
        "const F: [&str; 2] = [\"crate::b::B\", r#\" \" crate::b::B \"#]; pub struct A;",
        "pub struct A; mod inline { use super::A; use super::super::a::A as C; }",
        "pub struct A(std::fmt::Error, char); const Q: char = '\"'; fn f<'a>(_: &'a str) {}",
    ] {
        assert_eq!(made_up([root, ("a.rs", code), b]), [""; 0], "{code}");
    }
    for code in [
        "pub struct A; mod inline { use super::super::b::B; }",
        "#[cfg(not(test))] use crate::b::B; pub struct A;",
        "const Q: char = '\"'; pub struct A(crate::b::B); const R: char = '\\'';",
        "#[error(\"{}\", crate::b::TEXT)] pub struct A;",
        "#[derive(Debug)] pub struct A; macro_rules! m { () => { $crate::b::B } }",
    ] {
        assert_eq!(made_up([root, ("a.rs", code), b]), ["a.rs -> b.rs -> a.rs"], "{code}");
    }
}
