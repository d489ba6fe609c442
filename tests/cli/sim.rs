//! A simulated device that plays scripts of faults: what each fault is to a subscriber.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::program::{Output, messages, of_type, run, states, with_model};

/// Windows a second.
const RATE_HZ: f64 = 14.0;

fn script(folder: &Path, text: &str) -> PathBuf {
    let path = folder.join("script.sim");
    std::fs::write(&path, text).unwrap();
    path
}

/// Plays a script with a voice from the first decision on, which never ends by itself.
fn play(text: &str, options: &str) -> (Output, Vec<Value>) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("vocald.toml");
    let source = format!(
        "[[source]]\nname = \"sim\"\ninput = \"sim:{}\"\n",
        script(folder.path(), text).display()
    );
    std::fs::write(&config, source).unwrap();
    let line = format!("run --enter 0.002 --leave 0.001 {options} --config");
    // On a machine that is busy with other tests, windows are decided on late, and not skipped.
    let mut command = with_model(&line);
    let output = run(command
        .env("VOCALD_MODEL_LATENCY_BUDGET_S", "10")
        .arg(config));
    let all = messages(&output.out);
    (output, all)
}

fn number(message: &Value, key: &str) -> f64 {
    message[key].as_f64().unwrap()
}

/// `seq`, `t` and `gap` agree: every window is there, or lies in a gap or within a window of its end.
#[track_caller]
fn accounted_for(all: &[Value]) {
    let window_s = 25_909.0 / 22_050.0;
    let gaps: Vec<(f64, f64)> = of_type(all, "gap")
        .iter()
        .map(|gap| (number(gap, "t"), number(gap, "t") + number(gap, "lost")))
        .collect();
    let decisions = of_type(all, "decision");
    for pair in decisions.windows(2) {
        let (a, b) = (number(pair[0], "seq"), number(pair[1], "seq"));
        let (from, to) = (number(pair[0], "t"), number(pair[1], "t"));
        assert!(b > a, "{pair:?}");
        // To the rounding of `seq` behind a gap, which need not be whole hops.
        assert!(
            (to - from - (b - a) / RATE_HZ).abs() <= 1.0 / RATE_HZ,
            "{pair:?}"
        );
        if b > a + 1.0 {
            let spanned = gaps
                .iter()
                .any(|(begin, end)| *begin >= from - 0.1 && *end <= to + window_s);
            let states = all.iter().filter(|m| m["type"] == "state").count();
            assert!(spanned || states > 2, "{pair:?} {gaps:?}");
        }
    }
}

/// `wall` runs with `t`, to 0.1 s, and never back.
#[track_caller]
fn wall_follows(all: &[Value]) {
    let decisions = of_type(all, "decision");
    let offset = |m: &Value| number(m, "wall") - number(m, "t");
    for pair in decisions.windows(2) {
        assert!(
            number(pair[1], "wall") >= number(pair[0], "wall"),
            "{pair:?}"
        );
    }
    let (first, last) = (decisions[0], decisions[decisions.len() - 1]);
    assert!((offset(first) - offset(last)).abs() < 0.1, "{first} {last}");
}

#[test]
fn a_stall_is_a_state_and_a_gap_of_its_length() {
    let (output, all) = play(
        "sound tone 440\nplay 2.5\nstall 2\nplay 2.5\n",
        "--stall 0.5",
    );
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    assert_eq!(
        states(&all, "sim"),
        ["running", "stalled", "running", "ended"]
    );
    let offsets = of_type(&all, "offset");
    assert_eq!(
        offsets.iter().map(|m| &m["reason"]).collect::<Vec<_>>(),
        ["stalled", "ended"]
    );
    assert!((number(offsets[0], "t") - 2.5).abs() < 0.1, "{offsets:?}");
    let gaps = of_type(&all, "gap");
    assert_eq!(gaps.len(), 1);
    assert!((number(gaps[0], "lost") - 2.0).abs() < 0.05, "{gaps:?}");
    accounted_for(&all);
    wall_follows(&all);
}

#[test]
fn sound_that_comes_late_in_a_burst_is_not_lost() {
    let (output, all) = play("sound tone 440\nplay 2\nburst 1.5\nplay 2\n", "--stall 0.5");
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    assert_eq!(
        states(&all, "sim"),
        ["running", "stalled", "running", "ended"]
    );
    assert_eq!(of_type(&all, "gap"), Vec::<&Value>::new());
    let seqs: Vec<u64> = of_type(&all, "decision")
        .iter()
        .map(|m| m["seq"].as_u64().unwrap())
        .collect();
    // 5.5 s are (5.5 · 22 050 - 25 909) / 1575 + 1 windows. A burst that the ring cannot hold would be lost in part.
    assert_eq!(seqs, (0..61).collect::<Vec<_>>());
    wall_follows(&all);
}

