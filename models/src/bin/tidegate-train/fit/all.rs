//! `tidegate-train fit --all`: the shipped models, made or made again and compared.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context as _, ensure};
use tidegate_models::train::{
    fit::{Choice, ModelKind, fit},
    recipes,
    select::Trial,
};

use super::{
    FitArgs,
    outputs::{Found, compare, files, write},
};

/// Where the shipped models' recording is, from the checkout's top.
const RECORDING: &str = "models/recorded/live.csv.zst";

/// What the cards say.
const COMMAND: &str = "tidegate-train fit --all --data DIR";

pub(super) fn run(args: &FitArgs) -> anyhow::Result<()> {
    let recorded = if args.recorded.is_empty() {
        vec![PathBuf::from(RECORDING)]
    } else {
        args.recorded.clone()
    };
    let wanted = |name: &str| args.only.is_empty() || args.only.iter().any(|n| name.contains(n));
    let mut requests = recipes::shipped(args.data.as_deref().unwrap_or(Path::new("")), &recorded);
    requests.retain(|request| wanted(&request.name));
    ensure!(
        !requests.is_empty(),
        "--only {}: no such model",
        args.only.join(", ")
    );
    let database = args.database()?;
    for request in &mut requests {
        request.database.clone_from(&database);
    }
    let seeds_folder = args.output.join("seeds");
    if !args.check {
        fs::create_dir_all(&seeds_folder)
            .with_context(|| format!("cannot make {}", seeds_folder.display()))?;
    }
    let start = Instant::now();
    let (mut compared, mut unlike) = (0, 0);
    for mut request in requests {
        let fitted = fit(&request, &mut |line| eprintln!("{line}"))?;
        let name = request.name.clone();
        let path = args.output.join(format!("{name}.json"));
        let made = files(&fitted, &path, Some(COMMAND))?;
        if args.check {
            for (path, found) in compare(&made)? {
                writeln!(std::io::stdout(), "{found:<7} {}", path.display())?;
                compared += 1;
                unlike += usize::from(found != Found::Same);
            }
        } else {
            write(&made)?;
            // A tree takes nothing from chance: every seed gives the same.
            if request.kind != ModelKind::Tree {
                request.validate = false;
                request.chosen = chosen(&fitted.choice);
                let first = request.seed;
                for seed in first + 1..first + args.seeds {
                    request.seed = seed;
                    let fitted = fit(&request, &mut |_| ())?;
                    let path = seeds_folder.join(format!("{name}-{seed}.json"));
                    write(&files(&fitted, &path, None)?)?;
                }
            }
        }
        eprintln!("{:.0} s", start.elapsed().as_secs_f64());
    }
    ensure!(
        unlike == 0,
        "{unlike} of {compared} files in {} are not what a fit gives",
        args.output.display()
    );
    Ok(())
}

/// What the first seed chose, for the others.
fn chosen(choice: &Choice) -> Option<Trial> {
    match choice {
        Choice::Fixed(trial) => Some(*trial.clone()),
        Choice::Forest(trials) => trials.first().cloned(),
        _ => None,
    }
}
