//! The folder of jobs: files that came to be loaded (`ID.in`) and files that were made (`ID.out`); under `.part` until they are whole.
//! Processes may share one folder; which folder it is tells the file `place` in it. Its size is bounded.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use tokio::fs::{self, File};
use tokio::io::{AsyncSeekExt as _, AsyncWriteExt as _};

use crate::search::{Error, Result};

/// What nobody knows is left alone for so long: its job may just be starting.
const YOUNG: Duration = Duration::from_secs(15 * 60);
/// Half a file that nobody writes to.
const ABANDONED: Duration = Duration::from_secs(24 * 3_600);

pub(super) struct Folder {
    path: PathBuf,
    place: String,
    /// Bytes that all files together may have.
    space: u64,
    /// About so many they have; counted anew by each sweep.
    used: Arc<AtomicU64>,
}

/// The identity kept in this file, made at the first time. Blocks.
pub(super) fn identity(path: &Path) -> anyhow::Result<String> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().len() >= 32 => return Ok(text.trim().to_owned()),
        // one that was never written whole
        Ok(_) => {}
        Err(fault) if fault.kind() == ErrorKind::NotFound => {}
        Err(fault) => return Err(fault).with_context(|| format!("{} cannot be read", path.display())),
    }
    let fresh = super::fresh_id();
    let part = path.with_extension(format!("{fresh}.part"));
    let written = std::fs::File::create(&part).and_then(|mut file| {
        file.write_all(fresh.as_bytes())?;
        file.sync_all()?;
        // of several who make it at once one wins
        std::fs::hard_link(&part, path).or_else(|fault| match fault.kind() {
            ErrorKind::AlreadyExists if std::fs::metadata(path)?.len() >= 32 => Ok(()),
            _ => std::fs::rename(&part, path),
        })
    });
    let _ = std::fs::remove_file(&part);
    written.with_context(|| format!("{} cannot be made", path.display()))?;
    Ok(std::fs::read_to_string(path)?.trim().to_owned())
}

