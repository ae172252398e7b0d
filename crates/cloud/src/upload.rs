//! Uploading a file to S3.

use std::fs::File;
use std::io::{self, Read, Seek};

use aws::s3::types::{ChecksumAlgorithm, ChecksumMode, CompletedMultipartUpload, CompletedPart};
use aws::{CallError, base64};
use camino::{Utf8Path, Utf8PathBuf};
use common::{Sha256Reader, sha256};
use futures_util::{TryStreamExt, stream};

use crate::{Cloud, CloudError};

/// The size of a part in bytes. S3 requires at least 5 MiB.
const PART: u64 = 8 << 20;
/// The number of parts that S3 accepts.
const MAX_PARTS: u64 = 10_000;
/// The number of parts that are sent at once and held in memory.
const CONCURRENT_PARTS: usize = 4;

/// A file to upload, with the digests that it had when it was opened.
#[derive(Debug)]
pub struct Upload {
    path: Utf8PathBuf,
    file: File,
    length: u64,
    sha256: String,
    /// The digest of each part, in their order.
    parts: Vec<[u8; 32]>,
}

impl Upload {
    /// Opens a file, and reads it once for its digests.
    ///
    /// # Errors
    ///
    /// Fails if the path is not a file, if the file is empty, or if it cannot be read.
    pub fn open(path: &Utf8Path) -> Result<Self, CloudError> {
        // Opening a named pipe would block until something writes to it.
        let metadata = fs_err::metadata(path).map_err(CloudError::Open)?;
        if !metadata.is_file() {
            return Err(CloudError::NotAFile(path.to_owned()));
        }
        let length = metadata.len();
        if length == 0 {
            return Err(CloudError::Empty(path.to_owned()));
        }
        let mut file = fs_err::File::open(path).map_err(CloudError::Open)?.into_parts().0;
        let digests = digests(&mut file, part_size(length));
        let (sha256, parts) = digests.map_err(|error| unreadable(path, error))?;
        Ok(Self { path: path.to_owned(), file, length, sha256, parts })
    }

    /// Returns the path as it was given.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Returns the file's length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns the SHA-256 digest of the file's contents, as 64 hexadecimal digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Returns the checksum that S3 makes of the contents: their digest, or for a file that is sent in parts the
    /// digest of the parts' digests.
    fn checksum(&self) -> String {
        match &self.parts[..] {
            [whole] if self.length <= PART => base64(whole),
            parts => base64(sha256(parts.concat())),
        }
    }

    /// Reads the part of this index; none behind the last. Refuses one that is another than when the file was opened.
    fn part(&mut self, index: usize) -> Result<Option<Vec<u8>>, CloudError> {
        let mut body = Vec::new();
        let read = (&mut self.file).take(part_size(self.length)).read_to_end(&mut body);
        read.map_err(|error| unreadable(&self.path, error))?;
        match self.parts.get(index) {
            None if body.is_empty() => Ok(None),
            Some(digest) if *digest == sha256(&body) => Ok(Some(body)),
            _ => Err(CloudError::Changed { path: self.path.clone(), length: self.length }),
        }
    }
}

impl Cloud {
    /// Returns whether the object at `key` in the target's bucket has the contents of a file, by the checksum that S3
    /// made of it; none if there is no object.
    ///
    /// # Errors
    ///
    /// Fails if S3 refuses.
    pub fn holds(&self, key: &str, upload: &Upload) -> Result<Option<bool>, CloudError> {
        let call = self.aws.s3().head_object().bucket(&self.target.bucket).key(key);
        let call = call.expected_bucket_owner(&self.target.account_id);
        let call = call.checksum_mode(ChecksumMode::Enabled);
        let answer = self.s3_call("s3:GetObject", &self.target.bucket, key, call.send());
        let found = CallError::if_there(answer)?;
        let checksum = upload.checksum();
        Ok(found.map(|found| {
            // Behind a dash S3 writes the number of the parts.
            let known = found.checksum_sha256().and_then(|sum| sum.split('-').next());
            found.content_length() == i64::try_from(upload.length).ok()
                && known == Some(checksum.as_str())
        }))
    }

    /// Uploads a file to `key` in the target's bucket and returns its address. S3 checks each part
    /// against its SHA-256 digest. `on_sent` receives the number of bytes of each part that was sent.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or is another than when it was opened, or if S3 refuses. Parts that were
    /// sent are deleted, so that there is no object then.
    pub fn upload(
        &self,
        upload: Upload,
        key: &str,
        on_sent: &dyn Fn(u64),
    ) -> Result<String, CloudError> {
        if upload.length <= PART {
            self.put_whole(upload, key)?;
        } else {
            self.put_parts(upload, key, on_sent)?;
        }
        Ok(format!("s3://{}/{key}", self.target.bucket))
    }

    fn put_whole(&self, mut upload: Upload, key: &str) -> Result<(), CloudError> {
        let body = upload.part(0)?.unwrap_or_default();
        upload.part(1)?;
        let put = self
            .aws
            .s3()
            .put_object()
            .bucket(&self.target.bucket)
            .expected_bucket_owner(&self.target.account_id)
            .key(key)
            .content_type("text/csv")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(body.into());
        self.s3_call("s3:PutObject", &self.target.bucket, key, put.send())?;
        Ok(())
    }

