fn main() -> std::process::ExitCode {
    println!("{}", tch::Cuda::is_available());
    std::process::ExitCode::SUCCESS
}
