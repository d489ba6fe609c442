//! The virtual environment for tests in Python.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// The repository.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Python with the packages of `python/requirements-test.txt` and the package `vocald` of this checkout. `None`, with
/// a message, where they cannot be installed.
pub fn python() -> Option<Command> {
    static INTERPRETER: OnceLock<Option<String>> = OnceLock::new();
    let interpreter = INTERPRETER.get_or_init(|| {
        let made = Command::new(Path::new(ROOT).join("scripts/python-env")).output();
        let made = made.map_err(|e| e.to_string()).and_then(|made| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
            match made.status.success() {
                true => Ok(text(&made.stdout)),
                false => Err(text(&made.stderr)),
            }
        });
        made.inspect_err(|reason| {
            let last = reason.lines().last().unwrap_or_default();
            println!("skipped: no Python environment: {last}");
        })
        .ok()
    });
    let mut command = Command::new(interpreter.as_ref()?);
    command
        .current_dir(Path::new(ROOT).join("python"))
        .env("PYTHONPATH", Path::new(ROOT).join("python/src"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("VOCALD_TOKEN");
    Some(command)
}

/// Runs a command to its end; it must succeed.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{out}\n{err}");
    out
}
