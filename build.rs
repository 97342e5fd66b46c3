//! Emits the linker settings a Node addon needs on each platform, and the legal code that data dumps carry.

use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_NODE").is_some() {
        napi_build::setup();
    }
    let cc0 = spdx::license_id("CC0-1.0").ok_or_else(|| io::Error::other("spdx does not know CC0-1.0"))?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("no OUT_DIR"))?);
    fs::write(out.join("CC0-1.0.txt"), cc0.text())
}
