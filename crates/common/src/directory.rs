//! Directories that are reached without following a link, and what is written into them.

use std::io::{self, BufWriter, Write};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use rustix::fs::{self, AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::path::Arg;

use crate::durable::{self, sync};
use crate::files::read_all;
use crate::{PARTIAL_PREFIX, copy_file, kind_of};

/// The bits of a directory whose new files belong to its group, which may write them.
const SHARED: Mode = Mode::SGID.union(Mode::WGRP);

/// A directory below a root. No link below the root was followed to reach it, and none is followed to write
/// into it: whoever can make a link in the root cannot direct a write out of it.
///
/// If a group shares the root (`chmod g+ws`), the group may read and write what is created in it or
/// below, whatever the umask.
#[derive(Debug)]
pub struct Directory {
    handle: OwnedFd,
    root: Utf8PathBuf,
    path: Utf8PathBuf,
    is_shared: bool,
}

/// How a directory that is no link is opened.
const DIRECTORY: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How many levels below itself a directory is emptied before what is deeper is moved up.
const DEEPEST: usize = 32;

impl Directory {
    /// Opens the directory `below` the directory `root` and creates what is missing of both. `root` itself, and
    /// what is above it, may be links.
    ///
    /// # Errors
    ///
    /// Fails where `below` leads over a link or out of the root, and where the operating system refuses.
    pub fn make(root: &Utf8Path, below: impl AsRef<Utf8Path>) -> io::Result<Self> {
        let root = if root == "" { Utf8Path::new(".") } else { root };
        durable::create_directories(root)?;
        Self::reach(root, below.as_ref(), Self::enter)
    }

    /// Opens a directory as [`Self::make`] does, but creates nothing. Returns none if it does not exist.
    ///
    /// # Errors
    ///
    /// Fails as [`Self::make`] does.
    pub fn open(root: &Utf8Path, below: impl AsRef<Utf8Path>) -> io::Result<Option<Self>> {
        let root = if root == "" { Utf8Path::new(".") } else { root };
        match Self::reach(root, below.as_ref(), Self::enter_existing) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            directory => directory.map(Some),
        }
    }

    fn reach(
        root: &Utf8Path,
        below: &Utf8Path,
        enter: impl Fn(&Self, &str) -> io::Result<Self>,
    ) -> io::Result<Self> {
        let handle: OwnedFd = fs_err::File::open(root)?.into_parts().0.into();
        let is_shared = mode_of(&handle)?.contains(SHARED);
        let mut directory =
            Self { handle, root: root.to_owned(), path: root.to_owned(), is_shared };
        for part in below.components() {
            let Utf8Component::Normal(name) = part else {
                return Err(io::Error::other(format!("`{part}` leads out of {root}")));
            };
            directory = enter(&directory, name)?;
        }
        Ok(directory)
    }

    /// Reads a file of at most `limit` bytes. A link is not followed.
    ///
    /// # Errors
    ///
    /// Fails where there is no file of that name, where it has more bytes, and where the operating system refuses.
    pub fn read(&self, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        // Whoever opens a named pipe would wait until somebody writes into it.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let handle = fs::openat(&self.handle, name, flags, Mode::empty())?;
        let path = self.path.join(name);
        let file = fs_err::File::from_parts(handle.into(), path.as_std_path());
        let kind = file.metadata()?.file_type();
        if !kind.is_file() {
            let found = kind_of(kind);
            return Err(io::Error::other(format!("{path} is {found}, expected a file")));
        }
        read_all(&path, file, limit)
    }

    /// Writes a file, in place of a file or a link of that name. It appears complete or not at all, and is as
    /// durable as [`sync`] makes it afterwards.
    ///
    /// # Errors
    ///
    /// Fails where the operating system refuses, and where `produce` fails.
    pub fn write(
        &self,
        name: &str,
        produce: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        self.prepare(produce)?.replace(name)
    }

    /// Copies a file into the directory as [`Self::write`] writes it, and returns the SHA-256 of the copy.
    ///
    /// # Errors
    ///
    /// Fails where the file cannot be read, and where the operating system refuses.
    pub fn copy(&self, file: &fs_err::File, name: &str) -> io::Result<String> {
        let partial = self.create()?;
        let digest = copy_file(file.file(), &partial.file)?;
        partial.replace(name)?;
        Ok(digest)
    }

    /// Moves a file into the directory, in place of a file or a link of that name.
    ///
    /// # Errors
    ///
    /// Fails where the operating system refuses.
    pub fn take(&self, file: &Utf8Path, name: &str) -> io::Result<()> {
        Ok(fs::renameat(CWD, file.as_std_path(), &self.handle, name)?)
    }

    /// Writes a file as [`Self::write`] does, but its contents are on the disk before it has the name. The name is
    /// once [`sync`] returns.
    ///
    /// # Errors
    ///
    /// Fails where the operating system refuses.
    pub fn write_synced(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.prepare_durably(contents)?.replace(name)
    }

    /// Writes a file as [`Self::write_synced`] does, and its name is on the disk, too, when this returns.
    ///
    /// # Errors
    ///
    /// Fails where the operating system refuses.
    pub fn replace_file(&self, name: &str, contents: &[u8]) -> io::Result<()> {
        self.write_synced(name, contents)?;
        self.sync_names()
    }

    /// Creates a file as [`Self::replace_file`] does. Returns false and changes nothing if there is a file of
    /// that name.
    ///
    /// # Errors
    ///
    /// Fails where the operating system refuses.
    pub fn create_file(&self, name: &str, contents: &[u8]) -> io::Result<bool> {
        let partial = self.prepare_durably(contents)?;
        match fs::linkat(&self.handle, &*partial.name, &self.handle, name, AtFlags::empty()) {
            Err(Errno::EXIST) => return Ok(false),
            linked => linked?,
        }
        drop(partial);
        self.sync_names()?;
        Ok(true)
    }

    /// Creates a directory `name` that holds one file. Its contents are on the disk before the directory has
    /// the name, and the name is when this returns. Returns false and changes nothing if there is a file or a
    /// directory with entries of that name.
    ///
    /// # Errors
    ///
    /// Fails where the operating system refuses.
    pub fn create_directory(&self, name: &str, file: &str, contents: &[u8]) -> io::Result<bool> {
        let mode = Mode::from_raw_mode(0o777);
        let (partial, ()) = unique(|name| fs::mkdirat(&self.handle, name, mode))?;
        let filled = self.enter(&partial);
        let created = filled.and_then(|filled| {
            self.share(&filled.handle, Mode::RWXG);
            filled.prepare_durably(contents)?.replace(file)?;
            fs::fsync(&filled.handle).or_else(unless_unsupported)?;
            // A directory can be renamed only to a free name or over an empty directory.
            let renamed = fs::renameat(&self.handle, &*partial, &self.handle, name);
            if renamed.is_err() {
                let _ = fs::unlinkat(&filled.handle, file, AtFlags::empty());
            }
            match renamed {
                Err(Errno::EXIST | Errno::NOTEMPTY) => Ok(false),
                renamed => Ok(renamed.map(|()| true)?),
            }
        });
        if matches!(created, Ok(true)) {
            self.sync_names()?;
        } else {
            let _ = fs::unlinkat(&self.handle, &*partial, AtFlags::REMOVEDIR);
        }
        created
    }

    /// Opens a new directory in this one.
    ///
    /// # Errors
    ///
    /// Fails where there is something of that name, and where the operating system refuses.
    pub fn new_directory(&self, name: &str) -> io::Result<Self> {
        fs::mkdirat(&self.handle, name, Mode::from_raw_mode(0o777))?;
        self.enter_existing(name).inspect(|made| self.share(&made.handle, Mode::RWXG))
    }

    /// Opens a new file, to write and to read it.
    ///
    /// # Errors
    ///
    /// Fails where there is something of that name, and where the operating system refuses.
    pub fn new_file(&self, name: &str) -> io::Result<std::fs::File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = fs::openat(&self.handle, name, flags, Mode::from_raw_mode(0o666))?;
        self.share(&file, Mode::RGRP | Mode::WGRP);
        Ok(file.into())
    }

    /// Removes a file, a link, or a directory with everything in it, however deep that is. Something that is gone
    /// already is no error.
    ///
    /// # Errors
    ///
    /// Fails where the operating system refuses.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let mut names = vec![name.to_owned()];
        while let Some(name) = names.pop() {
            self.remove_in(&self.handle, name.as_str(), 0, &mut names)?;
        }
        Ok(())
    }

    /// Removes something in the directory `above`, which is `depth` levels below this one. What is deeper than
    /// [`DEEPEST`] is moved into this directory instead, so that neither open directories nor calls add up, and its
    /// name there is added to `moved`. It is an unfinished file, in case this is broken off.
    fn remove_in(
        &self,
        above: &OwnedFd,
        name: impl Arg + Copy,
        depth: usize,
        moved: &mut Vec<String>,
    ) -> io::Result<()> {
        match fs::unlinkat(above, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            // Linux says the former of a directory, and others the latter.
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(errno) => return Err(errno.into()),
        }
        if depth > DEEPEST {
            // A directory can only be moved by who may write it.
            let _ = fs::chmodat(above, name, Mode::RWXU, AtFlags::empty());
            let (beside, ()) = unique(|beside| fs::renameat(above, name, &self.handle, beside))?;
            moved.push(beside);
            return Ok(());
        }
        let open = || fs::openat(above, name, DIRECTORY, Mode::empty());
        let directory = match open() {
            // A job may have taken away its own permissions.
            Err(Errno::ACCESS) => {
                fs::chmodat(above, name, Mode::RWXU, AtFlags::empty())?;
                open()?
            }
            opened => opened?,
        };
        // It may be somebody else's, whose group may remove it as it is.
        let _ = fs::fchmod(&directory, Mode::RWXU);
        for entry in fs::Dir::read_from(&directory)? {
            let entry = entry?;
            if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                self.remove_in(&directory, entry.file_name(), depth + 1, moved)?;
            }
        }
        match fs::unlinkat(above, name, AtFlags::REMOVEDIR) {
            Err(Errno::NOENT) => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// Makes the names in this directory, and the directory's own, durable.
    fn sync_names(&self) -> io::Result<()> {
        sync(&self.root, [&*self.path])
    }

    /// Opens a directory in this one, and creates it if it is missing.
    fn enter(&self, name: &str) -> io::Result<Self> {
        match self.enter_existing(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match fs::mkdirat(&self.handle, name, Mode::from_raw_mode(0o777)) {
                    Ok(()) => self
                        .enter_existing(name)
                        .inspect(|made| self.share(&made.handle, Mode::RWXG)),
                    Err(Errno::EXIST) => self.enter_existing(name),
                    Err(errno) => Err(self.cannot_open(name, &errno.into())),
                }
            }
            entered => entered,
        }
    }

    /// Opens a directory in this one.
    fn enter_existing(&self, name: &str) -> io::Result<Self> {
        let opened = fs::openat(&self.handle, name, DIRECTORY, Mode::empty());
        let handle = opened.map_err(|errno| {
            let about = fs::statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW);
            let is_link = about
                .is_ok_and(|about| FileType::from_raw_mode(about.st_mode) == FileType::Symlink);
            if is_link {
                let text = "it is a symbolic link, which is not followed; expected a directory";
                return self.cannot_open(name, &io::Error::new(errno.kind(), text));
            }
            self.cannot_open(name, &errno.into())
        })?;
        Ok(Self {
            handle,
            root: self.root.clone(),
            path: self.path.join(name),
            is_shared: self.is_shared,
        })
    }

    fn cannot_open(&self, name: &str, error: &io::Error) -> io::Error {
        let path = self.path.join(name);
        io::Error::new(error.kind(), format!("cannot open directory `{path}`: {error}"))
    }

    /// Gives what was created the `rights` of the group, which the umask may have taken, if the root is shared. A
    /// file system with rules of its own, which refuses that, is no reason not to write.
    fn share(&self, created: &OwnedFd, rights: Mode) {
        if self.is_shared
            && let Ok(mode) = mode_of(created)
            && !mode.contains(rights)
        {
            let _ = fs::fchmod(created, mode | rights);
        }
    }

    /// Creates a temporary file, which is empty.
    fn create(&self) -> io::Result<Partial<'_>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o666);
        let (name, handle) = unique(|name| fs::openat(&self.handle, name, flags, mode))?;
        self.share(&handle, Mode::RGRP | Mode::WGRP);
        Ok(Partial { directory: self, name, file: handle.into() })
    }

    /// Writes a temporary file.
    fn prepare(
        &self,
        produce: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<Partial<'_>> {
        let partial = self.create()?;
        let mut out = BufWriter::with_capacity(1 << 16, &partial.file);
        produce(&mut out)?;
        out.flush()?;
        drop(out);
        Ok(partial)
    }

    /// Writes a temporary file whose contents are on the disk when this returns.
    fn prepare_durably(&self, contents: &[u8]) -> io::Result<Partial<'_>> {
        let partial = self.prepare(|out| out.write_all(contents))?;
        partial.file.sync_all()?;
        Ok(partial)
    }
}

