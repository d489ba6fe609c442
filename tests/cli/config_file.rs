//! The configuration file: its defaults, what it refuses, and how two of them differ.

use vocald::config::{Change, Config, ConfigError, DecisionConfig, FromCheckpoint, SourceConfig};
use vocald::decision::OperatingPoint;
use vocald::decision::Reentry;
use vocald::frontend::WindowLength;
use vocald::model::{FrontendSettings, LevelMode, Metadata};
use vocald_client::MessageType;

const DEFAULTS: &str = include_str!("../../config/vocald.toml");

/// Every key, as `publish.http.token`, in order.
fn keys(table: &toml::Table, path: &str) -> Vec<String> {
    let mut all = Vec::new();
    for (name, value) in table {
        let name = format!("{path}{name}");
        let first = value.as_array().and_then(|items| items.first());
        match first.unwrap_or(value) {
            toml::Value::Table(below) => all.extend(keys(below, &format!("{name}."))),
            _ => all.push(name),
        }
    }
    all.sort();
    all
}

#[test]
fn the_file_in_the_repository_has_every_key_and_its_default() {
    assert_eq!(Config::parse(DEFAULTS).unwrap(), Config::default());
    assert_eq!(Config::parse("").unwrap(), Config::default());
    let written: toml::Table = DEFAULTS.parse().unwrap();
    let there_are = toml::Table::try_from(Config::default()).unwrap();
    assert_eq!(keys(&written, ""), keys(&there_are, ""));
}

#[test]
fn what_a_file_leaves_out_keeps_its_default() {
    let config = Config::parse(
        "[decision]\nenter = 0.7\n[[source]]\nname = \"hall\"\ninput = \"device:USB\"\n[[source]]\ninput = \"song.wav\"\n",
    )
    .unwrap();
    let mut expected = Config::default();
    expected.decision.enter = FromCheckpoint::Set(0.7);
    let source = |name: &str, input: &str| SourceConfig {
        name: name.into(),
        input: input.into(),
        ..SourceConfig::default()
    };
    expected.source = vec![source("hall", "device:USB"), source("", "song.wav")];
    assert_eq!(config, expected);
}

#[test]
fn an_unknown_key_is_refused_with_the_one_that_was_probably_meant() {
    let unknown = |text: &str| match Config::parse(text) {
        Err(ConfigError::UnknownKey { key, nearest }) => (key, nearest),
        other => panic!("{text}: {other:?}"),
    };
    let meant = |key: &str, nearest: &str| (key.to_owned(), Some(nearest.to_owned()));
    assert_eq!(unknown("[decisoin]\n"), meant("decisoin", "decision"));
    assert_eq!(
        unknown("[decision]\nconfirmn = 1\n"),
        meant("decision.confirmn", "decision.confirm_n")
    );
    assert_eq!(
        unknown("[publish.mqtt]\npasword_file = \"x\"\n"),
        meant("publish.mqtt.pasword_file", "publish.mqtt.password_file")
    );
    assert_eq!(
        unknown("[[source]]\n[[source]]\nrate_khz = 1\n"),
        meant("source.rate_khz", "source.rate_hz")
    );
    assert_eq!(
        unknown("[model]\ncolour = 1\n"),
        ("model.colour".into(), None)
    );
}