impl Folder {
    /// Blocks.
    pub(super) fn open(path: PathBuf, space: u64) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        let place = identity(&path.join("place"))?;
        let used = Arc::new(AtomicU64::new(entries(&path)?.iter().map(|entry| entry.bytes).sum()));
        Ok(Folder { path, place, space, used })
    }

    /// Which folder this is, wherever it is mounted.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    fn file(&self, id: &str, end: &str) -> PathBuf {
        self.path.join(format!("{id}.{end}"))
    }

    fn check_space(&self, more: u64) -> Result<()> {
        let used = self.used.load(Ordering::Relaxed);
        if used.saturating_add(more) <= self.space {
            return Ok(());
        }
        Err(Error::Limit(format!(
            "the files of jobs have {used} of {} bytes (the setting jobs.space): they go with their jobs, the oldest first",
            self.space
        )))
    }

    pub(super) async fn put_input(&self, id: &Arc<str>, text: Vec<u8>) -> Result<()> {
        let mut upload = self.receive(Arc::clone(id), text.len() as u64).await?;
        upload.write(&text).await?;
        upload.keep().await.map(drop)
    }

    /// A file of at most so many bytes that comes piece by piece.
    pub(super) async fn receive(&self, id: Arc<str>, most: u64) -> Result<Upload> {
        self.check_space(0)?;
        let part = self.file(&id, "in.part");
        let file = File::create(&part).await.map_err(|fault| broken(&part, &fault))?;
        let whole = self.file(&id, "in");
        Ok(Upload { id, file, part: Some(part), whole, bytes: 0, most, space: self.space, used: Arc::clone(&self.used) })
    }

    /// The file to be loaded. Blocks.
    pub(super) fn open_input(&self, id: &str) -> Result<std::fs::File> {
        let path = self.file(id, "in");
        std::fs::File::open(&path).map_err(|fault| missing(&path, &fault))
    }

    /// Half a file to go on with, cut to where it was known to be good.
    pub(super) async fn open_output(&self, id: &str, good: u64) -> Result<Output<'_>> {
        self.check_space(0)?;
        let path = self.file(id, "out.part");
        let mut options = File::options();
        let file = options.create(true).truncate(false).write(true).open(&path).await.map_err(|fault| broken(&path, &fault))?;
        let there = file.metadata().await.map_err(|fault| broken(&path, &fault))?.len();
        // a shorter one has lost what was promised: the caller looks
        let bytes = there.min(good);
        file.set_len(bytes).await.map_err(|fault| broken(&path, &fault))?;
        self.used.fetch_sub((there - bytes).min(self.used.load(Ordering::Relaxed)), Ordering::Relaxed);
        let mut output = Output { folder: self, file, path, whole: self.file(id, "out"), bytes };
        output.file.seek(std::io::SeekFrom::Start(bytes)).await.map_err(|fault| broken(&output.path, &fault))?;
        Ok(output)
    }

    pub(super) async fn open_result(&self, id: &str) -> Result<File> {
        let path = self.file(id, "out");
        File::open(&path).await.map_err(|fault| missing(&path, &fault))
    }

    /// The file that was loaded is not needed again.
    pub(super) async fn forget_input(&self, id: &str) {
        self.remove(&["in"], id).await;
    }

    /// All files of a job.
    pub(super) async fn forget(&self, id: &str) {
        self.remove(&["in", "in.part", "out", "out.part"], id).await;
    }

    async fn remove(&self, ends: &[&str], id: &str) {
        for end in ends {
            let path = self.file(id, end);
            let bytes = fs::metadata(&path).await.map_or(0, |about| about.len());
            match fs::remove_file(&path).await {
                Ok(()) => {
                    let less = |used: u64| Some(used.saturating_sub(bytes));
                    // it cannot fail: there always is a new value
                    let _ = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
                }
                Err(fault) if fault.kind() == ErrorKind::NotFound => {}
                Err(fault) => tracing::warn!(%fault, path = %path.display(), "a file of a job stays behind"),
            }
        }
    }

    /// Jobs whose files are old enough to be asked for; half files that nobody writes to any more are removed at once.
    pub(super) async fn sweep(&self) -> Result<Vec<String>> {
        let path = self.path.clone();
        let all = tokio::task::spawn_blocking(move || entries(&path)).await.map_err(Error::internal)?.map_err(Error::internal)?;
        self.used.store(all.iter().map(|entry| entry.bytes).sum(), Ordering::Relaxed);
        let mut ids: Vec<String> = all.into_iter().filter(|entry| entry.age > YOUNG).map(|entry| entry.id).collect();
        ids.sort();
        ids.dedup();
        Ok(ids)
    }
}

/// A file that is being received.
pub struct Upload {
    id: Arc<str>,
    file: File,
    part: Option<PathBuf>,
    whole: PathBuf,
    bytes: u64,
    most: u64,
    space: u64,
    used: Arc<AtomicU64>,
}

impl Upload {
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let more = bytes.len() as u64;
        if self.bytes + more > self.most {
            return Err(Error::Limit(format!("a file to be loaded has at most {} bytes (the setting jobs.upload)", self.most)));
        }
        if self.used.fetch_add(more, Ordering::Relaxed) + more > self.space {
            self.used.fetch_sub(more, Ordering::Relaxed);
            return Err(Error::Limit(format!(
                "the files of jobs have no room for more than {} bytes (the setting jobs.space)",
                self.space
            )));
        }
        self.bytes += more;
        self.file.write_all(bytes).await.map_err(|fault| broken(&self.whole, &fault))
    }

    /// So many bytes have come.
    pub fn len(&self) -> u64 {
        self.bytes
    }

    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// It has come whole and is to stay; gives its id.
    pub(super) async fn keep(mut self) -> Result<Arc<str>> {
        let Some(part) = self.part.clone() else { return Err(Error::internal("a file was kept twice")) };
        make_whole(&mut self.file, &part, &self.whole).await?;
        self.part = None;
        Ok(Arc::clone(&self.id))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let Some(part) = self.part.take() else { return };
        self.used.fetch_sub(self.bytes, Ordering::Relaxed);
        let remove = move || drop(std::fs::remove_file(part));
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(remove)),
            Err(_) => remove(),
        }
    }
}

