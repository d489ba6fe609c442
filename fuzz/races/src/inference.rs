//! The queues of inference, and stand-ins for what they carry.

#[path = "../../../src/inference/messages.rs"]
pub mod messages;
#[path = "../../../src/inference/queue.rs"]
pub mod queue;
#[path = "../../../src/inference/route.rs"]
pub mod route;
#[path = "../../../src/inference/stats.rs"]
pub mod stats;
#[path = "../../../src/inference/worker.rs"]
pub mod worker;

pub mod engine {
    use crate::frontend::Window;
    use crate::inference::messages::Row;

    pub const MAX_BATCH: usize = 16;

    #[derive(Debug, Clone, thiserror::Error)]
    pub enum EngineError {
        #[error("{0}")]
        Thread(String),
    }

    pub struct Engine;

    impl Engine {
        pub fn infer_each(&mut self, _: &[&Window]) -> Result<Vec<Row>, EngineError> {
            Ok(Vec::new())
        }
    }

    pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
        let text = panic.downcast_ref::<&str>();
        text.copied().unwrap_or_default().into()
    }
}
