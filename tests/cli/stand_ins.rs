//! `vocald reproduce` on stand-ins: the annotation of RWC popular music and Jamendo as published, if it is there, with
//! made sound.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::program::run;

use super::reproduce::{Place, cells};

/// For training, validation and testing, with a voice and none within [`SECONDS`]. `r` is in RM-P002.
const SONGS: [(&str, &[&str]); 2] = [
    (
        "rwc-pop",
        &[
            "RM-P002.VOCA_INST.TXT",
            "RM-P070.VOCA_INST.TXT",
            "RM-P006.VOCA_INST.TXT",
            "RM-P057.VOCA_INST.TXT",
        ],
    ),
    (
        "jamendo",
        &["01 - 10min.lab", "05 - Bandicape.lab", "04 - You are.lab"],
    ),
];
const SECONDS: &str = "10";

#[test]
fn the_table_of_rwc_jamendo_and_jrm_is_filled_on_stand_ins() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let annotation = repository.join("../shared/data/labels");
    if SONGS
        .iter()
        .any(|(folder, _)| !annotation.join(folder).is_dir())
    {
        eprintln!("skipped: there is no ../shared/data/labels/rwc-pop or jamendo");
        return;
    }
    // MIR-1K is made there.
    let place = Place::new();
    for (folder, names) in SONGS {
        fs::create_dir_all(place.at("labels").join(folder)).unwrap();
        for &name in names {
            let to = place.at("labels").join(folder).join(name);
            fs::copy(annotation.join(folder).join(name), to).unwrap();
        }
    }
    let mut script = Command::new(repository.join("scripts/make-stand-ins"));
    script.args(["--seconds", SECONDS]);
    let made = run(script.args([place.at("labels"), place.at("data")]));
    assert_eq!(made.code, Some(0), "{}", made.err);
    for expected in [
        "RM-P002.VOCA_INST.TXT: line 10: made without a voice, no known class: `r`, 27.292 to 28.810 s",
        "rwc: 4 songs, 0.7 minutes",
        "jamendo: 3 songs, 0.5 minutes",
    ] {
        assert!(
            made.out.contains(expected),
            "`{expected}` in:\n{}",
            made.out
        );
    }
    let copy = "data/rwc/AIST.RWC-MDB-P-2001.VOCA_INST/RM-P002.VOCA_INST.TXT";
    assert_eq!(
        fs::read(place.at(copy)).unwrap(),
        fs::read(place.at("labels/rwc-pop/RM-P002.VOCA_INST.TXT")).unwrap()
    );

    let output = place.reproduce(
        "--corpus rwc,jamendo,jrm --architecture scnn,bilstm,se_resnet-14 --max-epochs 1 --epoch-batches 1",
    );
    assert_eq!(output.code, Some(0), "{}", output.err);
    for expected in [
        "(train): 8 labels with unknown words are left out, neither voice nor no voice: `r` (8)",
        "the labels of RM-P002 go on to",
    ] {
        assert!(output.err.contains(expected), "{}", output.err);
    }
    for network in ["scnn", "bilstm", "se_resnet-14"] {
        let windows = ["rwc", "jamendo", "jrm"].map(|corpus| {
            let result = place.result(&format!("paper-{corpus}-{network}-seed-1"));
            result["test"]["windows"].as_u64().unwrap()
        });
        // JRM also has two clips of MIR-1K, 3 s each.
        let clips = windows[2] - windows[0] - windows[1];
        assert!((30..90).contains(&clips), "{network}: {windows:?}");
        assert!(
            windows[0] > 100 && windows[1] > 100,
            "{network}: {windows:?}"
        );
        // MIR-1K is not selected.
        let ours = cells(&output.out, &format!("{network} "));
        assert_eq!((ours[1].as_str(), ours[2].as_str()), ("ours", "–"));
        assert!(ours[3..].iter().all(|cell| cell.contains(';')), "{ours:?}");
    }
}
