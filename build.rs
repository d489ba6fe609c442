//! Build facts for the program: the library path of libtorch and the version string.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    let libtorch = std::env::var_os("LIBTORCH").map(PathBuf::from);
    if let Some(libtorch) = &libtorch {
        link_path(libtorch);
    }
    let package = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let libtorch = libtorch.and_then(|folder| libtorch_version(&folder));
    let facts = [
        commit(),
        libtorch.map(|version| format!("libtorch {version}")),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    let version = match facts.is_empty() {
        true => package,
        false => format!("{package} ({})", facts.join(", ")),
    };
    println!("cargo:rustc-env=BUILD_VERSION={version}");
}

/// Stores the library path in the binary, so that the program runs without an environment variable.
fn link_path(libtorch: &Path) {
    let lib = libtorch.join("lib");
    let lib = lib.canonicalize().unwrap_or(lib);
    let system = std::env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    // First the place of an installation: bin/vocald beside lib/vocald.
    if system == "linux" {
        println!("cargo:rustc-link-arg-bin=vocald=-Wl,-rpath,$ORIGIN/../lib/vocald");
    }
    if ["linux", "macos"].contains(&system.as_str()) {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{}", lib.display());
    }
}

/// The version in libtorch's own files, without the build's suffix: `2.11.0`.
fn libtorch_version(libtorch: &Path) -> Option<String> {
    let file = libtorch.join("build-version");
    println!("cargo:rerun-if-changed={}", file.display());
    let text = std::fs::read_to_string(file).ok()?;
    let version = text.trim().split('+').next()?;
    (!version.is_empty()).then(|| version.to_owned())
}

/// The first nine digits of this checkout's commit; `None` without git or outside of its own repository.
fn commit() -> Option<String> {
    let checkout = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from)?;
    // A source archive unpacked inside another project's repository has no commit of its own.
    let top_level = PathBuf::from(git(&["rev-parse", "--show-toplevel"])?);
    if top_level.canonicalize().ok()? != checkout.canonicalize().ok()? {
        return None;
    }
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    let moving = ["HEAD", "logs/HEAD", "packed-refs"].map(str::to_owned);
    for name in moving.into_iter().chain(branch) {
        let path = git(&["rev-parse", "--git-path", &name]).map(PathBuf::from);
        // Cargo would rerun this script at every call for a file that does not exist.
        if let Some(path) = path.filter(|path| path.exists()) {
            println!("cargo:rerun-if-changed={}", path.display());
        }
    }
    git(&["rev-parse", "--short=9", "HEAD"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
