//! Builds the kernel programs for the BPF target; `dataplane` embeds them.

use std::{env, path::Path};

use anyhow::Context as _;

/// The workspace's one toolchain. bpf-linker carries the same LLVM; change the pair together.
const TOOLCHAIN: &str = "1.95.0";

fn main() -> anyhow::Result<()> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the agent's folder has a parent")?;
    let tools = workspace.join("target/tools/bin");
    println!("cargo:rerun-if-changed={}", tools.display());
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(tools).chain(env::split_paths(&path)))?;
    #[expect(unsafe_code, reason = "a build script has one thread here")]
    // SAFETY: no other thread reads the environment yet.
    unsafe {
        env::set_var("PATH", path);
        // aya-build asks for `-Z build-std`, which a stable compiler grants only so. For this script's children only.
        env::set_var("RUSTC_BOOTSTRAP", "1");
    }
    let ebpf = workspace.join("ebpf");
    aya_build::build_ebpf(
        [aya_build::Package {
            name: "tidegate-ebpf",
            root_dir: ebpf.to_str().context("the path is not UTF-8")?,
            ..aya_build::Package::default()
        }],
        aya_build::Toolchain::Custom(TOOLCHAIN),
    )
}
