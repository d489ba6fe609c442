//! The way of requests from the doors to the daemon, and of their replies back.

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::sync::oneshot;
use vocald_client::message::{ALL_STREAMS, Reply, Version};
use vocald_client::{Message, Request};

/// Requests that may wait; further ones are refused.
const WAITING_MAX: usize = 64;

/// A request, and the way of its reply.
#[derive(Debug)]
pub struct Call {
    /// What is requested.
    pub request: Request,
    reply: oneshot::Sender<Reply>,
}

impl Call {
    /// A request whose reply nobody waits for.
    pub fn unanswered(request: Request) -> Self {
        let (reply, _) = oneshot::channel();
        Self { request, reply }
    }

    /// Answers the request, if anybody still waits for it.
    pub fn answer(self, reply: Reply) {
        let id = self.request.id;
        let _ = self.reply.send(Reply { id, ..reply });
    }
}

/// Where requests are handed in.
#[derive(Debug, Clone)]
pub struct Control {
    calls: Sender<Call>,
}

/// A reply that is on its way.
pub type Pending = oneshot::Receiver<Reply>;

impl Control {
    /// The way in, and the end where the daemon takes requests.
    pub fn new() -> (Self, Receiver<Call>) {
        let (calls, taken) = crossbeam_channel::bounded(WAITING_MAX);
        (Self { calls }, taken)
    }

    /// A way that leads nowhere: every request is refused.
    pub fn none() -> Self {
        Self::new().0
    }

    /// Hands in a request. Without a daemon, or when too many wait, the reply is there at once.
    pub fn submit(&self, request: Request) -> Pending {
        let (reply, pending) = oneshot::channel();
        let problem = match self.calls.try_send(Call { request, reply }) {
            Ok(()) => return pending,
            Err(TrySendError::Full(call)) => (call, "too many requests wait; try again"),
            Err(TrySendError::Disconnected(call)) => (call, "the run is over"),
        };
        let (call, reason) = problem;
        call.answer(refusal(reason));
        pending
    }

    /// Hands in a request and waits for its reply.
    pub fn request(&self, request: Request) -> Reply {
        let id = request.id;
        let over = |_| Reply {
            id,
            ..refusal("the run is over")
        };
        self.submit(request).blocking_recv().unwrap_or_else(over)
    }
}

/// The reply to a request that is not carried out.
pub fn refusal(reason: impl Into<String>) -> Reply {
    Reply {
        ok: false,
        error: Some(reason.into()),
        ..done()
    }
}

/// The reply to a request that can never be carried out.
pub fn impossible(reason: impl Into<String>) -> Reply {
    Reply {
        impossible: true,
        ..refusal(reason)
    }
}

/// The reply to a request that is carried out.
pub fn done() -> Reply {
    Reply {
        v: Version,
        stream: ALL_STREAMS.into(),
        id: None,
        ok: true,
        error: None,
        impossible: false,
        changed: Vec::new(),
        restart: Vec::new(),
        streams: Vec::new(),
        sinks: Vec::new(),
        locked: false,
    }
}

/// A reply as a message.
pub(super) fn message(reply: Reply) -> Message {
    Message::Reply(Box::new(reply))
}