#[test]
fn an_unplugged_device_returns_with_another_format() {
    let text = "sound tone 440\nplay 2\nunplug 1\nplay 2\nformat 44100 2\nplay 2\n";
    let (output, all) = play(text, "");
    assert_eq!((output.code, output.err.as_str()), (Some(0), ""));
    let expected = ["running", "reconnecting", "running", "ended"];
    assert_eq!(states(&all, "sim"), expected);
    let offsets = of_type(&all, "offset");
    assert_eq!(offsets[0]["reason"], "lost");
    let gaps = of_type(&all, "gap");
    // The second is where windows begin anew in another format: no sound is lost.
    assert_eq!(gaps.len(), 2, "{gaps:?}");
    assert!((number(gaps[0], "lost") - 1.0).abs() < 0.05, "{gaps:?}");
    assert_eq!(number(gaps[1], "lost"), 0.0, "{gaps:?}");
    accounted_for(&all);
    wall_follows(&all);
}

#[test]
fn steps_of_the_clock_move_wall_forward_only_and_never_t() {
    // Forward while sound flows; a year during an outage; back.
    let text = "sound tone 440\nplay 2\nclock 3600\nplay 1.5\nunplug 1\nclock 31536000\nplay 2\nstall 1.5\n\
                clock -10800\nplay 2\n";
    let (output, all) = play(text, "");
    assert_eq!(output.code, Some(0));
    assert_eq!(output.err.lines().count(), 1, "{}", output.err);
    assert!(output.err.contains("was set back"), "{}", output.err);
    let decisions = of_type(&all, "decision");
    let last = decisions[decisions.len() - 1];
    // 7.5 s of sound and 2.5 s of faults, whatever the clock says.
    assert!(number(last, "t") < 10.0, "{last}");
    let lost: Vec<f64> = of_type(&all, "gap")
        .iter()
        .map(|m| number(m, "lost"))
        .collect();
    assert!(
        (lost[0] - 1.0).abs() < 0.1 && (lost[1] - 1.5).abs() < 0.1,
        "{lost:?}"
    );
    let walls: Vec<f64> = decisions.iter().map(|m| number(m, "wall")).collect();
    assert!(walls.is_sorted(), "{walls:?}");
    let step = number(last, "wall") - number(last, "t") - number(decisions[0], "wall")
        + number(decisions[0], "t");
    assert!((step - 3600.0 - 31_536_000.0).abs() < 0.2, "{step}");
    accounted_for(&all);
}

#[test]
fn a_source_that_panics_is_restarted_and_its_time_goes_on() {
    let text = "sound tone 440\nplay 2\npanic\nplay 2\n";
    let (output, all) = play(text, "");
    assert_eq!(output.code, Some(0), "{}", output.err);
    assert_eq!(
        states(&all, "sim"),
        ["running", "failed", "running", "ended"]
    );
    assert_eq!(of_type(&all, "offset")[0]["reason"], "failed");
    assert!(
        output
            .err
            .contains("source sim: its thread panicked; see the log; it is restarted")
    );
    accounted_for(&all);
    wall_follows(&all);
}

#[test]
fn a_source_that_panics_again_and_again_fails() {
    let (output, all) = play(
        "sound tone 440\nrepeat 9\nplay 0.1\npanic\nend\n",
        "--pace max",
    );
    assert_eq!(output.code, Some(1));
    assert_eq!(states(&all, "sim").last().unwrap(), "failed");
    assert!(
        output.err.contains("restarted 5 times in vain"),
        "{}",
        output.err
    );
}

#[test]
fn a_source_that_fails_leaves_the_others_and_is_told_by_the_exit_code() {
    let folder = tempfile::tempdir().unwrap();
    let (bad, good) = (
        folder.path().join("bad.sim"),
        folder.path().join("good.sim"),
    );
    std::fs::write(&bad, "sound tone 440\nplay 0.5\nfail the cable is cut\n").unwrap();
    std::fs::write(&good, "sound tone 440\nplay 4\n").unwrap();
    let output = run(with_model("run").args([&bad, &good].map(|p| format!("sim:{}", p.display()))));
    assert_eq!(output.code, Some(1));
    assert!(
        output.err.contains("the cable is cut; the others go on"),
        "{}",
        output.err
    );
    let all = messages(&output.out);
    let of = |path: &Path| states(&all, &format!("sim:{}", path.display()));
    assert_eq!(of(&bad), ["running", "failed"]);
    assert_eq!(of(&good), ["running", "ended"]);
}

#[test]
fn a_script_with_an_error_is_refused_with_its_line() {
    for (text, line, problem) in [
        ("play\n", 1, "`play` is no step"),
        ("sound zeros\nstall -1\n", 2, "-1 is not above 0"),
        ("repeat 3\nplay 1\n", 1, "`repeat` without `end`"),
        ("end\n", 1, "`end` without `repeat`"),
        ("format 0 1\n", 1, "are at least 1"),
    ] {
        let (output, _) = play(text, "");
        assert_eq!(output.code, Some(1));
        assert!(
            output.err.contains(&format!("script.sim, line {line}: ")),
            "{}",
            output.err
        );
        assert!(output.err.contains(problem), "{}", output.err);
    }
}
