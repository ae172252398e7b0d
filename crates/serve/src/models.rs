//! The models of a multi-model endpoint: requests load, list, use and unload them by name, in bounded memory.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use config::steps::Serve;
use hyper::StatusCode;

use crate::error::LoadError;
use crate::refusal::Refusal;
use crate::served::ServedModel;

/// The maximum number of names.
const MAX_MODELS: usize = 100_000;

/// The models by name. The least recently used ones leave the memory where another one needs it, and are
/// loaded again when they are used.
#[derive(Debug)]
pub struct Models {
    settings: Serve,
    /// The directory of the models. Whoever loads a model is told of names in no other one.
    root: Utf8PathBuf,
    /// The bytes that models may take.
    memory: u64,
    entries: Mutex<BTreeMap<String, Entry>>,
    /// Held while a model is loaded, so that two do not take the same memory.
    loading: Mutex<()>,
    /// The number of uses.
    uses: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    directory: Utf8PathBuf,
    loaded: Option<Arc<ServedModel>>,
    /// The number of the last use.
    last_use: u64,
}

impl Models {
    /// Makes an empty collection of models, which lie below `root` and may take this number of bytes.
    pub fn new(settings: Serve, root: Utf8PathBuf, memory: u64) -> Self {
        let (entries, loading, uses) = (Mutex::default(), Mutex::default(), AtomicU64::new(0));
        Self { settings, root, memory, entries, loading, uses }
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loads the model of a directory under a name.
    pub fn load(&self, name: &str, directory: Utf8PathBuf) -> Result<(), Refusal> {
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let entries = self.entries();
            if entries.contains_key(name) {
                let reason = format!("model `{}` is loaded already", common::one_line(name));
                return Err(Refusal::new(StatusCode::CONFLICT, reason));
            }
            if entries.len() == MAX_MODELS {
                let reason = format!("there are {MAX_MODELS} models, which is the maximum");
                return Err(Refusal::new(StatusCode::INSUFFICIENT_STORAGE, reason));
            }
        }
        let loaded = self.read(&directory)?;
        let last_use = self.next_use();
        let entry = Entry { directory, loaded: Some(loaded), last_use };
        self.entries().insert(name.to_owned(), entry);
        Ok(())
    }

    /// Returns a model, after loading it again if it had left the memory.
    pub fn get(&self, name: &str) -> Result<Arc<ServedModel>, Refusal> {
        if let Some(loaded) = self.in_memory(name)? {
            return Ok(loaded);
        }
        let _loading = self.loading.lock().unwrap_or_else(PoisonError::into_inner);
        // Another request may have loaded it meanwhile.
        if let Some(loaded) = self.in_memory(name)? {
            return Ok(loaded);
        }
        let directory = self.directory(name)?;
        let loaded = self.read(&directory)?;
        if let Some(entry) = self.entries().get_mut(name) {
            entry.loaded = Some(Arc::clone(&loaded));
        }
        Ok(loaded)
    }

    /// Returns a model if it is in memory; that is quick.
    pub fn in_memory(&self, name: &str) -> Result<Option<Arc<ServedModel>>, Refusal> {
        let last_use = self.next_use();
        let mut entries = self.entries();
        let entry = entries.get_mut(name).ok_or_else(|| unknown(name))?;
        entry.last_use = last_use;
        Ok(entry.loaded.clone())
    }

    /// Returns the directory of a model.
    pub fn directory(&self, name: &str) -> Result<Utf8PathBuf, Refusal> {
        let entries = self.entries();
        entries.get(name).map(|entry| entry.directory.clone()).ok_or_else(|| unknown(name))
    }

    /// Forgets a model. Requests that use it are answered.
    pub fn unload(&self, name: &str) -> Result<(), Refusal> {
        self.entries().remove(name).map(|_| ()).ok_or_else(|| unknown(name))
    }

    /// Returns names and directories of at most `limit` models behind the name `after`, and whether there are
    /// more.
    pub fn list(&self, after: &str, limit: usize) -> (Vec<(String, Utf8PathBuf)>, bool) {
        let entries = self.entries();
        let mut behind =
            entries.range::<str, _>((std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded));
        let page = behind.by_ref().take(limit);
        let page = page.map(|(name, entry)| (name.clone(), entry.directory.clone())).collect();
        (page, behind.next().is_some())
    }

    fn next_use(&self) -> u64 {
        self.uses.fetch_add(1, Ordering::Relaxed)
    }

    fn is_below_root(&self, directory: &Utf8Path) -> bool {
        directory.starts_with(&self.root)
            && directory.components().all(|part| part != Utf8Component::ParentDir)
    }

    /// Reads a model, and makes room for it. Only one thread is here at a time.
    fn read(&self, directory: &Utf8PathBuf) -> Result<Arc<ServedModel>, Refusal> {
        let loaded = ServedModel::load(directory, &self.settings).map_err(|error| {
            let reason = match error {
                LoadError::Nothing { directory, .. } if !self.is_below_root(&directory) => {
                    common::one_line(&format!("{directory} has no model"))
                }
                error => common::chain(&error),
            };
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, reason)
        })?;
        let needed = loaded.model.memory();
        if needed > self.memory {
            let reason = format!(
                "the model takes up to {needed} bytes, and all models together may take {}",
                self.memory
            );
            return Err(Refusal::new(StatusCode::INSUFFICIENT_STORAGE, reason));
        }
        let mut entries = self.entries();
        let mut taken: u64 = entries
            .values()
            .filter_map(|entry| entry.loaded.as_ref())
            .map(|loaded| loaded.model.memory())
            .sum();
        while taken + needed > self.memory {
            let in_memory = entries.iter_mut().filter(|(_, entry)| entry.loaded.is_some());
            let Some((name, entry)) = in_memory.min_by_key(|(_, entry)| entry.last_use) else {
                break;
            };
            taken -= entry.loaded.take().map_or(0, |loaded| loaded.model.memory());
            tracing::info!("model `{}` leaves the memory", common::one_line(name));
        }
        Ok(Arc::new(loaded))
    }
}

fn unknown(name: &str) -> Refusal {
    let reason = format!("there is no model `{}`", common::one_line(name));
    Refusal::new(StatusCode::NOT_FOUND, reason)
}
