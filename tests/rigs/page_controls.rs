//! The page's controls in a real browser: what they show, what they change, and what they refuse.

use std::time::Duration;

use serde_json::json;

use crate::support::browser::Browser;
use crate::support::daemon::{Daemon, PATIENCE};
use crate::support::program::{vocald, wav, with_model};
use crate::support::speaking::speaking;
use crate::support::stage::{NO_VOICE, SOURCES, Stage, VOICE};

const SOON: Duration = PATIENCE;
const LIVE: &str = "document.getElementById('link')?.textContent === 'live'";
/// The form of the stream `hall`, its parts, and its lamp.
const HELPERS: &str = "
    window.form = (name) => [...document.querySelectorAll('form.settings')].find(f => f.querySelector('h3').textContent === name);
    window.part = (selector) => form('hall').querySelector(selector);
    window.field = (name) => form('hall').elements[name];
    window.enter = (name, value) => { field(name).value = value; field(name).dispatchEvent(new Event('input', { bubbles: true })); };
    window.word = (name) => streams.get(name).panel.querySelector('.word').textContent;
    window.note = () => document.getElementById('note').textContent;
    1";

fn browser(address: &str) -> Option<Browser> {
    let mut browser = Browser::start()?;
    browser.open(address);
    browser.until(LIVE, SOON);
    browser.value(HELPERS);
    Some(browser)
}

fn stage(config: &str) -> Option<(Stage, Browser)> {
    let stage = Stage::start(config);
    let mut browser = browser(&format!("http://{}/", stage.daemon.http))?;
    browser.until(
        "streams.size === 2 && !!form('hall') && !!form('room')",
        SOON,
    );
    Some((stage, browser))
}

fn open(browser: &mut Browser) {
    browser.value("document.getElementById('open').click(), 1");
}

