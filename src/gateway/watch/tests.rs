//! Row X7: what becomes of a stream about which nothing can be said. Looks come when the clock says so, so that each of
//! them is waited for.

use super::*;

use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime, Runtime};

use crate::cache::tests::late::Late;
use crate::clock::{self, Clock};
use crate::config::{self, Environment};
use crate::domain::event::EventKind;
use crate::domain::time::Span;
use crate::domain::token::Token;
use crate::gateway::core::Shared;
use crate::gateway::plan::{ApiPlan, RulePlan};
use crate::gateway::routes::Routes;
use crate::gateway::targets::Targets;
use crate::store::{self, Record, Store, sample};
use crate::telemetry::counters::Counters;

/// No look takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A core, and one stream of the one token.
struct World {
    core: Rc<Core>,
    store: Arc<Late>,
    token: Token,
    watch: Watch,
    alarm: Alarm,
    settings: config::Settings,
    runtime: LocalRuntime,
    control: Runtime,
    _folder: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "store.path = {:?}\ncache.load_timeout = \"1m\"\n[[apis]]\nname = \"a\"\nupstream = \"http://127.0.0.1:9\"\n\
             rules = [{{ path = \"/\" }}]\n",
            folder.path()
        );
        let settings = config::parse("t.toml".as_ref(), text.as_bytes(), &Environment::default());
        let settings = settings.unwrap_or_else(|report| panic!("{report}"));
        let control = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let clock = Clock::held(sample::NOW);
        let inner = control.block_on(store::open(&settings.store, clock.clone())).unwrap();
        let store = Arc::new(Late::over(inner, 1));
        let behind = Arc::clone(&store) as Arc<dyn Store>;
        let cache = Cache::new(behind, settings.cache.clone(), control.handle().clone());
        let (counters, targets) = (Counters::new(1), Targets::default());
        let snapshot = Snapshot::new(&settings, &counters, &targets, 0);
        let shared = Shared { clock, ..Shared::new(cache, snapshot, counters) };
        let core = Core::new(0, Arc::new(shared), 0);
        let (alarm, watch) = (core.alarms.add(), Watch::default());
        let token = sample::token(1, "alice");
        let mut runtime = Builder::new_current_thread();
        let runtime = runtime.enable_all().build_local(LocalOptions::default()).unwrap();
        let world =
            Self { core, store, token, watch, alarm, settings, runtime, control, _folder: folder };
        world.commit(sample::owner_creation("alice"));
        world.commit(sample::creation(world.token.clone()));
        let cache = &world.core.shared.cache;
        let entry = world.control.block_on(cache.load(&world.token.digest)).unwrap().unwrap();
        world.watch.begin(grounds(&world.core, entry), &world.alarm);
        world
    }

    fn commit(&self, commit: store::Commit) {
        self.control.block_on(self.core.shared.cache.commit(commit)).unwrap();
    }

    /// A change that leaves the token good.
    fn rename(&self) {
        let name = "another".to_owned();
        let renamed = Token { name, revision: self.token.revision.next(), ..self.token.clone() };
        let renamed = Record::Token(Arc::new(renamed));
        self.commit(sample::commit(EventKind::TokenUpdated, [renamed]));
    }

    /// Time passes until the stream was looked at once more: why it is over, if it is.
    fn look(&self) -> Option<Refusal> {
        let before = self.watch.next_ms.get();
        self.runtime.block_on(async {
            let until = clock::instant() + PATIENCE;
            // A record that is waited for is looked for with each turn.
            while self.watch.next_ms.get() == before || self.watch.next_ms.get() == 0 {
                assert!(clock::instant() < until, "nobody looks");
                self.core.alarms.tick();
                std::future::poll_fn(|context| {
                    Poll::Ready(self.watch.is_cut(&self.alarm, context))
                })
                .await;
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        self.watch.over()
    }
}

fn grounds(core: &Rc<Core>, entry: Arc<Entry>) -> Grounds {
    let snapshot = core.snapshot();
    let (peer, core) = (Ipv4Addr::LOCALHOST.into(), Rc::clone(core));
    let api = core.shared.cache.api_number(&"a".into());
    let (certificate, item, company) = (None, None, None);
    let (entry, dialect, sought) = (Some(entry), Dialect::Bearer, Sought::sample("/?x=1"));
    Grounds {
        core,
        snapshot,
        sought,
        rule: 0,
        entry,
        peer,
        certificate,
        within_tls: false,
        item,
        company,
        api,
        dialect,
    }
}

/// design.md section 6: within one second, wherever in the period its token ends, and with ticks that come early and late.
#[test]
fn a_stream_is_cut_within_three_ticks_of_the_end_of_its_token() {
    const TICK_MS: u64 = TICK.as_millis() as u64;
    for (begins, jitter) in (0..4).flat_map(|begins| [0, 7, 90].map(|jitter| (begins, jitter))) {
        let world = World::new();
        let tick = |number: u64| {
            world
                .core
                .alarms
                .tick_at(number * TICK_MS + if number.is_multiple_of(2) { jitter } else { 0 });
            world.runtime.block_on(async {
                loop {
                    let is_cut = std::future::poll_fn(|context| {
                        Poll::Ready(world.watch.is_cut(&world.alarm, context))
                    });
                    let is_cut = is_cut.await;
                    // What the store takes is no time of the ticks here.
                    if is_cut || world.watch.next_ms.get() != 0 {
                        break is_cut;
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            })
        };
        let end = 8 + begins;
        assert!((0..end).all(|number| !tick(number)), "{begins} {jitter}");
        world.commit(sample::revocation(&world.token));
        let cut = (end..).find(|number| tick(*number)).unwrap();
        // The token ended right behind the tick before.
        assert!((cut + 1 - end) * TICK_MS <= 3 * TICK_MS, "{begins} {jitter}: {cut} after {end}");
    }
}

#[test]
fn x7_a_stream_outlives_one_look_that_tells_nothing_and_not_two_in_a_row() {
    let world = World::new();
    let clock_is_behind = |behind: bool| {
        let mark = if behind { sample::NOW.unix() + 1_000_000 } else { 0 };
        world.core.shared.high_water.store(mark, Ordering::Relaxed);
    };
    assert_eq!(world.look(), None);
    for _ in 0..2 {
        clock_is_behind(true);
        assert_eq!(world.look(), None, "once");
        clock_is_behind(false);
        assert_eq!(world.look(), None, "then all is well");
    }
    clock_is_behind(true);
    assert_eq!(world.look(), None);
    assert_eq!(world.look(), Some(Refusal::CannotDecide));
}

#[test]
fn x7_a_record_that_cannot_be_read_ends_its_stream_with_the_second_look() {
    let world = World::new();
    world.rename();
    world.control.block_on(world.store.close()).unwrap();
    assert_eq!(world.look(), None);
    assert_eq!(world.look(), Some(Refusal::CannotDecide));
}

#[test]
fn x7_a_store_that_does_not_answer_is_not_waited_for_beyond_the_second_look() {
    let world = World::new();
    world.store.gate.forget_permits(1);
    world.rename();
    assert_eq!(world.look(), None);
    assert_eq!(world.look(), Some(Refusal::CannotDecide));
    assert_eq!(world.store.inside.load(Ordering::SeqCst), 1, "it was never answered");
}

#[test]
fn a_record_that_comes_late_leaves_its_stream() {
    let world = World::new();
    world.store.gate.forget_permits(1);
    world.rename();
    assert_eq!(world.look(), None, "it does not come");
    world.store.gate.add_permits(1);
    for _ in 0..3 {
        assert_eq!(world.look(), None, "it is there");
    }
}

/// What began with a certificate ends when that is over, on a rule that asks for no token too.
#[test]
fn a_stream_ends_with_the_certificate_that_it_began_with() {
    let any = ClientCertificate::of(b"none");
    for public in [false, true] {
        let world = World::new();
        let mut grounds = world.watch.take().unwrap();
        let expires_at = sample::NOW.plus(Span::from_days(1));
        let shown = ClientCertificate { expires_at, ..any.clone() };
        grounds.certificate = Some(Rc::new(shown));
        if public {
            grounds.entry = None;
        }
        world.watch.begin(grounds, &world.alarm);
        world.core.shared.clock.advance(Span::from_days(1));
        assert_eq!(world.look(), None, "its last second is good");
        world.core.shared.clock.advance(Span::from_seconds(1));
        assert_eq!(world.look(), Some(Refusal::CertificateMissing), "{public}");
    }
}

/// sec-G2: an API that asks for certificates from now on ends what goes on without one.
#[test]
fn sec_g2_a_certificate_is_asked_for_when_its_api_begins_to_ask() {
    let world = World::new();
    let (settings, shared) = (&world.settings, &world.core.shared);
    let (counters, targets) = (&shared.counters, Targets::default());
    let put = |needs_certificate: bool, generation: u64| {
        let mut snapshot = Snapshot::new(settings, counters, &targets, generation);
        let api = &settings.apis[0];
        let rule = RulePlan::new(api, &api.rules[0], settings, counters);
        let mut plan = ApiPlan::new(api, settings, counters, &targets);
        plan.needs_certificate = needs_certificate;
        let mut routes = Routes::default();
        routes.add(None, "/", plan, [("/", rule)].into_iter());
        Arc::get_mut(&mut snapshot).unwrap().routes = routes;
        shared.snapshot.store(snapshot);
    };
    put(false, 1);
    assert_eq!(world.look(), None);
    put(true, 2);
    assert_eq!(world.look(), Some(Refusal::CertificateMissing));
}
