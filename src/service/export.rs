//! Tokens as another Tollgate, or a spreadsheet, takes them. Never a secret; a digest, by which a token works
//! elsewhere too, is given to administrators who ask for it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::conditions::Conditions;
use crate::domain::flags::Flags;
use crate::domain::grant::{Contexts, Items};
use crate::domain::id::{OwnerId, Slug, TokenId};
use crate::domain::limits::Limits;
use crate::domain::secret::Digest;
use crate::domain::time::{Span, Timestamp};
use crate::domain::token::State;
use crate::service::Service;
use crate::service::caller::Caller;
use crate::service::error::ServiceError;
use crate::service::list::TokenList;
use crate::service::view::{ParamView, TokenView};
use crate::store::Page;

/// One token; the names are those of the body that makes one.
#[derive(Serialize)]
pub struct Exported {
    /// Whom it acts for.
    pub owner: OwnerId,
    /// Given by its maker.
    pub name: String,
    /// The application.
    pub app: String,
    /// Who asked for it, and why.
    pub description: String,
    /// The tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<Slug>,
    /// Where in its life it is.
    pub state: State,
    /// When it was made.
    pub created_at: Timestamp,
    /// The first second of its life.
    pub not_before: Timestamp,
    /// The first second after its life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Zero where it does not expire, so that no configuration gives it an end elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<u64>,
    /// How long it may lie unused, in seconds.
    pub idle_ttl: Span,
    /// When it was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
    /// Access level.
    pub flags: Flags,
    /// Areas.
    pub contexts: Contexts,
    /// Objects.
    pub items: Items,
    /// Free parameters, as they came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub params: Option<Box<RawValue>>,
    /// Parameters of contexts, without the secret ones, which nobody is shown.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub context_params: BTreeMap<Slug, BTreeMap<String, String>>,
    /// From where, when and by whom it may be presented.
    #[serde(skip_serializing_if = "Conditions::is_empty")]
    pub conditions: Conditions,
    /// How much it may be used.
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    /// The last characters of its secret.
    pub hint: String,
    /// Public.
    pub id: TokenId,
    /// SHA-256 of its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
}

impl Service {
    /// Refuses whoever may not have digests.
    ///
    /// # Errors
    /// They are for administrators.
    pub fn may_export(&self, by: &Caller, digests: bool) -> Result<(), ServiceError> {
        if digests { by.administers() } else { Ok(()) }
    }

    /// A page of the tokens that the list would show.
    ///
    /// # Errors
    /// Those of the list, or digests for somebody who is no administrator.
    pub async fn export(
        &self,
        by: &Caller,
        asked: &TokenList,
        digests: bool,
    ) -> Result<Page<Exported, String>, ServiceError> {
        self.may_export(by, digests)?;
        let page = self.tokens(by, asked).await?;
        let mut entries = Vec::with_capacity(page.entries.len());
        for view in page.entries {
            let digest =
                if digests { Some(self.token_record(view.id).await?.digest) } else { None };
            entries.push(exported(view, digest));
        }
        Ok(Page { entries, next: page.next })
    }
}

fn exported(view: TokenView, digest: Option<Digest>) -> Exported {
    let open = |values: BTreeMap<String, ParamView>| {
        let plain = values.into_iter().filter_map(|(name, value)| match value {
            ParamView::Value(text) => Some((name, text)),
            ParamView::Sealed(_) => None,
        });
        plain.collect::<BTreeMap<_, _>>()
    };
    let context_params = view.context_params.into_iter().map(|(of, values)| (of, open(values)));
    Exported {
        context_params: context_params.filter(|(_, values)| !values.is_empty()).collect(),
        lifetime: view.expires_at.is_none().then_some(0),
        last_used_at: view.last_use.map(|last| last.at),
        // What was kept is JSON.
        params: view.params.and_then(|params| {
            RawValue::from_string(params.text().replace(['\r', '\n'], " ")).ok()
        }),
        owner: view.owner,
        name: view.name,
        app: view.app,
        description: view.description,
        company: view.company,
        state: view.state,
        created_at: view.created_at,
        not_before: view.not_before,
        expires_at: view.expires_at,
        idle_ttl: view.idle_ttl,
        flags: view.flags,
        contexts: view.contexts,
        items: view.items,
        conditions: view.conditions,
        limits: view.limits,
        hint: view.hint,
        id: view.id,
        digest,
    }
}