    fn put_parts(
        &self,
        mut upload: Upload,
        key: &str,
        on_sent: &dyn Fn(u64),
    ) -> Result<(), CloudError> {
        const ACTION: &str = "s3:PutObject";
        let (s3, bucket, owner) = (self.aws.s3(), &self.target.bucket, &self.target.account_id);
        let begin = s3
            .create_multipart_upload()
            .bucket(bucket)
            .expected_bucket_owner(owner)
            .key(key)
            .content_type("text/csv")
            .checksum_algorithm(ChecksumAlgorithm::Sha256);
        let upload_id = self.s3_call(ACTION, bucket, key, begin.send())?.upload_id;
        let upload_id = upload_id.ok_or_else(|| Self::missing(ACTION, "UploadId"))?;
        let parts = (0..)
            .map_while(|index| Some(upload.part(index).transpose()?.map(|body| (index, body))));
        let put = |(index, body): (usize, Vec<u8>)| {
            let length = body.len() as u64;
            let number = i32::try_from(index + 1).unwrap_or(i32::MAX);
            let call = s3
                .upload_part()
                .bucket(bucket)
                .expected_bucket_owner(owner)
                .key(key)
                .upload_id(&upload_id)
                .part_number(number)
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .body(body.into());
            async move {
                let answer = call.send().await.map_err(|error| CallError::of(ACTION, error))?;
                on_sent(length);
                Ok::<_, CloudError>(
                    CompletedPart::builder()
                        .part_number(number)
                        .set_e_tag(answer.e_tag)
                        .set_checksum_sha256(answer.checksum_sha256)
                        .build(),
                )
            }
        };
        let parts = stream::iter(parts).map_ok(put).try_buffered(CONCURRENT_PARTS).try_collect();
        let parts: Result<Vec<_>, CloudError> = self.aws.wait(parts);
        let done = parts.and_then(|parts| {
            let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
            let end = s3.complete_multipart_upload().bucket(bucket).expected_bucket_owner(owner);
            let end = end.key(key).upload_id(&upload_id).multipart_upload(parts);
            Ok(self.s3_call(ACTION, bucket, key, end.send())?)
        });
        if done.is_err() {
            // Parts of an unfinished upload cost money. The reason of the failure matters more than
            // whether they can be deleted.
            let abort = s3.abort_multipart_upload().bucket(bucket).expected_bucket_owner(owner);
            let abort = abort.key(key).upload_id(&upload_id);
            let _ = self.aws.call("s3:AbortMultipartUpload", abort.send());
        }
        done.map(drop)
    }
}

/// Returns the size of the parts of a file of this length.
fn part_size(length: u64) -> u64 {
    PART.max(length.div_ceil(MAX_PARTS))
}

/// Reads a file and returns its digest and those of its parts. The next reader begins at its start again.
fn digests(file: &mut File, part_size: u64) -> io::Result<(String, Vec<[u8; 32]>)> {
    let mut reader = Sha256Reader::new(&mut *file);
    let mut parts = Vec::new();
    loop {
        let mut body = Vec::new();
        (&mut reader).take(part_size).read_to_end(&mut body)?;
        if body.is_empty() {
            break;
        }
        parts.push(sha256(&body));
    }
    let digest = reader.digest();
    file.rewind()?;
    Ok((digest, parts))
}

fn unreadable(path: &Utf8Path, source: io::Error) -> CloudError {
    CloudError::Unreadable { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opens a file of these contents, changes them in place, and reads all parts.
    fn parts_after(before: &[u8], after: &[u8]) -> Result<usize, CloudError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = Utf8Path::from_path(file.path()).unwrap();
        fs_err::write(path, before).unwrap();
        let mut upload = Upload::open(path).unwrap();
        assert_eq!(upload.sha256(), common::sha256_hex(before));
        fs_err::write(path, after).unwrap();
        let read: Result<Vec<_>, _> =
            (0..).map_while(|index| upload.part(index).transpose()).collect();
        read.map(|parts| parts.len())
    }

    #[test]
    fn a_file_that_changes_after_it_was_opened_is_refused() {
        let large = vec![7; (PART + 1) as usize];
        assert_eq!(parts_after(b"abc", b"abc").unwrap(), 1);
        assert_eq!(parts_after(&large, &large).unwrap(), 2);
        let mut other = large.clone();
        other[3] = 8;
        let longer = [&large[..], b"d"].concat();
        for (name, before, after) in [
            ("edited", &b"abc"[..], &b"abd"[..]),
            ("longer", b"abc", b"abcd"),
            ("shorter", b"abc", b"ab"),
            ("edited-part", &large, &other),
            ("longer-part", &large, &longer),
            ("shorter-part", &large, &large[1..]),
            ("whole-part", &large[1..], &large),
        ] {
            let error = parts_after(before, after).unwrap_err();
            assert!(matches!(error, CloudError::Changed { .. }), "{name}: {error}");
        }
    }
}