#[test]
fn values_that_cannot_be_are_refused_with_a_sentence() {
    for (text, words) in [
        (
            "[decision]\nenter = 0\n",
            "decision.enter: 0 is not above 0 and below 1",
        ),
        (
            "[decision]\nenter = \"high\"\n",
            "a number or \"checkpoint\"",
        ),
        ("[decision]\nlookahead_s = -1\n", "decision.lookahead_s: -1"),
        (
            "[decision]\nhorizon_frames = 7\nlookahead_s = 1\n",
            "give one of them",
        ),
        (
            "[publish.osc]\ntargets = [\"desk\"]\n",
            "`desk` is no receiver: write HOST:PORT",
        ),
        (
            "[publish.osc]\nprefix = \"vo cal\"\n",
            "`vo cal` cannot begin an OSC address",
        ),
        (
            "[publish.osc]\np_rate_hz = -1\n",
            "publish.osc.p_rate_hz: -1 is not a number from 0 up",
        ),
        (
            "[publish.command]\nonset = [\"\"]\n",
            "publish.command.onset: the program has no name",
        ),
        (
            "[publish.command]\ntime_limit_s = 0\n",
            "publish.command.time_limit_s: 0 is not above 0",
        ),
        (
            "[publish.midi]\nchannel = 17\n",
            "publish.midi.channel: 17 is not in 1 to 16",
        ),
        (
            "[publish.mqtt]\nurl = \"desk\"\n",
            "publish.mqtt.url: `desk` is no broker: write mqtt://HOST",
        ),
        (
            "[publish.mqtt]\nurl = \"mqtt://desk\"\nca_file = \"ca.pem\"\n",
            "`mqtt://desk` goes without: write mqtts://",
        ),
        (
            "[publish.mqtt]\nversion = \"4\"\n",
            "expected `3.1.1` or `5`",
        ),
        (
            "[publish.mqtt]\nprefix = \"stage/+\"\n",
            "publish.mqtt.prefix: `stage/+` cannot begin a topic",
        ),
        (
            "[publish.mqtt]\nclient_key_file = \"key.pem\"\n",
            "a certificate and its key go together",
        ),
        (
            "[publish.mqtt]\np_rate_hz = -1\n",
            "publish.mqtt.p_rate_hz: -1 is not a number from 0 up",
        ),
        (
            "[publish]\nqueue_messages = 0\n",
            "publish.queue_messages: 0 is not in 1 to",
        ),
        (
            "[publish.http]\nlisten = \"everywhere\"\n",
            "publish.http.listen: `everywhere` is not ADDRESS:PORT",
        ),
        (
            "[publish.tcp]\nlisten = \"0.0.0.0:9\"\n",
            "publish.tcp.listen: 0.0.0.0:9 is not on this machine alone",
        ),
        (
            "[publish.unix]\nclients_max = 0\n",
            "publish.unix.clients_max: 0 is not in 1 to",
        ),
        ("[publish]\nlevels = \"yes\"\n", "expected a boolean"),
        (
            "[publish]\nonly = [\"onsets\"]\n",
            "expected one of `decision`, `onset`, `offset`, `speech_onset`, `speech_offset`, `state`",
        ),
        ("[publish]\nonly = [\"level\"]\n", "set `levels`"),
        ("[[source]]\nrate_hz = 7999\n", "choose one from 8000 to"),
        (
            "[model]\ndevice = \"abacus\"\n",
            "model.device: `abacus` is no device",
        ),
        ("source = []\n", "no source"),
        ("[[source]]\npace = \"slow\"\n", "`slow` is no pace"),
        (
            "[[source]]\nuse_channels = \"1,1\"\n",
            "not a choice of channels",
        ),
        ("[[source]]\ninput = \"-\"\n", "say which with --format"),
        (
            "[[source]]\ninput = \"-\"\nformat = \"mp3\"\nrate_hz = 1\nchannels = 1\n",
            "\"mp3\" is not an encoding",
        ),
        (
            "[[source]]\n[[source]]\n",
            "two sources are called `device:default`",
        ),
        ("[model\n", "line 1, column"),
    ] {
        let error = Config::parse(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

fn model() -> Metadata {
    let point = |threshold: f32| OperatingPoint {
        threshold,
        ..OperatingPoint::around(threshold)
    };
    Metadata {
        format_version: 1,
        name: "test".into(),
        architecture: "se_resnet".into(),
        depth: Some(14),
        members: 1,
        alternating: false,
        frontend: FrontendSettings::of(WindowLength::FRAMES_80),
        level: LevelMode::Absolute,
        horizons_frames: vec![39, 21, 7],
        overlap_averaging: false,
        operating_points: vec![point(0.5), point(0.6), point(0.7)],
        speech: None,
        default_horizon_frames: 21,
        trained_on: vec![],
        figures: Default::default(),
        license: "CC0-1.0".into(),
    }
}

#[test]
fn the_horizon_and_its_operating_point_come_from_the_checkpoint_unless_set() {
    let chosen = |config: DecisionConfig| {
        config
            .horizon(&model().model_horizons())
            .map(|h| (h.index, h.frames))
    };
    let horizon = DecisionConfig::default()
        .horizon(&model().model_horizons())
        .unwrap();
    assert_eq!(
        (horizon.index, horizon.point),
        (1, model().operating_points[1])
    );
    let frames = |frames| DecisionConfig {
        horizon_frames: FromCheckpoint::Set(frames),
        ..Default::default()
    };
    assert_eq!(chosen(frames(39)), Ok((0, 39)));
    assert!(chosen(frames(8)).is_err());
    // Look-aheads are 0.580, 0.323 and 0.123 s.
    let seconds = |s| DecisionConfig {
        lookahead_s: FromCheckpoint::Set(s),
        ..Default::default()
    };
    assert_eq!(chosen(seconds(0.4)), Ok((1, 21)));
    assert_eq!(chosen(seconds(9.0)), Ok((0, 39)));
    assert!(chosen(seconds(0.1)).is_err());
    // What `vocald model info` prints is enough: 0.58 means 0.5804, 0.12 means 0.1232.
    for (lookahead_s, horizon) in [(0.58, (0, 39)), (0.32, (1, 21)), (0.12, (2, 7))] {
        assert_eq!(chosen(seconds(lookahead_s)), Ok(horizon), "{lookahead_s}");
    }
    assert_eq!(chosen(seconds(0.57)), Ok((1, 21)));

    let moved = DecisionConfig {
        threshold: FromCheckpoint::Set(0.4),
        leave: FromCheckpoint::Set(0.1),
        min_gap_s: FromCheckpoint::Set(2.0),
        ..Default::default()
    };
    let point = moved.horizon(&model().model_horizons()).unwrap().point;
    assert!(
        (point.enter - 0.45).abs() < 1e-6,
        "moved with the threshold: {point:?}"
    );
    assert_eq!(
        (point.threshold, point.leave, point.min_gap_s),
        (0.4, 0.1, 2.0)
    );
    // The re-entry threshold moves with the others, and stays between them.
    let mut remembering = model();
    for point in &mut remembering.operating_points {
        point.reentry = Some(Reentry {
            reenter: point.enter - 0.02,
            recency_s: 10.0,
        });
    }
    let reentry = |set: DecisionConfig, model: &Metadata| {
        set.horizon(&model.model_horizons()).unwrap().point.reentry
    };
    let enters = |set: DecisionConfig| reentry(set, &remembering).unwrap().reenter;
    assert!((enters(moved) - 0.43).abs() < 1e-6);
    let set = |enter: f32| FromCheckpoint::Set(enter);
    let lower = DecisionConfig {
        enter: set(0.61),
        ..Default::default()
    };
    assert_eq!(enters(lower), 0.61);
    let both = DecisionConfig {
        reenter: set(0.6),
        recency_s: set(60.0),
        ..Default::default()
    };
    let expected = Reentry {
        reenter: 0.6,
        recency_s: 60.0,
    };
    assert_eq!(reentry(both, &remembering), Some(expected));
    // A checkpoint without it: from the configuration alone, for ten seconds.
    assert_eq!(reentry(DecisionConfig::default(), &model()), None);
    let only = DecisionConfig {
        reenter: set(0.6),
        ..Default::default()
    };
    assert_eq!(reentry(only, &model()).unwrap().recency_s, 10.0);
    let nothing_to_remember = DecisionConfig {
        recency_s: set(20.0),
        ..Default::default()
    };
    let fault = nothing_to_remember
        .horizon(&model().model_horizons())
        .unwrap_err()
        .to_string();
    assert!(fault.contains("set reenter too"), "{fault}");
    let above = DecisionConfig {
        reenter: set(0.9),
        ..Default::default()
    };
    let fault = above
        .horizon(&model().model_horizons())
        .unwrap_err()
        .to_string();
    assert!(fault.contains("the re-entry threshold is above"), "{fault}");

    let crossed = DecisionConfig {
        leave: FromCheckpoint::Set(0.9),
        ..Default::default()
    };
    assert!(crossed.horizon(&model().model_horizons()).is_err());
}

#[test]
fn two_configurations_differ_key_by_key() {
    let old = Config::default();
    assert_eq!(old.diff(&old), []);
    let mut new = old.clone();
    new.decision.enter = FromCheckpoint::Set(0.75);
    new.source[0].each_channel = true;
    new.source.push(SourceConfig {
        name: "second".into(),
        ..SourceConfig::default()
    });
    let changes = old.diff(&new);
    let change = |key: &str, old: &str, new: &str| Change {
        key: key.into(),
        old: Some(old.into()),
        new: Some(new.into()),
    };
    assert_eq!(changes.len(), 3, "{changes:?}");
    assert!(changes.contains(&change("decision.enter", "\"checkpoint\"", "0.75")));
    assert!(changes.contains(&change("source.1.each_channel", "false", "true")));
    let added = changes.iter().find(|c| c.key == "source.2").unwrap();
    assert!(added.old.is_none() && added.new.as_ref().unwrap().contains("second"));
}

fn variables(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    let pairs = pairs.iter().map(|(k, v)| (k.to_string(), v.to_string()));
    pairs.collect::<Vec<_>>().into_iter()
}

fn in_a_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

#[test]
fn the_environment_goes_over_the_file_whatever_the_type_of_the_key() {
    let file = in_a_file(
        "[decision]\nenter = 0.5\nleave = 0.4\n[publish.unix]\npath = \"/tmp/a.sock\"\n\
         [[source]]\ninput = \"-\"\nformat = \"s16le\"\nrate_hz = 8000\nchannels = 1\n",
    );
    let set = variables(&[
        ("VOCALD_DECISION_ENTER", "0.7"),
        ("VOCALD_DECISION_MIN_GAP_S", "checkpoint"),
        ("VOCALD_PUBLISH_LEVELS", "true"),
        ("VOCALD_PUBLISH_QUEUE_MESSAGES", "64"),
        ("VOCALD_PUBLISH_ONLY", "onset, offset"),
        ("VOCALD_PUBLISH_OSC_TARGETS", "[\"127.0.0.1:9000\"]"),
        // Text that looks like a number, and text with a quotation mark, stay text.
        ("VOCALD_PUBLISH_UNIX_PATH", "7\"8"),
        ("VOCALD_SOURCE_RATE_HZ", "16000"),
        ("PATH", "/bin"),
        // The environment of a command on an onset is no key.
        ("VOCALD_STREAM", "vocals"),
    ]);
    let config = Config::load(Some(file.path()), set).unwrap();
    let mut expected = Config::parse(&std::fs::read_to_string(file.path()).unwrap()).unwrap();
    expected.decision.enter = FromCheckpoint::Set(0.7);
    expected.publish.levels = true;
    expected.publish.queue_messages = 64;
    expected.publish.only = vec![MessageType::Onset, MessageType::Offset];
    expected.publish.osc.targets = vec!["127.0.0.1:9000".into()];
    expected.publish.unix.path = "7\"8".into();
    expected.source[0].rate_hz = 16_000;
    assert_eq!(config, expected);
}

#[test]
fn faults_of_the_environment_name_the_variable() {
    let fault = |pairs: &[(&str, &str)]| Config::load(None, variables(pairs)).unwrap_err();
    let text = fault(&[("VOCALD_DECISION_ENTR", "0.7")]).to_string();
    assert_eq!(
        text,
        "there is no key `VOCALD_DECISION_ENTR`; did you mean `VOCALD_DECISION_ENTER`?"
    );
    for (variable, value) in [
        ("VOCALD_DECISION_ENTER", "loud"),
        ("VOCALD_DECISION_ENTER", "7"),
        ("VOCALD_PUBLISH_LEVELS", "maybe"),
        ("VOCALD_PUBLISH_QUEUE_MESSAGES", "0"),
        // A second key smuggled in behind a line break is no number.
        ("VOCALD_PUBLISH_QUEUE_MESSAGES", "5\ny = 1"),
    ] {
        let text = fault(&[(variable, value)]).to_string();
        assert!(text.contains(variable), "{text}");
    }
    let two = in_a_file("[[source]]\ninput = \"a.wav\"\n[[source]]\ninput = \"b.wav\"\n");
    let set = variables(&[("VOCALD_SOURCE_INPUT", "c.wav")]);
    let text = Config::load(Some(two.path()), set).unwrap_err().to_string();
    assert!(text.contains("2 sources"), "{text}");
}
