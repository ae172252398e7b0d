//! `deploy --upload`: the raw table, where the pipeline reads it.

use std::fs::File;
use std::io::Read;

use aws::CallError;
use aws::s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};
use camino::{Utf8Path, Utf8PathBuf};
use futures_util::{TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};

use super::Cloud;
use crate::command::CommandError;

/// Of a part, in bytes; S3 takes at least 5 MiB and at most 10,000 parts.
const PART: u64 = 8 << 20;
const MOST_PARTS: u64 = 10_000;
/// How many parts are on their way, and in memory, at once.
const AT_ONCE: usize = 4;

/// A table to upload.
pub struct Table {
    path: Utf8PathBuf,
    file: File,
    length: u64,
}

impl Table {
    /// Opens it, before anything is asked of AWS.
    pub fn open(path: &Utf8Path) -> Result<Self, CommandError> {
        // looked at first: opening a pipe waits for who writes into it
        let metadata = fs_err::metadata(path).map_err(CommandError::Read)?;
        if !metadata.is_file() {
            return Err(CommandError::Usage(format!("--upload {path} is not a file")));
        }
        if metadata.len() == 0 {
            return Err(CommandError::Data(format!("{path} is empty, expected a CSV table")));
        }
        let file = fs_err::File::open(path).map_err(CommandError::Read)?.into_parts().0;
        Ok(Self { path: path.to_owned(), file, length: metadata.len() })
    }
}

impl Cloud {
    /// Uploads the table and returns where it is. S3 checks each part against its SHA-256.
    pub fn upload(&self, table: Table) -> Result<String, CommandError> {
        let paths = &self.settings.s3_paths;
        let mut key = paths.input_dataset.clone();
        if key.ends_with('/') {
            key.push_str(table.path.file_name().unwrap_or("table.csv"));
        }
        let bar = ProgressBar::new(table.length).with_message(table.path.to_string());
        if let Ok(style) =
            ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}")
        {
            bar.set_style(style);
        }
        let result = if table.length <= PART {
            self.put_whole(table, &key)
        } else {
            self.put_parts(table, &key, &bar)
        };
        bar.finish_and_clear();
        result?;
        Ok(format!("s3://{}/{key}", paths.bucket))
    }

    fn put_whole(&self, mut table: Table, key: &str) -> Result<(), CommandError> {
        let mut body = Vec::new();
        let read = (&mut table.file).take(table.length + 1).read_to_end(&mut body);
        read.map_err(|error| unreadable(&table.path, &error))?;
        unchanged(&table.path, table.length, body.len() as u64)?;
        let put = self
            .aws
            .s3()
            .put_object()
            .bucket(&self.settings.s3_paths.bucket)
            .key(key)
            .content_type("text/csv")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .body(body.into());
        self.aws.call("s3:PutObject", put.send())?;
        Ok(())
    }

    fn put_parts(
        &self,
        mut table: Table,
        key: &str,
        bar: &ProgressBar,
    ) -> Result<(), CommandError> {
        const ACTION: &str = "s3:PutObject";
        let (s3, bucket) = (self.aws.s3(), &self.settings.s3_paths.bucket);
        let begin = s3
            .create_multipart_upload()
            .bucket(bucket)
            .key(key)
            .content_type("text/csv")
            .checksum_algorithm(ChecksumAlgorithm::Sha256);
        let upload = self.aws.call(ACTION, begin.send())?.upload_id;
        let upload = upload.ok_or_else(|| CallError::without(ACTION, "UploadId"))?;
        let size = PART.max(table.length.div_ceil(MOST_PARTS));
        let path = table.path.clone();
        let mut read = 0;
        let parts = (1..).map_while(|number: i32| {
            let mut body = Vec::new();
            match (&mut table.file).take(size).read_to_end(&mut body) {
                Ok(0) => unchanged(&path, table.length, read).err().map(Err),
                Ok(_) => {
                    read += body.len() as u64;
                    // a file that grows has no end
                    Some(
                        unchanged(&path, table.length, read.max(table.length))
                            .map(|()| (number, body)),
                    )
                }
                Err(error) => Some(Err(unreadable(&path, &error))),
            }
        });
        let put = |(number, body): (i32, Vec<u8>)| {
            let length = body.len() as u64;
            let call = s3
                .upload_part()
                .bucket(bucket)
                .key(key)
                .upload_id(&upload)
                .part_number(number)
                .checksum_algorithm(ChecksumAlgorithm::Sha256)
                .body(body.into());
            async move {
                let answer = call.send().await.map_err(|error| CallError::of(ACTION, error))?;
                bar.inc(length);
                Ok::<_, CommandError>(
                    CompletedPart::builder()
                        .part_number(number)
                        .set_e_tag(answer.e_tag)
                        .set_checksum_sha256(answer.checksum_sha256)
                        .build(),
                )
            }
        };
        let parts = stream::iter(parts).map_ok(put).try_buffered(AT_ONCE).try_collect();
        let parts: Result<Vec<_>, CommandError> = self.aws.wait(parts);
        let done = parts.and_then(|parts| {
            let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
            let end = s3.complete_multipart_upload().bucket(bucket).key(key).upload_id(&upload);
            Ok(self.aws.call(ACTION, end.multipart_upload(parts).send())?)
        });
        if done.is_err() {
            // parts without an end cost money; why it failed matters more than whether this works
            let abort = s3.abort_multipart_upload().bucket(bucket).key(key).upload_id(&upload);
            let _ = self.aws.call("s3:AbortMultipartUpload", abort.send());
        }
        done.map(drop)
    }
}

fn unreadable(path: &Utf8Path, error: &std::io::Error) -> CommandError {
    CommandError::Data(format!("{path} cannot be read: {error}"))
}

/// A table that changes while it is read would be uploaded by halves.
fn unchanged(path: &Utf8Path, length: u64, read: u64) -> Result<(), CommandError> {
    if read == length {
        return Ok(());
    }
    Err(CommandError::Data(format!(
        "{path} had {length} bytes and changed while it was read, expected a table that stays"
    )))
}
