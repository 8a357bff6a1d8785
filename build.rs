//! Puts the files that browsers load into the binary: our own from `static/`, and what npm brings, bundled by `static/build.mjs`.
//!
//! Nothing here may fail a build: without npm or a network the pages take their style from elsewhere and the playground is a plain
//! form. `HOOKE_ASSETS=off` wants it so; `HOOKE_ASSETS=FOLDER` takes a folder that `build.mjs` has made.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What the bundle depends on; a change of the first two wants `npm ci` again.
const SOURCES: [&str; 7] =
    ["package.json", "package-lock.json", "build.mjs", "playground.jsx", "playground.css", "reference.js", "reference.css"];
const LOCKED: usize = 2;

/// Our own, embedded as they are.
const OWN: [&str; 6] = ["hooke.css", "hooke.svg", "page.js", "console.js", "lab.js", "jobs.js"];

/// npm waits for minutes where the network drops what it sends.
const NPM_TIME: Duration = Duration::from_secs(300);
const BUNDLE_TIME: Duration = Duration::from_secs(60);

fn main() {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join("static");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=HOOKE_ASSETS");
    for name in SOURCES.iter().chain(&OWN) {
        println!("cargo::rerun-if-changed=static/{name}");
    }

    let mut files = String::from("static FILES: &[File] = &[\n");
    for name in OWN {
        // a copy, for a target folder outlives the checkout that filled it: a list that names a checkout breaks the next one's build
        let path = out.join(name);
        let hash = match fs::read(here.join(name)).and_then(|bytes| fs::write(&path, &bytes).map(|()| bytes)) {
            Ok(bytes) => fnv(&[bytes]),
            Err(fault) => {
                println!("cargo::error=cannot copy static/{name}: {fault}");
                return;
            }
        };
        let (stem, end) = name.rsplit_once('.').unwrap_or((name, ""));
        list(&mut files, name, &format!("{stem}-{hash:016x}.{end}"), &path);
    }
    let bundle = match env::var("HOOKE_ASSETS") {
        Ok(word) if word == "off" => None,
        Ok(folder) if !folder.is_empty() => {
            println!("cargo::rerun-if-changed={folder}");
            Some(PathBuf::from(folder))
        }
        _ => bundle(&here, &out)
            .inspect_err(|why| {
                println!(
                    "cargo::warning=the playground is a plain form and Bootstrap comes from a CDN: {why} (touch build.rs to try again)"
                );
            })
            .ok(),
    };
    let manifest = bundle.as_ref().and_then(|folder| {
        fs::read_to_string(folder.join("manifest"))
            .inspect_err(|fault| println!("cargo::warning=no manifest of assets in {}: {fault}", folder.display()))
            .ok()
            .map(|manifest| (folder, manifest))
    });
    if let Some((folder, manifest)) = &manifest {
        for (name, file) in manifest.lines().filter_map(|line| line.split_once('\t')) {
            list(&mut files, name, file, &folder.join(file));
        }
    }
    let _ = write!(files, "];\n\nconst BUNDLED: bool = {};\n", manifest.is_some());
    if let Err(fault) = fs::write(out.join("assets.rs"), files) {
        println!("cargo::error=cannot write the list of assets: {fault}");
    }
}

fn list(files: &mut String, name: &str, file: &str, path: &Path) {
    let _ = writeln!(
        files,
        "    File {{ name: {name:?}, file: {file:?}, bytes: include_bytes!({:?}) }},",
        path.display().to_string()
    );
}

/// The folder with the bundle, made again where its sources have changed.
fn bundle(here: &Path, out: &Path) -> Result<PathBuf, String> {
    let sources = SOURCES
        .iter()
        .map(|name| fs::read(here.join(name)).map_err(|fault| format!("static/{name}: {fault}")))
        .collect::<Result<Vec<_>, _>>()?;
    let (npm, made) = (out.join("npm"), out.join("bundle"));
    let told = |what: io::Error| what.to_string();

    let stamp = format!("{:016x}", fnv(&sources));
    if fs::read_to_string(made.join("stamp")).is_ok_and(|old| old == stamp) {
        return Ok(made);
    }
    let lock = format!("{:016x}", fnv(&sources[..LOCKED]));
    if !fs::read_to_string(npm.join("stamp")).is_ok_and(|old| old == lock) {
        let _ = fs::remove_dir_all(&npm);
        fs::create_dir_all(&npm).map_err(told)?;
        for name in &SOURCES[..LOCKED] {
            fs::copy(here.join(name), npm.join(name)).map_err(told)?;
        }
        let command = if cfg!(windows) { "npm.cmd" } else { "npm" };
        let arguments = [
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefer-offline",
            "--fetch-retries=1",
            "--fetch-timeout=60000",
        ];
        run(Command::new(command).args(arguments).current_dir(&npm), NPM_TIME)?;
        // three builds of the editor that nobody here reads
        for unread in ["dev", "min-maps", "min/vs/language"] {
            let _ = fs::remove_dir_all(npm.join("node_modules/monaco-editor").join(unread));
        }
        fs::write(npm.join("stamp"), &lock).map_err(told)?;
    }
    let _ = fs::remove_dir_all(&made);
    run(Command::new("node").args([here.join("build.mjs").as_os_str(), npm.as_os_str(), made.as_os_str()]), BUNDLE_TIME)?;
    fs::write(made.join("stamp"), &stamp).map_err(told)?;
    Ok(made)
}

/// Runs it to its end, which must be a good one and come in time.
fn run(command: &mut Command, time: Duration) -> Result<(), String> {
    let name = Path::new(command.get_program()).file_stem().and_then(OsStr::to_str).unwrap_or("a command").to_owned();
    let log = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join(format!("{name}.log"));
    let file = fs::File::create(&log).map_err(|fault| fault.to_string())?;
    let errors = file.try_clone().map_err(|fault| fault.to_string())?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors)
        .spawn()
        .map_err(|fault| format!("{name} cannot be started: {fault}"))?;
    let until = Instant::now() + time;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{name} failed ({status}), see {}", log.display())),
            Ok(None) if Instant::now() < until => sleep(Duration::from_millis(50)),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("{name} took longer than {} s", time.as_secs()));
            }
            Err(fault) => return Err(fault.to_string()),
        }
    }
}

/// FNV-1a over the parts and where each ends.
fn fnv(parts: &[Vec<u8>]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for part in parts {
        for byte in part.iter().copied().chain((part.len() as u64).to_le_bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}
