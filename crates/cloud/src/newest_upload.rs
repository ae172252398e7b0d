//! Which table was uploaded last: an object beside the pipeline's definitions keeps it for everybody.

use infrastructure::DEFINITIONS;
use serde::{Deserialize, Serialize};

use crate::{Cloud, CloudError};

/// The version of the object's format.
const FORMAT_VERSION: u32 = 1;

/// The table that was uploaded last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewestUpload {
    /// The key in whose place it is read. Settings that name another one mean that.
    pub instead_of: String,
    /// Its key.
    pub key: String,
    /// The name of the file that was uploaded.
    pub file: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// The digest of its contents.
    pub sha256: String,
    /// When it was uploaded.
    pub uploaded_at: String,
}

/// The object's contents.
#[derive(Serialize, Deserialize)]
struct Document {
    // The first such objects had none.
    #[serde(default = "first")]
    format_version: u32,
    #[serde(flatten)]
    upload: NewestUpload,
}

fn first() -> u32 {
    FORMAT_VERSION
}

/// The table that an execution is to read, where the settings name one.
#[derive(Debug)]
pub enum NewestTable {
    /// The settings' own: nothing was uploaded in its place.
    Own,
    /// The settings' own: it is newer than what was uploaded, at this address.
    OwnIsNewer(String),
    /// The settings' own: what was uploaded, at this address, is gone.
    UploadIsGone(String),
    /// Nobody knows: the credentials may not look.
    Unknown(CloudError),
    /// The one that was uploaded in its place.
    Uploaded(NewestUpload),
}

impl Cloud {
    /// Returns which table is the newest: the one with the settings' key, or the one that was uploaded last in its
    /// place.
    ///
    /// # Errors
    ///
    /// Fails if the object that tells is malformed, or if S3 fails.
    pub fn newest_table(&self, own: &str) -> Result<NewestTable, CloudError> {
        let uri = self.newest_upload_uri();
        let json = match self.object_if_any(&uri) {
            Ok(Some(json)) => json,
            Ok(None) => return Ok(NewestTable::Own),
            Err(error) if error.is_denied() => return Ok(NewestTable::Unknown(error)),
            Err(error) => return Err(error),
        };
        let malformed = |reason| CloudError::MalformedPointer { uri: uri.clone(), reason };
        let document: Document =
            common::json::from_slice(&json).map_err(|error| malformed(error.to_string()))?;
        if document.format_version != FORMAT_VERSION {
            let found = document.format_version;
            return Err(malformed(format!("format version {found}, expected {FORMAT_VERSION}")));
        }
        let newest = document.upload;
        if newest.instead_of != own {
            return Ok(NewestTable::Own);
        }
        let uploaded = self.uri(&newest.key);
        let Some(object) = self.stored(&uploaded)? else {
            return Ok(NewestTable::UploadIsGone(uploaded));
        };
        // A table that was there already is as new as the note that it was uploaded again.
        let noted = self.stored(&uri)?.map_or(object.modified, |note| note.modified);
        let uploaded_at = object.modified.max(noted);
        if self.stored(&self.uri(own))?.is_some_and(|own| own.modified > uploaded_at) {
            return Ok(NewestTable::OwnIsNewer(uploaded));
        }
        Ok(NewestTable::Uploaded(newest))
    }

    /// Stores which table was uploaded last.
    ///
    /// # Errors
    ///
    /// Fails if S3 refuses.
    pub fn remember_upload(&self, upload: NewestUpload) -> Result<(), CloudError> {
        let document = Document { format_version: FORMAT_VERSION, upload };
        let json = serde_json::to_string_pretty(&document).unwrap_or_default();
        self.store_json(&self.pointer_key(), &json)?;
        Ok(())
    }

    /// Returns the address of the object that tells which table was uploaded last.
    pub fn newest_upload_uri(&self) -> String {
        self.uri(&self.pointer_key())
    }

    fn pointer_key(&self) -> String {
        format!("{DEFINITIONS}{}/newest-upload.json", self.target.pipeline_name)
    }

    fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.target.bucket)
    }
}
