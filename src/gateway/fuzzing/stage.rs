//! A core without sockets, and the stations of a request until it would go to its upstream.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::runtime::{LocalOptions, LocalRuntime};

use crate::cache::Cache;
use crate::config::Settings;
use crate::domain::refusal::{Fault, Refusal};
use crate::gateway::client::Client;
use crate::gateway::core::{Core, Shared};
use crate::gateway::origin::Origin;
use crate::gateway::snapshot::Snapshot;
use crate::gateway::targets::Targets;
use crate::gateway::upstream::Outgoing;
use crate::gateway::{authorize, forward, intake, places, route, serving};
use crate::telemetry::access::RequestId;
use crate::telemetry::counters::Counters;

use super::way::{self, Asked};
use super::wire::{self, Wire};

/// The secret of the one token that there is.
pub(crate) const SECRET: &str = "seed-seed-seed-seed";

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// So many turns bring a request over HTTP/2 before whoever serves it, if anything does.
const TURNS: usize = 8;

/// A core, with what it is judged by.
#[derive(Debug)]
pub(crate) struct Stage {
    core: Rc<Core>,
    runtime: LocalRuntime,
}

/// One connection: what came on it, and how many of its requests would go on.
struct Run {
    client: Rc<Client>,
    came: Bytes,
    begun: Cell<usize>,
    over: Cell<usize>,
    taken: Cell<usize>,
}

/// A future of a connection of HTTP/2.
type Task = Pin<Box<dyn Future<Output = ()>>>;

/// All of them. Not the runtime's, which would keep a panic to itself.
#[derive(Clone, Default)]
struct Tasks(Rc<RefCell<Vec<Task>>>);

impl<F: Future<Output = ()> + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, task: F) {
        self.0.borrow_mut().push(Box::pin(task));
    }
}

impl Stage {
    /// Over these records.
    pub(crate) fn new(cache: Arc<Cache>, settings: &Settings) -> Self {
        let (counters, targets) = (Counters::new(1), Targets::default());
        let snapshot = Snapshot::new(settings, &counters, &targets, 0);
        let core = Core::new(0, Arc::new(Shared::new(cache, snapshot, counters)), 0);
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_all().build_local(LocalOptions::default()).unwrap();
        Self { core, runtime }
    }

    /// What a client sends over HTTP/1; whether any of it would go on.
    pub(crate) fn http1(&self, bytes: &[u8]) -> bool {
        let run = self.run(Bytes::copy_from_slice(bytes));
        let (client, sends) = (Rc::clone(&run.client), run.came.clone());
        let io = TokioIo::new(Wire { client, sends, stays: false });
        let service = service_fn(|request| answer(Rc::clone(&run), request));
        let builder = serving::http1(&self.core.snapshot().limits);
        // How it ends is hyper's to say.
        self.runtime.block_on(async { drop(builder.serve_connection(io, service).await) });
        run.taken.get() > 0
    }

    /// A request over HTTP/2; whether it would go on.
    pub(crate) fn http2(&self, text: &[u8]) -> bool {
        let run = self.run(Bytes::copy_from_slice(text));
        run.client.speaks_http2();
        let io = Wire { client: Rc::clone(&run.client), sends: wire::http2(text), stays: true };
        let service = {
            let run = Rc::clone(&run);
            service_fn(move |request| answer(Rc::clone(&run), request))
        };
        let tasks = Tasks::default();
        let builder = serving::http2(tasks.clone(), &self.core.snapshot().limits);
        self.runtime.block_on(async {
            let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
            for turn in 0.. {
                let ended = std::future::poll_fn(|context| {
                    let ended = connection.as_mut().poll(context).is_ready();
                    let mut running = std::mem::take(&mut *tasks.0.borrow_mut());
                    running.retain_mut(|task| task.as_mut().poll(context).is_pending());
                    tasks.0.borrow_mut().append(&mut running);
                    Poll::Ready(ended)
                });
                let ended = ended.await;
                if run.begun.get() == run.over.get() && (ended || turn >= TURNS) {
                    break;
                }
                tokio::task::yield_now().await;
            }
        });
        run.taken.get() > 0
    }

    fn run(&self, came: Bytes) -> Rc<Run> {
        let client = Client::new(&self.core, PEER);
        Rc::new(Run {
            client,
            came,
            begun: Cell::default(),
            over: Cell::default(),
            taken: Cell::default(),
        })
    }
}

/// A request is over by being answered, or by being dropped with its stream.
struct Over(Rc<Run>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.over.set(self.0.over.get() + 1);
    }
}

async fn answer(
    run: Rc<Run>,
    request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    run.begun.set(run.begun.get() + 1);
    let over = Over(Rc::clone(&run));
    let seen = travel(&run, request).await;
    drop(over);
    let mut response = Response::new(Empty::new());
    match seen {
        Ok(()) => run.taken.set(run.taken.get() + 1),
        Err(refusal) => *response.status_mut() = StatusCode::from_u16(refusal.status()).unwrap(),
    }
    Ok(response)
}

/// The same way as in `journey::travel`.
async fn travel(run: &Run, request: Request<Incoming>) -> Result<(), Refusal> {
    let (client, core) = (&run.client, run.client.core());
    let (parts, body) = request.into_parts();
    let (sent, snapshot) = (parts.clone(), core.snapshot());
    let origin = Origin::of(client, &parts.headers, &snapshot);
    let number = RequestId(core.request_number());
    let _under_way = client.begin(parts.version, !body.is_end_stream());
    let received = intake::receive(Box::new(parts), body, (number, origin), client, &snapshot);
    let mut inbound = received.map_err(|(refusal, _)| {
        assert_eq!(refusal.fault(), Fault::Client, "{refusal:?}");
        refusal
    })?;
    let mut asked = Asked::new(sent, &inbound);
    let matched = route::find(inbound.way(), inbound.ambiguities, &snapshot)?;
    let place = places::take(&mut inbound, &matched)?;
    asked.taken_from(place, &inbound);
    let permit = authorize::permit(&inbound, &matched, core, &snapshot, &mut None).await?;
    let mut request = Outgoing::default();
    let (upload, _) = forward::prepare(&permit, inbound, &mut request, client, &snapshot)?;
    let told = way::check(&asked, &permit, &request, &snapshot, &run.came);
    let (body, left) = request.take_body();
    assert_eq!(body.is_some(), upload.is_some());
    let Some(mut body) = body else {
        assert!(told.length.is_none_or(|length| length == 0), "{asked:?}");
        return Ok(());
    };
    assert_eq!(told.length, left, "{asked:?}");
    body.let_go();
    let mut came = 0;
    while let Some(part) = std::future::poll_fn(|context| body.poll_part(context)).await {
        let part = part?;
        came += part.data_ref().map_or(0, Bytes::len) as u64;
        if let Some(trailers) = part.trailers_ref() {
            way::check_trailers(trailers, &snapshot);
        }
    }
    assert!(told.length.is_none_or(|length| came == length), "{came} bytes, {asked:?}");
    Ok(())
}
