//! Uploading a file to S3.

use std::fs::File;
use std::io::Read;

use aws::CallError;
use aws::s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use camino::{Utf8Path, Utf8PathBuf};
use futures_util::{TryStreamExt, stream};

use crate::{Cloud, CloudError};

/// The size of a part in bytes. S3 requires at least 5 MiB.
const PART: u64 = 8 << 20;
/// The number of parts that S3 accepts.
const MAX_PARTS: u64 = 10_000;
/// The number of parts that are sent at once and held in memory.
const CONCURRENT_PARTS: usize = 4;

/// A file to upload.
#[derive(Debug)]
pub struct Upload {
    path: Utf8PathBuf,
    file: File,
    length: u64,
}

impl Upload {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// Fails if the path is not a file, if the file is empty, or if it cannot be opened.
    pub fn open(path: &Utf8Path) -> Result<Self, CloudError> {
        // Opening a named pipe would block until something writes to it.
        let metadata = fs_err::metadata(path).map_err(CloudError::Open)?;
        if !metadata.is_file() {
            return Err(CloudError::NotAFile(path.to_owned()));
        }
        if metadata.len() == 0 {
            return Err(CloudError::Empty(path.to_owned()));
        }
        let file = fs_err::File::open(path).map_err(CloudError::Open)?.into_parts().0;
        Ok(Self { path: path.to_owned(), file, length: metadata.len() })
    }

    /// Returns the path as it was given.
    pub fn path(&self) -> &Utf8Path {
        &self.path
    }

    /// Returns the file's length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl Cloud {
    /// Uploads a file to `key` in the target's bucket and returns its address. S3 checks each part
    /// against its SHA-256 digest. `on_sent` receives the number of bytes of each part that was sent.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read or changes meanwhile, or if S3 refuses. Parts that were sent
    /// are deleted.
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
        let mut body = Vec::new();
        let read = (&mut upload.file).take(upload.length + 1).read_to_end(&mut body);
        read.map_err(|error| unreadable(&upload.path, error))?;
        unchanged(&upload.path, upload.length, body.len() as u64)?;
        let put = self
            .aws
            .s3()
            .put_object()
            .bucket(&self.target.bucket)
            .key(key)
            .content_type("text/csv")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(body.into());
        self.aws.call("s3:PutObject", put.send())?;
        Ok(())
    }

    fn put_parts(
        &self,
        mut upload: Upload,
        key: &str,
        on_sent: &dyn Fn(u64),
    ) -> Result<(), CloudError> {
        const ACTION: &str = "s3:PutObject";
        let (s3, bucket) = (self.aws.s3(), &self.target.bucket);
        let begin = s3
            .create_multipart_upload()
            .bucket(bucket)
            .key(key)
            .content_type("text/csv")
            .checksum_algorithm(ChecksumAlgorithm::Sha256);
        let upload_id = self.aws.call(ACTION, begin.send())?.upload_id;
        let upload_id = upload_id.ok_or_else(|| Self::missing(ACTION, "UploadId"))?;
        let size = PART.max(upload.length.div_ceil(MAX_PARTS));
        let path = upload.path.clone();
        let mut read = 0;
        let parts = (1..).map_while(|number: i32| {
            let mut body = Vec::new();
            match (&mut upload.file).take(size).read_to_end(&mut body) {
                Ok(0) => unchanged(&path, upload.length, read).err().map(Err),
                Ok(_) => {
                    read += body.len() as u64;
                    // A file that grows would never end.
                    Some(
                        unchanged(&path, upload.length, read.max(upload.length))
                            .map(|()| (number, body)),
                    )
                }
                Err(error) => Some(Err(unreadable(&path, error))),
            }
        });
        let put = |(number, body): (i32, Vec<u8>)| {
            let length = body.len() as u64;
            let call = s3
                .upload_part()
                .bucket(bucket)
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
            let end = s3.complete_multipart_upload().bucket(bucket).key(key).upload_id(&upload_id);
            Ok(self.aws.call(ACTION, end.multipart_upload(parts).send())?)
        });
        if done.is_err() {
            // Parts of an unfinished upload cost money. The reason of the failure matters more than
            // whether they can be deleted.
            let abort = s3.abort_multipart_upload().bucket(bucket).key(key).upload_id(&upload_id);
            let _ = self.aws.call("s3:AbortMultipartUpload", abort.send());
        }
        done.map(drop)
    }
}

fn unreadable(path: &Utf8Path, source: std::io::Error) -> CloudError {
    CloudError::Unreadable { path: path.to_owned(), source }
}

/// Refuses a file whose length changed while it was read: S3 would hold a part of it.
fn unchanged(path: &Utf8Path, length: u64, read: u64) -> Result<(), CloudError> {
    if read == length {
        return Ok(());
    }
    Err(CloudError::Changed { path: path.to_owned(), length })
}
