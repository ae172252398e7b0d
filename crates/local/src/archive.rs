//! `model.tar.gz`, as SageMaker packs a directory, but reproducible: files are sorted by name, and the
//! archive has no owner and no modification time.

use std::io;

use camino::Utf8PathBuf;
use flate2::{Compression, GzBuilder};

use crate::store::file_digest;
use crate::tree::{Object, files_below};

/// Writes the files of the hosts' directories as one gzipped tar, with paths relative to the
/// directories. Two hosts may write the same name only with the same contents, because SageMaker
/// would keep either file.
///
/// # Errors
///
/// Fails where the files of two hosts differ, and where a file cannot be read or written.
pub fn write(directories: &[Utf8PathBuf], out: &mut dyn io::Write) -> io::Result<()> {
    let gzip = GzBuilder::new().mtime(0).write(out, Compression::fast());
    let mut tar = tar::Builder::new(gzip);
    let mut files = Vec::new();
    for directory in directories {
        files.extend(files_below(directory)?);
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    for pair in files.windows(2).filter(|pair| pair[0].name == pair[1].name) {
        let digest = |file: &Object| file_digest(&file.path).map_err(io::Error::other);
        if digest(&pair[0])? != digest(&pair[1])? {
            let message = format!("two hosts wrote different files named `{}`", pair[0].name);
            return Err(io::Error::other(message));
        }
    }
    files.dedup_by(|a, b| a.name == b.name);
    for file in files {
        let mut content = fs_err::File::open(&file.path)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(content.metadata()?.len());
        header.set_mode(0o644);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        tar.append_data(&mut header, &file.name, &mut content)?;
    }
    tar.into_inner()?.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_files_give_equal_archives_whatever_their_times() {
        let archive = |names: &[&str]| {
            let directory = tempfile::tempdir().unwrap();
            let path = Utf8PathBuf::from_path_buf(directory.path().to_owned()).unwrap();
            for name in names {
                common::write_file(&path.join(name), name.as_bytes()).unwrap();
            }
            let mut bytes = Vec::new();
            write(&[path], &mut bytes).unwrap();
            bytes
        };
        let bytes = archive(&["b", "sub/a", "a"]);
        assert_eq!(bytes, archive(&["a", "b", "sub/a"]));
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        let entries: Vec<_> = tar
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.path().unwrap().display().to_string(), entry.header().mtime().unwrap())
            })
            .collect();
        assert_eq!(entries, [("a".to_owned(), 0), ("b".to_owned(), 0), ("sub/a".to_owned(), 0)]);
    }

    #[test]
    fn two_hosts_may_write_the_same_name_only_with_equal_contents() {
        let archive = |contents: [&str; 2]| {
            let directory = tempfile::tempdir().unwrap();
            let hosts = ["algo-1", "algo-2"]
                .map(|host| Utf8PathBuf::from_path_buf(directory.path().join(host)).unwrap());
            for (host, content) in hosts.iter().zip(contents) {
                common::write_file(&host.join("sub/a"), content.as_bytes()).unwrap();
            }
            let mut bytes = Vec::new();
            write(&hosts, &mut bytes).map(|()| bytes)
        };
        let bytes = archive(["x", "x"]).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(&bytes[..]));
        assert_eq!(tar.entries().unwrap().count(), 1);
        let error = archive(["x", "y"]).unwrap_err().to_string();
        assert_eq!(error, "two hosts wrote different files named `sub/a`");
    }
}
