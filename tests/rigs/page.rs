//! The page in a real browser, while the demo clip plays through the program.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::browser::Browser;
use crate::support::daemon::{DEMO, Daemon};
use crate::support::program::{vocald, wav, with_model};

/// The clip's first onsets and offsets come within its first ten seconds.
const FIRST_VOICE: Duration = Duration::from_secs(20);
const SOON: Duration = Duration::from_secs(60);

const WORD: &str = "document.querySelector('.lamp .word')?.textContent";
const LINK: &str = "document.getElementById('link')?.textContent";

/// The clip, by thresholds that part its phrases: a voice from 3.3 to 7.3 s, from 7.5 to 11.5 s, and on.
fn demo() -> Command {
    let mut command = vocald("run --pace realtime --enter 0.95 --leave 0.9");
    command.arg(DEMO);
    command
}

#[test]
fn the_page_shows_what_is_heard_and_says_when_it_is_not_live() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let daemon = Daemon::start(demo());
    let address = daemon.http.clone();
    browser.open(&format!("http://{address}/"));
    browser.until(&format!("{LINK} === 'live'"), SOON);
    no_voice_then_voice_and_back(&mut browser);
    everything_has_its_place(&mut browser);
    it_can_be_used_without_mouse_or_sight(&mut browser);
    it_is_readable_in_light_and_dark(&mut browser);
    nothing_comes_from_elsewhere(&mut browser, &address);
    assert_eq!(browser.complaints, Vec::<String>::new());

    // Killed, not ended: it sends no good-bye.
    drop(daemon);
    browser.until(&format!("{LINK}.startsWith('not live')"), SOON);
    let grey = "getComputedStyle(document.querySelector('.stream')).filter !== 'none'";
    assert_eq!(browser.value(grey), true, "what is old looks old");
    assert_eq!(
        browser.value(WORD),
        "not live",
        "nor does it say the last word"
    );
    assert_eq!(browser.value("document.title"), "✕ not live – vocald");
    assert_eq!(
        browser.value("document.querySelector('.percent').textContent"),
        ""
    );
    let daemon = Daemon::start_at(demo(), &address);
    browser.until(&format!("{LINK} === 'live'"), SOON);
    browser.until(&format!("['voice', 'no voice'].includes({WORD})"), SOON);
    assert_eq!(
        browser.value("document.querySelectorAll('.stream').length"),
        1,
        "the same stream, not a second one"
    );
    // A browser itself complains of connections that are refused; of nothing else.
    let refused = |c: &&String| c.contains("WebSocket connection") || c.contains("_REFUSED");
    let others: Vec<_> = browser.complaints.iter().filter(|c| !refused(c)).collect();
    assert!(others.is_empty(), "{others:?}");
    drop(daemon);
}

fn no_voice_then_voice_and_back(browser: &mut Browser) {
    browser.until(&format!("{WORD} === 'no voice'"), SOON);
    let listed = "document.querySelectorAll('.events li').length";
    assert_eq!(browser.value(listed), 0);
    let watch = format!(
        "window.lampWords = []; new MutationObserver(() => lampWords.push({WORD})) \
         .observe(document.querySelector('.lamp .word'), {{ childList: true, characterData: true, subtree: true }}); 1"
    );
    browser.value(&watch);
    browser.until(&format!("{WORD} === 'voice'"), FIRST_VOICE);
    browser.until(&format!("lampWords.length >= 2 && {listed} >= 1"), SOON);
    let words = browser.value("lampWords");
    let words: Vec<&str> = words
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w.as_str().unwrap())
        .collect();
    assert_eq!(
        words[..2],
        ["voice", "no voice"],
        "the lamp goes on and off"
    );
    browser.until(&format!("{listed} >= 2"), FIRST_VOICE);
    let closed = "[...document.querySelectorAll('.events li:not(.open)')].every(l => /^\\d+:\\d\\d\\d+\\.\\d s$/.test(l.textContent))";
    assert_eq!(
        browser.value(closed),
        true,
        "{}",
        browser.value("document.querySelector('.events').innerText")
    );
    assert_eq!(
        browser.value("getComputedStyle(document.querySelector('.lamp')).backgroundColor !== 'rgba(0, 0, 0, 0)'"),
        true
    );
}

