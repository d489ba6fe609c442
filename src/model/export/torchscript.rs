//! TorchScript, by tracing.

use std::fs::File;
use std::io;
use std::path::Path;

use tch::{CModule, Device, Kind, Tensor};
use zip::write::FileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use crate::atomic_file;
use crate::frontend::{MEL_BANDS, WindowLength};
use crate::model::checkpoint::Checkpoint;
use crate::model::export::DESCRIPTION_KEY;
use crate::model::export::member::{Member, members, single};
use crate::model::network::{Network, positive};
use crate::model::normalisation::{LevelMode, REFERENCE_LEVEL};

/// Windows in the example that is traced: more than one, so that no dimension of size 1 is taken for a constant.
const EXAMPLE_WINDOWS: i64 = 4;

/// Traces the network; the error is libtorch's.
pub(super) fn trace(checkpoint: &Checkpoint, window: WindowLength) -> Result<CModule, String> {
    let architecture = single(checkpoint);
    let network = |member: Member| (member.input, Network::new(architecture, &member.weights));
    let networks: Vec<_> = members(checkpoint).into_iter().map(network).collect();
    let log_mel = Tensor::zeros(
        [EXAMPLE_WINDOWS, window.frames() as i64, MEL_BANDS as i64],
        (Kind::Float, Device::Cpu),
    );
    let number = Tensor::arange(EXAMPLE_WINDOWS, (Kind::Int64, Device::Cpu));
    let inputs = match checkpoint.metadata.alternating {
        true => vec![log_mel, number],
        false => vec![log_mel],
    };
    let outputs = architecture.outputs();
    let normalisation = Normalisation::of(checkpoint);
    let mut function = |inputs: &[Tensor]| {
        let windows = normalisation.apply(&inputs[0]).unsqueeze(1);
        let logits = match inputs.get(1) {
            Some(numbers) => alternate(&networks, &windows, numbers, outputs as i64),
            None => {
                let outputs: Vec<Tensor> = networks.iter().map(|n| forward(n, &windows)).collect();
                Tensor::stack(&outputs, 0).mean_dim(0, false, Kind::Float)
            }
        };
        // A trace returns one value: the columns of speech, if any, follow those of voice.
        vec![positive(&logits)]
    };
    CModule::create_by_tracing("vocald", "forward", &inputs, &mut function)
        .map_err(|error| error.to_string())
}

/// Writes a traced network with its description, an extra file of the archive.
pub(super) fn write(traced: &CModule, description: &str, path: &Path) -> io::Result<()> {
    // libtorch names the archive's folder after the file.
    let folder = tempfile::tempdir()?;
    let archive = folder.path().join("vocald.pt");
    traced.save(&archive).map_err(io::Error::other)?;
    append(
        &archive,
        &format!("extra/{DESCRIPTION_KEY}.json"),
        description,
    )?;
    atomic_file::write(path, std::fs::read(&archive)?)
}

/// Adds a file to an archive of libtorch, whose files lie in one folder.
fn append(archive: &Path, name: &str, text: &str) -> io::Result<()> {
    let mut file = File::options().read(true).write(true).open(archive)?;
    let folder = {
        let names = ZipArchive::new(&mut file)?;
        let first = names.file_names().next().unwrap_or_default();
        first.split('/').next().unwrap_or_default().to_owned()
    };
    let mut writer = ZipWriter::new_append(&mut file)?;
    let stored = FileOptions::default().compression_method(CompressionMethod::Stored);
    writer.start_file(format!("{folder}/{name}"), stored)?;
    io::Write::write_all(&mut writer, text.as_bytes())?;
    writer.finish()?;
    Ok(())
}

/// The checkpoint's normalisation. Tensors that are made in the traced function would be traced as empty ones.
struct Normalisation {
    level: LevelMode,
    mean: Tensor,
    std: Tensor,
}

impl Normalisation {
    fn of(checkpoint: &Checkpoint) -> Self {
        let normalisation = &checkpoint.normalisation;
        Self {
            level: normalisation.level,
            mean: Tensor::from_slice(&normalisation.mean),
            std: Tensor::from_slice(&normalisation.std),
        }
    }

    fn apply(&self, log_mel: &Tensor) -> Tensor {
        let levelled = match self.level {
            LevelMode::Absolute => log_mel.shallow_clone(),
            LevelMode::Relative => {
                let power = (log_mel * 2.0).exp();
                let power = power.mean_dim([1i64, 2].as_slice(), true, Kind::Float);
                let level = power.sqrt().clamp_min(f64::from(f32::MIN_POSITIVE)).log();
                log_mel - level + f64::from(REFERENCE_LEVEL)
            }
        };
        (levelled - &self.mean) / &self.std
    }
}

/// Logits of one network, windows × outputs × 2.
fn forward((input, network): &(Option<[Tensor; 2]>, Network), windows: &Tensor) -> Tensor {
    match input {
        None => network.forward(windows, false),
        Some([factor, summand]) => network.forward(&(windows * factor + summand), false),
    }
}

/// Logits of windows of which each is processed by one network.
fn alternate(
    networks: &[(Option<[Tensor; 2]>, Network)],
    windows: &Tensor,
    numbers: &Tensor,
    outputs: i64,
) -> Tensor {
    let places = numbers.remainder(networks.len() as i64);
    let options = (Kind::Float, windows.device());
    // One row for each window, however many there are.
    let mut all = windows.flatten(1, -1).narrow(1, 0, 2 * outputs) * 0.0;
    all = all.reshape([-1, outputs, 2]).to_kind(options.0);
    for (place, network) in networks.iter().enumerate() {
        let rows = places.eq(place as i64).nonzero().squeeze_dim(1);
        let logits = forward(network, &windows.index_select(0, &rows));
        all = all.index_copy(0, &rows, &logits);
    }
    all
}
