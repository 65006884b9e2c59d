//! What is under way on a client's connection: exchanges, and bodies that go on beside their answers.

use std::rc::Rc;
use std::task::Context;

use crate::domain::refusal::Refusal;
use crate::gateway::alarm::Alarm;
use crate::gateway::core::Core;
use crate::gateway::frames;
use crate::gateway::stream::Stream;
use crate::gateway::watch::{Grounds, Watch};
use crate::telemetry::counters::CoreCounters;

use super::Client;

/// An exchange that is not over.
#[derive(Debug)]
pub(in crate::gateway) struct UnderWay {
    /// None in HTTP/1, where the connection has the time limit of its answer.
    pub(super) stream: Option<Rc<Stream>>,
    pub(super) client: Rc<Client>,
}

impl UnderWay {
    fn watched(&self) -> (&Watch, &Alarm) {
        let client = &self.client;
        self.stream.as_ref().map_or((&client.watch, &client.alarm), |stream| stream.watched())
    }

    /// Is judged again while it lasts.
    pub(in crate::gateway) fn rests_on(&self, grounds: Grounds) {
        let (watch, alarm) = self.watched();
        watch.begin(grounds, alarm);
    }

    /// The body of its request goes on beside its answer, and perhaps for longer, until `limit` rings. It rests on the same.
    pub(in crate::gateway) fn begin_body(&self, limit: Rc<Alarm>) -> BodyUnderWay {
        let (client, watch) = (Rc::clone(&self.client), Watch::default());
        if let Some(grounds) = self.watched().0.grounds() {
            watch.begin(grounds, &limit);
        }
        client.under_way.set(client.under_way.get() + 1);
        BodyUnderWay { client, limit, watch }
    }

    /// What its core counts.
    pub(in crate::gateway) fn counters(&self) -> &CoreCounters {
        &self.client.core.counters
    }

    /// Why it has to end before it is over, if it has to.
    pub(in crate::gateway) fn over(&self) -> Option<Refusal> {
        self.watched().0.over()
    }

    /// Whose exchange it is.
    pub(in crate::gateway) const fn client(&self) -> &Rc<Client> {
        &self.client
    }

    pub(in crate::gateway) fn core(&self) -> &Rc<Core> {
        self.client.core()
    }

    /// What it rests on, for what goes on behind it.
    pub(in crate::gateway) fn take_grounds(&self) -> Option<Grounds> {
        self.watched().0.take()
    }

    /// Whether it has to be cut, since its token ended and it did not.
    pub(in crate::gateway) fn is_cut(&self, context: &mut Context<'_>) -> bool {
        let (watch, alarm) = self.watched();
        alarm.wake_me(context);
        watch.is_cut(alarm, context)
    }

    /// A part of a conversation goes to the client, or waits since it leaves no room; over HTTP/1.1 its socket knows.
    pub(in crate::gateway) fn passes(&self, taken: bool) {
        let Some(stream) = &self.stream else { return };
        stream.passes(taken);
        if taken {
            self.client.frames.pay_for(frames::EACH_PART);
        }
    }

    /// Whether its client took too long to read.
    pub(in crate::gateway) fn is_late(&self) -> bool {
        self.watched().1.take_rung()
    }

    /// The next part of the answer is asked for.
    pub(in crate::gateway) fn asked(&self) {
        if let Some(stream) = &self.stream {
            stream.asked();
        }
    }

    /// A part of the answer goes to the client.
    pub(in crate::gateway) fn handed_over(&self, context: &Context<'_>) {
        if let Some(stream) = &self.stream {
            stream.handed_over(context);
            self.client.frames.pay_for(frames::EACH_PART);
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.watched().0.end();
        self.client.core.counters.under_way.sub(1);
        self.client.end();
    }
}

/// The body of a request that is not over, although its answer may be.
#[derive(Debug)]
pub(in crate::gateway) struct BodyUnderWay {
    client: Rc<Client>,
    limit: Rc<Alarm>,
    watch: Watch,
}

impl BodyUnderWay {
    /// Whether it goes no further: its limit has rung, or its token has ended and it goes on `alone`. Beside an answer it is
    /// that one which ends with its token, and takes it along.
    pub(in crate::gateway) fn is_over(&self, alone: bool, context: &mut Context<'_>) -> bool {
        self.limit.wake_me(context);
        let cut = self.watch.is_cut(&self.limit, context) || self.watch.over().is_some();
        self.limit.take_rung() || (alone && cut)
    }
}

impl Drop for BodyUnderWay {
    fn drop(&mut self) {
        self.client.end();
    }
}