fn everything_has_its_place(browser: &mut Browser) {
    let shown = |browser: &mut Browser, selector: &str| -> String {
        let value = browser.value(&format!("document.querySelector('{selector}').textContent"));
        value.as_str().unwrap().to_owned()
    };
    assert_eq!(shown(browser, ".lamp h2"), "data/demo.ogg");
    assert!(shown(browser, "#model").starts_with("live-wide on cpu, version "));
    assert_eq!(shown(browser, ".state"), "running");
    assert_eq!(shown(browser, ".lost"), "nothing");
    let number = |text: &str, unit: &str| -> f64 {
        let number = text.strip_suffix(unit).unwrap_or_else(|| panic!("{text}"));
        number.trim().replace('−', "-").parse().unwrap()
    };
    let percent = shown(browser, ".percent");
    let percent = number(percent.strip_prefix("probability ").unwrap(), "%");
    assert!((0.0..=100.0).contains(&percent));
    assert!((100.0..200.0).contains(&number(&shown(browser, ".lookahead"), "ms")));
    assert!((0.0..5000.0).contains(&number(&shown(browser, ".latency"), "ms")));
    let rms = number(&shown(browser, ".db"), "dB");
    let peak = shown(browser, ".held");
    let peak = number(peak.strip_prefix("peak ").unwrap(), "dB");
    assert!((-60.0..0.0).contains(&rms) && peak >= rms);
    // Both pictures are drawn: more than a few colours in the curve's half and in the waterfall's.
    let colours = |browser: &mut Browser, from: f64, to: f64| -> u64 {
        let script = format!(
            "(() => {{ const c = document.querySelector('canvas'); \
             const w = c.width, h = c.height; \
             const d = c.getContext('2d').getImageData(w * .7, h * {from}, w * .28, h * {}).data; \
             const seen = new Set(); \
             for (let i = 0; i < d.length; i += 4) if (d[i + 3]) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]); \
             return seen.size; }})()",
            to - from
        );
        browser.value(&script).as_u64().unwrap()
    };
    assert!(colours(browser, 0.05, 0.45) > 5, "the curve");
    assert!(colours(browser, 0.6, 0.9) > 50, "the waterfall");
    let live = browser.value("document.body.classList.contains('not-live')");
    assert_eq!(live, false);
}

/// What a screen reader and a keyboard need.
fn it_can_be_used_without_mouse_or_sight(browser: &mut Browser) {
    for (what, script) in [
        ("a language", "document.documentElement.lang === 'en'"),
        ("a title", "document.title.includes('vocald')"),
        (
            "a main part",
            "document.querySelectorAll('main').length === 1",
        ),
        (
            "a lamp that speaks",
            "(e => e.getAttribute('aria-live') === 'polite' && e.getAttribute('role') === 'status')(document.querySelector('.lamp .word'))",
        ),
        (
            "a connection that speaks",
            "document.getElementById('link').getAttribute('aria-live') === 'polite'",
        ),
        (
            "a name for each panel",
            "document.querySelector('.stream').getAttribute('aria-label').startsWith('stream ')",
        ),
        (
            "a level in numbers",
            "(e => e.getAttribute('role') === 'meter' && Number(e.getAttribute('aria-valuenow')) > -60)(document.querySelector('.bar'))",
        ),
        (
            "no identifier twice",
            "(ids => new Set(ids).size === ids.length)([...document.querySelectorAll('[id]')].map(e => e.id))",
        ),
        (
            "a name for whatever takes the focus",
            "[...document.querySelectorAll('[tabindex],a,button,input,select')].every(e => (e.getAttribute('aria-label') || e.textContent).trim())",
        ),
        (
            "no heading left out",
            "[...document.querySelectorAll('h1,h2,h3,h4')].every((h, i, all) => i === 0 ? h.tagName === 'H1' : h.tagName[1] - all[i - 1].tagName[1] <= 1)",
        ),
    ] {
        assert_eq!(browser.value(script), true, "{what}");
    }
    let mut stops = Vec::new();
    for _ in 0..9 {
        browser.press("Tab");
        stops.push(
            browser.value("document.activeElement.className || document.activeElement.tagName"),
        );
        let ring = "getComputedStyle(document.activeElement).outlineStyle";
        assert_eq!(
            browser.value(ring),
            "solid",
            "the focus is seen at {stops:?}"
        );
    }
    // Two views, three addresses for programs, the controls, and the stream's own page.
    assert_eq!(stops[..5], [(); 5].map(|()| json!("A")));
    assert_eq!(
        stops[5..],
        ["BUTTON", "A", "CANVAS", "events"].map(|stop| json!(stop))
    );
}

/// Contrast as WCAG 2 reckons it, of all text, whatever the lamp shows.
fn it_is_readable_in_light_and_dark(browser: &mut Browser) {
    let contrast = "(() => {
        const rgb = (c) => c.match(/[\\d.]+/g).map(Number);
        const light = (c) => { const [r, g, b] = rgb(c).slice(0, 3).map(v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
        const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (rgb(c)[3] !== 0) return c; } return 'rgb(255, 255, 255)'; };
        const low = [];
        const panel = document.querySelector('.stream');
        for (const look of ['yes', 'no', 'problem', 'unknown']) {
            panel.dataset.voice = look;
            for (const e of document.querySelectorAll('body *')) {
                if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
                if (!e.offsetParent) continue;
                const s = getComputedStyle(e);
                const a = light(s.color), b = light(behind(e));
                const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
                const large = parseFloat(s.fontSize) >= 24;
                if (ratio < (large ? 3 : 4.5)) low.push(`${look}: ${e.className || e.tagName} ${e.textContent.slice(0, 20)} ${ratio.toFixed(2)}`);
            }
        }
        return low;
    })()";
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        browser.call(
            "Emulation.setEmulatedMedia",
            json!({ "features": features }),
        );
        let Value::Array(low) = browser.value(contrast) else {
            panic!("no list")
        };
        assert!(low.is_empty(), "{scheme}: too little contrast: {low:?}");
        grounds.push(browser.value("getComputedStyle(document.body).backgroundColor"));
    }
    assert_ne!(grounds[0], grounds[1]);
    let size = "parseFloat(getComputedStyle(document.querySelector('.lamp .word')).fontSize)";
    assert!(
        browser.value(size).as_f64().unwrap() >= 48.0,
        "from across a room"
    );
    let wide = "document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.value(wide), true, "nothing hangs over the edge");
    let narrow = json!({ "width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": false });
    browser.call("Emulation.setDeviceMetricsOverride", narrow);
    assert_eq!(browser.value(wide), true, "nor on a telephone");
    let cut = "[...document.querySelectorAll('.stream, .lamp')].filter(e => e.scrollHeight > e.clientHeight).length";
    assert_eq!(browser.value(cut), 0, "nor is anything cut off there");
    let labels = "(l => l.every((label, i) => i === 0 || label.y - l[i - 1].y >= 12.999))(streams.values().next().value.chart.labels(p => 60 - 60 * p, 13))";
    assert_eq!(
        browser.value(labels),
        true,
        "no threshold's name covers another"
    );
    browser.call("Emulation.clearDeviceMetricsOverride", json!({}));
}