#[test]
fn controls_are_hidden_until_they_are_opened_and_need_no_mouse() {
    let Some((_stage, mut browser)) = stage(&format!("{NO_VOICE}{SOURCES}")) else {
        return;
    };
    let shown = "!!document.querySelector('form.settings').offsetParent";
    assert_eq!(browser.value(shown), false);
    browser.value("document.getElementById('open').focus(), 1");
    browser.press("Enter");
    browser.until(shown, SOON);
    let expanded = "document.getElementById('open').getAttribute('aria-expanded')";
    assert_eq!(browser.value(expanded), "true");
    assert_eq!(browser.value("document.activeElement.id"), "lock");
    let unnamed = "[...document.querySelectorAll('#controls :is(input, select, button)')] \
        .filter(e => !(e.getAttribute('aria-label') || e.textContent).trim()).length";
    assert_eq!(browser.value(unnamed), 0);
    // Labels tell the streams apart.
    let labels = "(l => new Set(l).size === l.length)([...document.querySelectorAll('form.settings :is(input, select, button)')] \
        .map(e => e.getAttribute('aria-label')))";
    assert_eq!(browser.value(labels), true);
    let narrow = json!({ "width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": false });
    browser.call("Emulation.setDeviceMetricsOverride", narrow);
    browser.until("document.documentElement.scrollWidth <= innerWidth", SOON);
    browser.call("Emulation.clearDeviceMetricsOverride", json!({}));
    browser.press("Escape");
    browser.until(&format!("!({shown})"), SOON);
    assert_eq!(browser.value("document.activeElement.id"), "open");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn thresholds_and_the_look_ahead_of_a_stream_are_shown_changed_and_set_back() {
    let Some((stage, mut browser)) = stage(&format!("{NO_VOICE}{SOURCES}")) else {
        return;
    };
    let mut line = stage.unix();
    open(&mut browser);
    browser.until("word('hall') === 'no voice'", SOON);
    let values = "[field('enter').value, field('leave').value]";
    assert_eq!(browser.value(values), json!(["0.998", "0.997"]));
    assert_eq!(browser.value("part('.apply').disabled"), true);
    let differs =
        "[...form('hall').querySelectorAll('.differs')].map(l => l.querySelector('[name]').name)";
    assert_eq!(browser.value(differs), json!([]));

    // Both in one request.
    browser.value("enter('enter', '0.002'), enter('leave', '0.001'), part('.apply').click(), 1");
    let settings = line.until_type("settings", "hall");
    assert_eq!(settings["changed"], json!(["enter", "leave"]));
    browser.until("word('hall') === 'voice'", SOON);
    assert_eq!(browser.value("word('room')"), "no voice");
    browser.until("!part('.changed').hidden", SOON);
    let changed = "part('.changed span').textContent";
    assert_eq!(
        browser.value(changed),
        "Not as in the configuration: voice begins, voice ends."
    );
    assert_eq!(browser.value(differs), json!(["enter", "leave"]));
    browser.value("part('.configured').click(), 1");
    browser.until("word('hall') === 'no voice'", SOON);
    browser.until("part('.changed').hidden", SOON);
    assert_eq!(browser.value(values), json!(["0.998", "0.997"]));

    // The model's look-aheads and no others.
    let offered = "[...field('lookahead_s').options].map(o => o.textContent)";
    let hello = line.seen[0].clone();
    let horizons: Vec<f64> = serde_json::from_value(hello["horizons"].clone()).unwrap();
    let words = horizons.iter().map(|s| format!("{:.0} ms", s * 1000.0));
    assert_eq!(browser.value(offered), json!(words.collect::<Vec<_>>()));
    let longest = "field('lookahead_s').options[0].value";
    browser.value(&format!(
        "enter('lookahead_s', {longest}), part('.apply').click(), 1"
    ));
    let settings =
        line.until(|m| m["type"] == "settings" && m["changed"] == json!(["lookahead_s"]));
    assert_eq!(settings["decision"]["lookahead_s"], hello["horizons"][0]);
    assert_eq!(settings["lookaheads_s"], hello["horizons"]);
    browser.until("part('.apply').disabled", SOON);

    // What vocald refuses, and what is no number.
    browser.value("enter('enter', '0.5'), part('.apply').click(), 1");
    browser.until(
        "note().startsWith('Not done: ') && note().includes('leave voice is above')",
        SOON,
    );
    assert_eq!(browser.value("field('enter').value"), "0.5", "to be mended");
    browser.value("enter('enter', ''), part('.apply').click(), 1");
    browser.until(
        "note() === 'Not done: voice begins: this is not a number.'",
        SOON,
    );
    // What another client changes is shown; what a person is entering stays.
    line.done(&json!({"request": "set", "decision": {"leave": 0.9}}));
    browser.until("field('leave').value === '0.9'", SOON);
    assert_eq!(browser.value("field('enter').value"), "");
    line.unbroken("hall");
}

#[test]
fn what_is_entered_before_the_reply_to_the_last_change_stays() {
    let Some((stage, mut browser)) = stage(&format!("{NO_VOICE}{SOURCES}")) else {
        return;
    };
    let mut line = stage.unix();
    open(&mut browser);
    browser.value(
        "window.atOnce = window.fetch;
         window.fetch = async (...request) => {
           const response = await atOnce(...request);
           await new Promise((resolve) => { window.release = resolve; });
           return response;
         }; 1",
    );
    browser.value("enter('enter', '0.9990'), enter('leave', '0.9980'), part('.apply').click(), 1");
    let settings = line.until_type("settings", "hall");
    assert_eq!(settings["changed"], json!(["enter", "leave"]));
    browser.until("!part('.changed').hidden && !!window.release", SOON);
    browser.value("enter('enter', '0.5'), release(), 1");
    browser.until("note() === 'Done.'", SOON);
    browser.until("field('leave').value === '0.998'", SOON);
    assert_eq!(browser.value("field('enter').value"), "0.5");
    assert_eq!(browser.value("part('.apply').disabled"), false);
}

#[test]
fn mute_tests_and_the_lock_work_from_the_page() {
    let Some((stage, mut browser)) = stage(&format!("{VOICE}{SOURCES}")) else {
        return;
    };
    let mut line = stage.unix();
    open(&mut browser);
    browser.until("word('hall') === 'voice'", SOON);
    browser.value("part('.mute').click(), 1");
    assert_eq!(line.until_type("settings", "hall")["muted"], true);
    browser.until("word('hall') === 'muted'", SOON);
    assert_eq!(browser.value("word('room')"), "voice");

    browser.value("document.getElementById('test-s').value = 300, part('.test').click(), 1");
    browser.until("word('hall') === 'voice'", SOON);
    let since = "streams.get('hall').panel.querySelector('.since').textContent";
    browser.until(&format!("{since} === 'a test, not a singer'"), SOON);
    browser.until("part('.test').textContent === 'end the test'", SOON);
    browser.value("part('.test').click(), 1");
    browser.until("word('hall') === 'muted'", SOON);
    browser.value("document.getElementById('mute-all').click(), 1");
    browser.until("word('room') === 'muted'", SOON);
    browser.value("document.getElementById('unmute-all').click(), 1");
    browser.until("word('hall') === 'voice' && word('room') === 'voice'", SOON);

    // Locked here, unlocked elsewhere.
    browser.value("document.getElementById('lock').click(), 1");
    assert_eq!(line.until_type("lock", "*")["locked"], true);
    browser.until(
        "document.getElementById('state').textContent.startsWith('Changes are locked')",
        SOON,
    );
    let disabled = "[...document.querySelectorAll('.changes')].every(f => f.disabled)";
    assert_eq!(browser.value(disabled), true);
    // As a request that was on its way.
    browser.value("controls.send({ request: 'mute' }).then(() => 1)");
    assert_eq!(
        browser.value("note()"),
        "Not done: changes are locked: unlock them first."
    );
    line.done(&json!({"request": "lock", "locked": false}));
    browser.until("document.getElementById('state').textContent === ''", SOON);
    assert_eq!(browser.value(disabled), false);
    assert_eq!(
        browser.value("document.getElementById('lock').textContent"),
        "lock changes"
    );
}

#[test]
fn the_configuration_is_read_again_from_the_page_and_gone_streams_leave_it() {
    let Some((stage, mut browser)) = stage(&format!("{NO_VOICE}{SOURCES}")) else {
        return;
    };
    open(&mut browser);
    browser.until("word('hall') === 'no voice'", SOON);
    stage.configure("[decision]\nenter = 2\n");
    browser.value("document.getElementById('reload').click(), 1");
    browser.until(
        "note().startsWith('Not done: ') && note().includes('enter')",
        SOON,
    );
    assert_eq!(browser.value("word('hall')"), "no voice");
    let (hall, _) = SOURCES.split_at(SOURCES.rfind("[[source]]").unwrap());
    stage.configure(&format!("{VOICE}{hall}"));
    browser.value("document.getElementById('reload').click(), 1");
    browser.until(
        "note().startsWith('The configuration was read again; changed: ')",
        SOON,
    );
    browser.until("word('hall') === 'voice'", SOON);
    browser.until("streams.size === 1 && !form('room')", SOON);
    assert_eq!(browser.value("field('enter').value"), "0.002");
}

#[test]
fn a_token_is_requested_and_kept_for_the_tab_only() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let daemon = Daemon::playing(120.0, |command| {
        command.env("VOCALD_TOKEN", "open sesame");
    });
    let page = format!("http://{}/?view=grid", daemon.http);
    browser.open(&page);
    let access = "document.getElementById('access')";
    let why = "document.getElementById('why').textContent";
    browser.until(&format!("{access}?.hidden === false"), SOON);
    browser.until(&format!("{why}.includes('a token is needed')"), SOON);
    let give = |browser: &mut Browser, token: &str| {
        let script = format!(
            "{access}.querySelector('input').value = '{token}', {access}.requestSubmit(), 1"
        );
        browser.value(&script);
    };
    give(&mut browser, "open barley");
    browser.until(&format!("{why}.includes('the token was refused')"), SOON);
    browser.until(
        "document.getElementById('link').textContent.includes('token')",
        SOON,
    );
    give(&mut browser, "open sesame");
    browser.until(LIVE, SOON);
    assert_eq!(browser.value(&format!("{access}.hidden")), true);
    assert_eq!(browser.value("location.search"), "?view=grid");
    assert_eq!(
        browser.value("localStorage.length + document.cookie.length"),
        0
    );
    assert_eq!(
        browser.value("Object.values(sessionStorage)"),
        json!(["open sesame"])
    );
    // Requests have it too, and so has the same tab later.
    browser.value("controls.send({ request: 'mute' }).then(() => 1)");
    assert_eq!(
        browser.value("document.getElementById('note').textContent"),
        "Done."
    );
    browser.value("window.before = true, location.reload(), 1");
    browser.until(&format!("window.before === undefined && {LIVE}"), SOON);

    // In an address it works once, and leaves it.
    let mut other = Browser::start().unwrap();
    other.open(&format!("{page}&token=open%20sesame"));
    other.until(LIVE, SOON);
    assert_eq!(other.value("location.search"), "?view=grid");
    let links = other.value("[...document.links].map(a => a.href).join()");
    assert!(!links.as_str().unwrap().contains("sesame"), "{links}");
    // Addresses for programs open all the same.
    other.value("document.querySelector('a[data-path][href=\"api/state\"]').click(), 1");
    other.until("document.body?.innerText.includes('\"hello\"')", SOON);
}

