//! What hyper spawns on a connection of HTTP/2: an exchange on each stream, and what sends on one that an exchange has opened.
//! Each ends in its time, and with its token.

use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use tokio::task::spawn_local;

use super::client::Client;
use super::stream::Stream;

/// Spawns the streams of an HTTP/2 connection on the core that serves it.
#[derive(Clone, Debug)]
pub(super) struct Local(pub(super) Rc<Client>);

impl<F> hyper::rt::Executor<F> for Local
where
    F: Future<Output = ()> + 'static,
{
    fn execute(&self, task: F) {
        let opened = self.0.take_opened();
        spawn_local(see_stream_through(Rc::clone(&self.0), opened, task));
    }
}

/// Moves it along until it is over, or its client or its token ends it. A stream that is dropped is reset.
async fn see_stream_through(
    client: Rc<Client>,
    opened: Option<Rc<Stream>>,
    task: impl Future<Output = ()>,
) {
    let stream = opened.unwrap_or_else(|| {
        let own = Stream::new(client.core().alarms.add(), client.stall_timeout());
        let own = Rc::new(own);
        client.next_on(&own);
        own
    });
    let mut task = pin!(task);
    std::future::poll_fn(|context| {
        if stream.is_stalled() {
            tracing::debug!(peer = %client.peer(), "a client left an answer unread");
            return Poll::Ready(());
        }
        if stream.is_cut(context) {
            tracing::debug!(peer = %client.peer(), "a stream was cut, since its token ended");
            return Poll::Ready(());
        }
        let polled = task.as_mut().poll(context);
        // Nothing was opened after all, or it is sent on already.
        drop(client.take_opened());
        polled
    })
    .await;
}
