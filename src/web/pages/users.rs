//! Users and services: their list, one of them, and the form for one.

use askama::Template;

use super::choices::{Choice, FlagChoice};
use super::clash::Clash;
use super::history::EventRow;
use super::tokens::Stopped;
use super::user_filters::UserFilters;
use crate::config::Settings;
use crate::domain::id::Slug;
use crate::domain::owner::OwnerKind;
use crate::domain::role::Role;
use crate::service::caller::{Grants, Tenant};
use crate::service::offers::OwnerOffers;
use crate::service::view::OwnerView;
use crate::web::frame::{Frame, When};
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

/// A user in a list.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// Their one name.
    pub id: String,
    /// How people call them.
    pub name: String,
    /// Whether it is a program.
    pub is_service: bool,
    /// Their roles, in the reader's language where they have a meaning.
    pub roles: Vec<String>,
    /// Their tenant.
    pub company: Option<String>,
    /// Whether they are blocked.
    pub blocked: bool,
    /// When they were made.
    pub created: When,
}

impl UserRow {
    /// Of an owner.
    pub fn of(frame: &Frame, user: &OwnerView) -> Self {
        let role = |role: &Slug| match frame.knows("role", role.as_str()) {
            true => frame.of("role", role.as_str()),
            false => role.to_string(),
        };
        Self {
            id: user.id.to_string(),
            name: user.name.clone(),
            is_service: user.kind == OwnerKind::Service,
            roles: user.roles.iter().map(role).collect(),
            company: user.company.as_ref().map(ToString::to_string),
            blocked: user.blocked.is_some(),
            created: frame.when(user.created_at),
        }
    }
}

/// The list.
#[derive(Template)]
#[template(path = "users.html")]
pub struct Users {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong with a filter.
    pub wrongs: Wrongs,
    /// What it is narrowed to.
    pub filters: UserFilters,
    /// In alphabetical order.
    pub rows: Vec<UserRow>,
    /// Behind whom it goes on.
    pub next: Option<String>,
}

/// Owners that a field offers, as entries of its list.
#[derive(Template)]
#[template(path = "owner_options.html")]
pub struct OwnerOptions {
    /// Their names.
    pub owners: Vec<Choice>,
}

/// One of them.
#[derive(Template)]
#[template(path = "user.html")]
pub struct User {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong with a new password.
    pub wrongs: Wrongs,
    /// In short.
    pub row: UserRow,
    /// All of it.
    pub user: OwnerView,
    /// By whom it was made.
    pub created_by: String,
    /// Since when, by whom and why they are blocked.
    pub stopped: Option<Stopped>,
    /// What the reader may do to them.
    pub may: May,
    /// Whether there is a password for them.
    pub has_password: bool,
    /// Whether the reader may look at their company.
    pub sees_company: bool,
    /// What happened to them, newest first.
    pub events: Vec<EventRow>,
    /// Where older events are.
    pub older: Option<u64>,
}

/// What somebody may do to a user.
#[derive(Clone, Copy, Debug)]
pub struct May {
    /// Change them.
    pub change: bool,
    /// Block them.
    pub block: bool,
    /// Lift their block.
    pub unblock: bool,
    /// End tokens of theirs.
    pub end_tokens: bool,
    /// Make tokens of theirs.
    pub make_tokens: bool,
}

impl User {
    /// What is shown of `user`.
    pub fn new(
        frame: Frame,
        wrongs: Wrongs,
        user: OwnerView,
        may: May,
        (has_password, sees_company): (bool, bool),
        (events, older): (Vec<EventRow>, Option<u64>),
    ) -> Self {
        Self {
            row: UserRow::of(&frame, &user),
            created_by: frame.actor(&user.created_by),
            stopped: user.blocked.as_ref().map(|act| Stopped::by(&frame, act)),
            frame,
            wrongs,
            user,
            may,
            has_password,
            sees_company,
            events,
            older,
        }
    }
}

/// The form for a new one, or for one that there is.
#[derive(Template)]
#[template(path = "user_form.html")]
pub struct UserForm {
    /// What is around it.
    pub frame: Frame,
    /// What is wrong.
    pub wrongs: Wrongs,
    /// What somebody else made of it meanwhile.
    pub clash: Option<Clash>,
    /// What was typed.
    pub typed: Typed,
    /// The one who is changed, by their one name and by how people call them.
    pub held: Option<(String, String)>,
    /// Access levels that can be chosen.
    pub flags: Vec<FlagChoice>,
    /// Whether they can be left without a limit.
    pub may_unlimited: bool,
    /// Companies that are offered.
    pub companies: Vec<Choice>,
    /// Whether a company can be chosen.
    pub any_company: bool,
    /// The company that was typed and is not on record.
    pub unknown_company: Option<String>,
    /// Whether people can be made, and not services alone.
    pub people: bool,
    /// Whether there is one superior alone that it may have.
    pub one_parent: bool,
    /// Roles with a meaning that can be given.
    pub roles: Vec<&'static str>,
    /// Other roles that can be given; none for any.
    pub more_roles: Option<String>,
}

impl UserForm {
    /// The form by the settings, for somebody who may grant this much.
    pub fn new(
        frame: Frame,
        (typed, wrongs): (Typed, Wrongs),
        held: Option<&OwnerView>,
        (settings, grants): (&Settings, &Grants),
        (offers, companies): (&OwnerOffers, Vec<Choice>),
    ) -> Self {
        let choice = |name: &str, bits: String| FlagChoice {
            name: name.to_owned(),
            bits,
            title: settings.flags.title(name).map(str::to_owned),
            opens: String::new(),
            chosen: typed.all("ceiling_flag").any(|chosen| chosen == name),
        };
        let granted = settings.flags.iter().filter(|(_, bits)| grants.flags.contains(*bits));
        let mut flags: Vec<_> =
            granted.map(|(name, bits)| choice(name, bits.to_string())).collect();
        // Those that they have, and the changer has not, stay unless they are taken away.
        for held in held.iter().filter(|held| !held.ceiling.is_unlimited()) {
            for name in &held.ceiling_names {
                if !flags.iter().any(|flag| flag.name == *name) {
                    flags.push(choice(name, String::new()));
                }
            }
        }
        let has = |role: &Role| {
            held.is_some_and(|held| held.roles.iter().any(|name| Role::named(name) == Some(*role)))
        };
        let roles = Role::ALL.into_iter().filter(|role| offers.roles.contains(role) || has(role));
        let joined =
            |names: &Vec<Slug>| names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let unlimited = held.is_some_and(|held| held.ceiling.is_unlimited());
        Self {
            held: held.map(|held| (held.id.to_string(), held.name.clone())),
            may_unlimited: grants.flags.is_unlimited() || unlimited,
            frame,
            wrongs,
            clash: None,
            flags,
            typed,
            companies,
            any_company: offers.company == Tenant::Any,
            unknown_company: None,
            people: offers.people,
            one_parent: held.is_none() && offers.superior.is_some(),
            roles: roles.map(Role::as_str).collect(),
            more_roles: offers.more_roles.as_ref().map(joined),
        }
    }

    /// Whether a role was ticked.
    pub fn has_role(&self, role: &str) -> bool {
        self.typed.all("role").any(|chosen| chosen == role)
    }

    /// Whether there are roles to type, or some that would be lost without their field.
    pub fn takes_more_roles(&self) -> bool {
        let none = self.more_roles.as_ref().is_some_and(String::is_empty);
        !none || self.typed.said("more_roles").is_some()
    }

    /// Whether access levels are chosen.
    pub fn limited(&self) -> bool {
        self.typed.one("ceiling") == "chosen"
    }
}
