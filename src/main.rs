use std::process::ExitCode;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(hooke::commands::run(std::env::args_os())),
        Err(fault) => {
            eprintln!("hooke: no threads to run on: {fault}");
            ExitCode::FAILURE
        }
    }
}