#[test]
fn speech_has_a_lamp_where_the_model_knows_it_and_a_word_where_it_counts() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let song = folder.path().join("talk.wav");
    wav(&song, 1, 120.0);
    let lamp = "document.querySelector('.speaking')";
    for (counts, word) in [("singing", "no voice"), ("speech", "speech")] {
        let mut command = vocald("run --pace realtime --device cpu --enter 0.998 --leave 0.997");
        command.args(["--counts", counts]).arg("--model");
        command.arg(speaking(folder.path(), true)).arg(&song);
        let daemon = Daemon::start(command);
        browser.open(&format!("http://{}/", daemon.http));
        browser.until(
            &format!("{lamp}?.hidden === false && {lamp}.textContent === 'speech'"),
            SOON,
        );
        assert_eq!(
            browser.value(&format!("{lamp}.classList.contains('lit')")),
            true
        );
        let shown = format!("document.querySelector('.lamp .word').textContent === '{word}'");
        browser.until(&shown, SOON);
    }
    let mut command = with_model("run --pace realtime");
    command.arg(&song);
    let daemon = Daemon::start(command);
    browser.open(&format!("http://{}/", daemon.http));
    browser.until(
        &format!("/voice$/.test(document.querySelector('.word')?.textContent) && {lamp}.hidden"),
        SOON,
    );
}
