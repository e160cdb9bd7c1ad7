//! `tidegate detach`: takes everything out of the kernel that an agent left there.

use std::path::PathBuf;

use serde_json::json;

use super::output::{Output, harmless};
use crate::{
    config::{DEFAULT_BPF_ROOT, bpf_root},
    dataplane,
    error::AppError,
};

/// Flags of `detach`.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// Directory below which maps and links are pinned.
    #[arg(long, value_name = "DIR", default_value = DEFAULT_BPF_ROOT, value_parser = bpf_root, env = "TIDEGATE_BPF_ROOT")]
    bpf_root: PathBuf,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), AppError> {
    let root = &args.bpf_root;
    let left = dataplane::detach(root)?;
    let body = json!({
        "removed": left.pins,
        "unmounted": left.unmounted.then_some(root),
    });
    out.object(&body, || {
        let mut text = String::new();
        for path in &left.pins {
            text.push_str(&format!(
                "removed {}\n",
                harmless(&path.display().to_string())
            ));
        }
        if left.unmounted {
            text.push_str(&format!("unmounted {}\n", root.display()));
        }
        if text.is_empty() {
            text = format!("nothing is pinned below {}\n", root.display());
        }
        text
    })
}
