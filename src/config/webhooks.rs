//! The checked settings of what the gateway calls: networks, certificates, and who is told what happened.

use std::collections::BTreeSet;
use std::path::Path;

use super::file::{EgressTable, WebhookTable};
use super::mistake::Mistake;
use super::reading::{Placed, Reading, Reported, Text};
use super::secret_source::secret_source;
use super::settings::{EgressSettings, Webhook};
use super::values::{list, name, network, text, word};
use crate::domain::id::Slug;
use crate::domain::notice::NoticeKind;
use crate::egress::target::{BadTarget, Target};

/// The most webhooks.
const WEBHOOKS: usize = 32;

pub(super) fn egress(
    table: &EgressTable,
    reading: &Reading<'_>,
) -> Result<EgressSettings, Reported> {
    let allow = list(&table.allow, reading).and_then(|networks| {
        let networks: Vec<_> = networks.iter().map(|text| network(text, reading)).collect();
        networks.into_iter().collect()
    });
    let ca = text(&table.ca, reading);
    let ca = ca.map(|ca| ca.map(|file| reading.notes(reading.beside_file(&file.value.value))));
    Ok(EgressSettings { allow: allow?, ca: ca? })
}

pub(super) fn webhooks(
    tables: &[WebhookTable],
    store: &Path,
    reading: &Reading<'_>,
) -> Result<Vec<Webhook>, Reported> {
    if let Some(first) = tables.get(WEBHOOKS) {
        let mistake = Mistake::WebhooksMax { count: tables.len(), most: WEBHOOKS };
        let hint = "let one of them pass notices on to others";
        return Err(reading.mistake(&first.span, mistake, hint));
    }
    let mut names = BTreeSet::new();
    let all: Vec<_> =
        tables.iter().map(|table| webhook(table, &mut names, store, reading)).collect();
    all.into_iter().collect()
}

fn webhook(
    table: &WebhookTable,
    names: &mut BTreeSet<Slug>,
    store: &Path,
    reading: &Reading<'_>,
) -> Result<Webhook, Reported> {
    let what = "a webhook";
    let hint = "give it a name such as `chat`";
    let named =
        reading.required(&table.name, &table.span, (what, "name"), hint).and_then(|given| {
            let name = name(&given, what, reading)?;
            if names.insert(name.clone()) {
                return Ok(name);
            }
            let hint = "give each a name of its own: lists and metrics tell them apart by it";
            Err(reading.mistake(&given.span, Mistake::WebhookTwice(given.value.shown), hint))
        });
    let hint = "say where it listens, such as `https://hooks.example.com/tollgate`";
    let target = reading
        .required(&table.url, &table.span, (what, "url"), hint)
        .and_then(|given| target(&given, reading));
    let hint = "say where the secret is kept that its notices are signed with";
    let secret = reading
        .required(&table.secret, &table.span, (what, "secret"), hint)
        .and_then(|given| secret_source(&given, "set the variable", store, reading));
    let words = NoticeKind::OF_EVENTS.map(|kind| (kind.as_str(), kind));
    let kinds = list(&table.notices, reading).and_then(|given| {
        let given: Vec<_> = given.iter().map(|text| word(text, &words, reading)).collect();
        given.into_iter().collect::<Result<BTreeSet<_>, _>>()
    });
    let kinds = kinds
        .map(|kinds| if kinds.is_empty() { BTreeSet::from(NoticeKind::OF_EVENTS) } else { kinds });
    Ok(Webhook { name: named?, target: target?, secret: secret?, kinds: kinds? })
}

fn target(given: &Placed<Text>, reading: &Reading<'_>) -> Result<Target, Reported> {
    Target::parse(&given.value.value).map_err(|fault| {
        let hint = match fault {
            BadTarget::User => {
                // What stands there is a password.
                reading.conceal(given.span.clone());
                "take it out"
            }
            BadTarget::Form | BadTarget::Scheme => {
                "write a whole address, such as `https://hooks.example.com/tollgate`"
            }
        };
        let key = given.key.clone();
        reading.mistake(&given.span, Mistake::BadTarget { key, fault }, hint)
    })
}