fn nothing_comes_from_elsewhere(browser: &mut Browser, address: &str) {
    let fetched = browser.value("performance.getEntriesByType('resource').map(r => r.name)");
    let fetched: Vec<&str> = fetched
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n.as_str().unwrap())
        .collect();
    assert!(fetched.len() >= 2, "{fetched:?}");
    let own = format!("//{address}/");
    let foreign = fetched
        .iter()
        .filter(|name| !name.contains(&own) && !name.starts_with("data:"));
    assert_eq!(foreign.count(), 0, "{fetched:?}");
}

/// A signal of 16 channels, each a stream.
fn stage(folder: &Path) -> Command {
    let song = folder.join("stage.wav");
    wav(&song, 16, 300.0);
    let mut command = with_model("run --pace realtime --each-channel");
    command.arg(song);
    command
}

#[test]
fn sixteen_streams_fit_on_one_screen_and_one_fills_it() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(stage(folder.path()));
    let page = format!("http://{}/", daemon.http);
    browser.open(&page);
    size(&mut browser, 1280, 800);
    let decided =
        "[...document.querySelectorAll('.word')].filter(w => /voice$/.test(w.textContent)).length";
    browser.until(&format!("{decided} === 16"), FIRST_VOICE);
    assert_eq!(browser.value("document.body.dataset.view"), "grid");
    for (width, height) in [(1280, 800), (1920, 1080)] {
        size(&mut browser, width, height);
        let hidden = "[...document.querySelectorAll('.lamp h2, .word, .bar, .db')].filter(e => { \
            const r = e.getBoundingClientRect(); \
            return !(r.width > 0 && r.height > 0 && r.top >= 0 && r.bottom <= innerHeight && r.right <= innerWidth); \
        }).length";
        assert_eq!(
            browser.value(hidden),
            0,
            "all of 16 lamps at {width} x {height}"
        );
    }
    size(&mut browser, 360, 740);
    let wide = "document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(
        browser.value(wide),
        true,
        "nothing hangs over a telephone's edge"
    );

    size(&mut browser, 1280, 800);
    let name = browser.value("[...streams.keys()][4]");
    let name = name.as_str().unwrap();
    browser.value("document.querySelectorAll('.lamp h2 a')[4].click(), 1");
    browser.until("document.body?.dataset.view === 'lamp'", SOON);
    browser.until(&format!("{decided} >= 1"), FIRST_VOICE);
    let shown = "[...document.querySelectorAll('.stream')].filter(s => !s.hidden)";
    browser.until(&format!("{shown}.length === 1"), SOON);
    assert_eq!(
        browser.value(&format!("{shown}[0].getAttribute('aria-label')")),
        format!("stream {name}")
    );
    let size_px =
        format!("parseFloat(getComputedStyle({shown}[0].querySelector('.word')).fontSize)");
    assert!(browser.value(&size_px).as_f64().unwrap() > 150.0);
    browser.until("/^[●○] .* – vocald$/.test(document.title)", SOON);
    let icon = browser.value("document.querySelector('link[rel=icon]').href");
    assert!(icon.as_str().unwrap().starts_with("data:image/svg+xml,"));
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn a_stream_that_is_not_there_is_named() {
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let daemon = Daemon::start(demo());
    browser.open(&format!("http://{}/?stream=hall", daemon.http));
    browser.until("document.getElementById('unknown')?.hidden === false", SOON);
    let text = browser.value("document.getElementById('unknown').textContent");
    let text = text.as_str().unwrap();
    assert!(text.contains("hall") && text.contains("demo.ogg"), "{text}");
}

fn size(browser: &mut Browser, width: u32, height: u32) {
    let metrics =
        json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
    browser.call("Emulation.setDeviceMetricsOverride", metrics);
    // The layout follows in the next frame.
    browser.value(
        "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))",
    );
}
