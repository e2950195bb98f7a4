//! Drives the image and kernel stores by hand: `cargo run -p image --example images -- <dir> <what> …`.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use image::{ImageStore, Job, JobEvent, KernelStore, home_template};

const USAGE: &str = "usage: images DIR \
    (build RECIPE | import NAME FILE | promote NAME DISK | pull [SUITE] | kernel FILE [MODULES] \
    | initramfs NAME AGENT | home | list | sweep | prune | delete NAME)";

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    error.source().map_or(text.clone(), |source| format!("{text}: {}", chain(source)))
}

fn tell(began: Instant) -> Job {
    let job = Job::new(move |event| {
        let secs = began.elapsed().as_secs_f32();
        match event {
            JobEvent::Stage(name) => eprintln!("[{secs:6.1}] {name}"),
            JobEvent::Log(line) => eprintln!("[{secs:6.1}]   {line}"),
            JobEvent::Warning(line) => eprintln!("[{secs:6.1}] warning: {line}"),
            JobEvent::Progress { .. } => {}
        }
    });
    // `CANCEL_AFTER=5` cancels after five seconds.
    if let Some(secs) = env::var("CANCEL_AFTER").ok().and_then(|text| text.parse().ok()) {
        let cancel = job.canceller();
        std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_secs_f32(secs));
            cancel.cancel();
        });
    }
    job
}

fn run(args: &[&str]) -> Result<(), Failure> {
    let began = Instant::now();
    let job = tell(began);
    let [dir, args @ ..] = args else { return Err(USAGE.into()) };
    let dir = Path::new(dir);
    let (images, kernels) =
        (ImageStore::open(&dir.join("images"))?, KernelStore::open(&dir.join("kernels"))?);
    match args {
        ["build", recipe] => println!("{:#?}", images.build(recipe, None, &job).map_err(hinted)?),
        ["import", name, path] => {
            println!("{:#?}", images.import(&name.parse()?, fs::File::open(path)?, "import", &job)?);
        }
        ["promote", name, disk] => {
            println!("{:#?}", images.promote(&name.parse()?, Path::new(disk), "machine", &job)?);
        }
        ["pull"] => println!("{:#?}", kernels.pull(None, None, &job)?),
        ["pull", suite] => println!("{:#?}", kernels.pull(Some(suite), None, &job)?),
        ["kernel", path] => println!("{:#?}", kernels.import(None, fs::File::open(path)?, "import", &job)?),
        ["kernel", path, modules] => {
            println!("{:#?}", kernels.import_files(None, Path::new(path), Some(Path::new(modules)), &job)?);
        }
        ["initramfs", name, agent] => {
            println!("{}", kernels.initramfs(&name.parse()?, &PathBuf::from(agent))?.display());
        }
        ["home"] => println!("{}", home_template(dir, &job)?.display()),
        ["list"] => println!("{:#?}\n{:#?}", images.list()?, kernels.list()?),
        ["sweep"] => println!("{:#?}\n{:#?}", images.sweep()?, kernels.sweep()?),
        ["prune"] => {
            let none = std::collections::BTreeSet::new();
            println!("{:#?}\n{:#?}", images.prune(&none, false)?, kernels.prune(&none, false)?);
        }
        ["delete", name] => images.delete(&name.parse()?)?,
        _ => return Err(USAGE.into()),
    }
    eprintln!("[{:6.1}] done", began.elapsed().as_secs_f32());
    Ok(())
}

fn hinted(error: image::ImageError) -> Failure {
    match error.hint() {
        Some(hint) => format!("{}\n{hint}", chain(&error)).into(),
        None => error.into(),
    }
}
