#[test]
#[ignore]
fn update() {
    std::fs::write("docs/configuration.md", vocald::config::reference()).unwrap();
    std::fs::write("config/vocald.toml", vocald::config::example()).unwrap();
}