/// A temporary file, which is removed unless it gets another name.
struct Partial<'d> {
    directory: &'d Directory,
    name: String,
    file: std::fs::File,
}

impl Partial<'_> {
    fn replace(mut self, name: &str) -> io::Result<()> {
        let handle = &self.directory.handle;
        fs::renameat(handle, &*self.name, handle, name)?;
        self.name.clear();
        Ok(())
    }
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        if !self.name.is_empty() {
            let _ = fs::unlinkat(&self.directory.handle, &*self.name, AtFlags::empty());
        }
    }
}

/// Returns the permissions of an open file or directory, with the bits beside them.
fn mode_of(handle: &OwnedFd) -> rustix::io::Result<Mode> {
    Ok(Mode::from_raw_mode(fs::fstat(handle)?.st_mode))
}

/// Calls `create` with names of temporary files until one is free. Returns that and what was created.
fn unique<T>(create: impl Fn(&str) -> rustix::io::Result<T>) -> io::Result<(String, T)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    loop {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PARTIAL_PREFIX}{}-{count}", std::process::id());
        match create(&name) {
            Ok(created) => return Ok((name, created)),
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Turns the answer of a file system that cannot sync directories into success.
fn unless_unsupported(errno: Errno) -> rustix::io::Result<()> {
    if errno == Errno::INVAL { Ok(()) } else { Err(errno) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn root() -> (tempfile::TempDir, Utf8PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let root = Utf8PathBuf::from_path_buf(directory.path().join("runs")).unwrap();
        (directory, root)
    }

    #[test]
    fn what_exists_stays_and_no_temporary_file_remains() {
        let (_guard, root) = root();
        let group = Directory::make(&root, "registry/group").unwrap();
        let read = |name: &str| fs_err::read_to_string(group.path.join(name)).unwrap();
        assert!(group.create_file("group.json", b"first").unwrap());
        assert!(!group.create_file("group.json", b"second").unwrap());
        assert_eq!(read("group.json"), "first");
        group.replace_file("group.json", b"third").unwrap();
        assert_eq!(read("group.json"), "third");

        assert!(group.create_directory("1", "package.json", b"one").unwrap());
        assert!(!group.create_directory("1", "package.json", b"two").unwrap());
        assert_eq!(read("1/package.json"), "one");
        let failed = group.write("half", |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("the disk is full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "the disk is full");
        assert_eq!(fs_err::read_dir(&group.path).unwrap().count(), 2);
    }

    /// The variable with which [`a_group_may_write_what_is_created_in_its_directory`] starts itself as a child, with
    /// another umask.
    const SHARED_ROOT: &str = "DIRECTORY_TEST_SHARED_ROOT";

    #[test]
    fn a_group_may_write_what_is_created_in_its_directory() {
        if let Ok(root) = std::env::var(SHARED_ROOT) {
            let group = Directory::make(Utf8Path::new(&root), "registry/group").unwrap();
            group.write("written", |out| out.write_all(b"1")).unwrap();
            group.replace_file("replaced", b"1").unwrap();
            assert!(group.create_file("created", b"1").unwrap());
            assert!(group.create_directory("1", "package.json", b"1").unwrap());
            let source = fs_err::File::open(group.path.join("written")).unwrap();
            group.copy(&source, "copied").unwrap();
            return;
        }
        for (root_mode, directory_mode, file_mode) in
            [(0o2775, 0o770, 0o660), (0o2755, 0o700, 0o600), (0o775, 0o700, 0o600)]
        {
            let (_guard, root) = root();
            fs_err::create_dir(&root).unwrap();
            let permissions = std::fs::Permissions::from_mode(root_mode);
            fs_err::set_permissions(&root, permissions).unwrap();
            let child = std::process::Command::new("sh")
                .args(["-c", r#"umask 077; exec "$0" "$@""#])
                .arg(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "directory::tests::a_group_may_write_what_is_created_in_its_directory",
                ])
                .env(SHARED_ROOT, &root)
                .output()
                .unwrap();
            assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
            let mode = |path: &str| {
                let about = fs_err::metadata(root.join("registry").join(path)).unwrap();
                about.permissions().mode() & 0o777
            };
            for directory in ["", "group", "group/1"] {
                assert_eq!(mode(directory), directory_mode, "{directory:?} in {root_mode:o}");
            }
            for file in ["written", "replaced", "created", "copied", "1/package.json"] {
                let path = format!("group/{file}");
                assert_eq!(mode(&path), file_mode, "{file} in {root_mode:o}");
            }
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_limit_and_no_link_is_followed() {
        let (_guard, root) = root();
        let directory = Directory::make(&root, "group").unwrap();
        directory.replace_file("file", b"[1]").unwrap();
        assert_eq!(directory.read("file", 3).unwrap(), b"[1]");
        let refusal = |name: &str| directory.read(name, 2).unwrap_err().to_string();
        assert_eq!(refusal("file"), format!("{root}/group/file has more than 2 bytes"));
        symlink("file", root.join("group/link")).unwrap();
        let refused = directory.read("link", 3).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(Errno::LOOP.raw_os_error()));
        let made = std::process::Command::new("mkfifo").arg(root.join("group/pipe")).status();
        assert!(made.unwrap().success());
        assert_eq!(refusal("pipe"), format!("{root}/group/pipe is a named pipe, expected a file"));
        assert_eq!(directory.read("absent", 3).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_tree_is_removed_however_deep_and_nothing_beyond_its_links() {
        let (guard, root) = root();
        let outside = Utf8Path::from_path(guard.path()).unwrap().join("outside");
        fs_err::create_dir_all(&outside).unwrap();
        fs_err::write(outside.join("file"), "theirs").unwrap();
        let directory = Directory::make(&root, "executions").unwrap();
        let mut deep = directory.new_directory("tree").unwrap();
        for _ in 0..3000 {
            deep.new_file("file").unwrap();
            deep = deep.new_directory("d").unwrap();
        }
        drop(deep);
        symlink(&outside, root.join("executions/tree/link")).unwrap();
        fs_err::create_dir_all(root.join("executions/tree/closed/in")).unwrap();
        fs_err::write(root.join("executions/tree/closed/in/file"), "").unwrap();
        let closed = std::fs::Permissions::from_mode(0o000);
        fs_err::set_permissions(root.join("executions/tree/closed"), closed).unwrap();
        directory.remove("tree").unwrap();
        directory.remove("tree").unwrap();
        symlink(&outside, root.join("executions/tree")).unwrap();
        assert!(directory.new_directory("tree").is_err() && directory.new_file("tree").is_err());
        directory.remove("tree").unwrap();
        assert_eq!(fs_err::read_dir(root.join("executions")).unwrap().count(), 0);
        assert_eq!(fs_err::read_to_string(outside.join("file")).unwrap(), "theirs");
    }

    #[test]
    fn no_link_below_the_root_is_followed() {
        let (guard, root) = root();
        let outside = Utf8Path::from_path(guard.path()).unwrap().join("outside");
        fs_err::create_dir_all(outside.join("deep")).unwrap();
        fs_err::write(outside.join("file"), "theirs").unwrap();
        let directory = Directory::make(&root, "s3").unwrap();
        symlink(&outside, root.join("s3/bucket")).unwrap();
        let error = Directory::make(&root, "s3/bucket/deep").unwrap_err().to_string();
        let expected = format!(
            "cannot open directory `{root}/s3/bucket`: it is a symbolic link, which is not followed; expected a directory"
        );
        assert_eq!(error, expected);
        assert!(Directory::make(&root, "../outside").is_err());

        for name in ["file", "written", "copied"] {
            symlink(outside.join(name), root.join("s3").join(name)).unwrap();
        }
        directory.write("file", |out| out.write_all(b"ours")).unwrap();
        let moved = root.join("moved");
        fs_err::write(&moved, "ours").unwrap();
        let source = fs_err::File::open(&moved).unwrap();
        assert_eq!(directory.copy(&source, "copied").unwrap(), crate::sha256_hex("ours"));
        directory.take(&moved, "written").unwrap();
        for name in ["file", "written", "copied"] {
            assert_eq!(fs_err::read_to_string(root.join("s3").join(name)).unwrap(), "ours");
        }
        assert_eq!(fs_err::read_to_string(outside.join("file")).unwrap(), "theirs");
        assert!(["written", "copied"].iter().all(|name| !outside.join(name).exists()));

        // The user may keep the root itself elsewhere.
        symlink(&root, guard.path().join("link")).unwrap();
        let link = Utf8Path::from_path(guard.path()).unwrap().join("link");
        assert!(Directory::make(&link, "s3").unwrap().create_file("new", b"").unwrap());
        assert!(root.join("s3/new").is_file());
    }
}
