//! The Python package: its own tests with the built program, and its types.

use assert_cmd::cargo::cargo_bin;

use crate::support::python::{python, succeed};

#[test]
fn the_python_package_passes_its_tests() {
    let Some(mut pytest) = python() else {
        return;
    };
    pytest
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
        .env("VOCALD", cargo_bin!("vocald"));
    println!("{}", succeed(&mut pytest));
}

#[test]
fn the_python_package_is_typed() {
    let Some(mut mypy) = python() else {
        return;
    };
    // The cache would lie in the repository.
    println!(
        "{}",
        succeed(mypy.args(["-m", "mypy", "--cache-dir=/dev/null"]))
    );
}