/// A file that is being made.
pub(super) struct Output<'f> {
    folder: &'f Folder,
    file: File,
    path: PathBuf,
    whole: PathBuf,
    pub(super) bytes: u64,
}

impl Output<'_> {
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let more = bytes.len() as u64;
        self.folder.check_space(more)?;
        self.file.write_all(bytes).await.map_err(|fault| broken(&self.path, &fault))?;
        self.folder.used.fetch_add(more, Ordering::Relaxed);
        self.bytes += more;
        Ok(())
    }

    /// What was written so far outlives a crash.
    pub(super) async fn sync(&mut self) -> Result<()> {
        let synced = async {
            self.file.flush().await?;
            self.file.sync_data().await
        };
        synced.await.map_err(|fault| broken(&self.path, &fault))
    }

    pub(super) async fn finish(mut self) -> Result<()> {
        make_whole(&mut self.file, &self.path, &self.whole).await
    }
}

/// On disk first, then under its own name.
async fn make_whole(file: &mut File, part: &Path, whole: &Path) -> Result<()> {
    let done = async {
        file.flush().await?;
        file.sync_all().await?;
        fs::rename(part, whole).await?;
        if let Some(folder) = whole.parent() {
            File::open(folder).await?.sync_all().await?;
        }
        Ok(())
    };
    done.await.map_err(|fault: std::io::Error| broken(whole, &fault))
}

struct Entry {
    id: String,
    bytes: u64,
    age: Duration,
}

fn entries(folder: &Path) -> std::io::Result<Vec<Entry>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        // it may just have been removed
        let Ok(about) = entry.metadata() else { continue };
        let name = entry.file_name();
        let Some((id, end)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
        if !about.is_file() || !matches!(end, "in" | "in.part" | "out" | "out.part") {
            continue;
        }
        let age = about.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default();
        if end == "in.part" && age > ABANDONED {
            let _ = std::fs::remove_file(entry.path());
            continue;
        }
        all.push(Entry { id: id.to_owned(), bytes: about.len(), age });
    }
    Ok(all)
}

fn broken(path: &Path, fault: &std::io::Error) -> Error {
    Error::Internal(format!("{}: {fault}", path.display()))
}

fn missing(path: &Path, fault: &std::io::Error) -> Error {
    match fault.kind() {
        ErrorKind::NotFound => Error::NotFound("the file of this job is gone".into()),
        _ => broken(path, fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_identity() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("place");
        let first = identity(&path).unwrap();
        assert_eq!(identity(&path).unwrap(), first);
        std::fs::write(&path, "half").unwrap();
        let second = identity(&path).unwrap();
        assert!(second != first && identity(&path).unwrap() == second);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn files_are_bounded_and_only_whole_ones_have_their_name() {
        let temp = tempfile::tempdir().unwrap();
        let folder = Folder::open(temp.path().to_owned(), 10).unwrap();
        let mut upload = folder.receive("a".into(), 8).await.unwrap();
        upload.write(b"12345678").await.unwrap();
        assert!(matches!(upload.write(b"9").await, Err(Error::Limit(_))));
        assert!(folder.open_input("a").is_err());
        assert_eq!(&*upload.keep().await.unwrap(), "a");
        assert_eq!(std::fs::read_to_string(temp.path().join("a.in")).unwrap(), "12345678");

        let mut output = folder.open_output("b", 0).await.unwrap();
        assert!(matches!(output.write(b"123").await, Err(Error::Limit(text)) if text.contains("jobs.space")));
        folder.forget("a").await;
        output.write(b"123").await.unwrap();
        output.sync().await.unwrap();
        drop(output);
        // what came after the checkpoint is cut off
        let mut output = folder.open_output("b", 2).await.unwrap();
        output.write(b"x").await.unwrap();
        output.finish().await.unwrap();
        assert_eq!(std::fs::read_to_string(temp.path().join("b.out")).unwrap(), "12x");
        assert_eq!(folder.used.load(Ordering::Relaxed), 3);
    }
}
