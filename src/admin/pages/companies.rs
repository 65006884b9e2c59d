//! Companies: listing, showing, putting on record, licensing, blocking.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::block::{self, Whom, decided};
use super::fault::Fault;
use super::form::{PAGE_ENTRIES, as_body, beside, is_clash, optional};
use super::visit::{Id, Visit};
use super::{Handle, done_at, history, page, page_with};
use crate::admin::Handles;
use crate::domain::grant::Contexts;
use crate::domain::id::Slug;
use crate::service::ServiceError;
use crate::service::input::{CompanyChange, NewCompany};
use crate::service::view::CompanyView;
use crate::store::Subject;
use crate::web::frame::Frame;
use crate::web::pages::clash::Clash;
use crate::web::pages::companies::{Companies, Company, CompanyForm, CompanyRow, Sees};
use crate::web::typed::Typed;
use crate::web::wrongs::Wrongs;

pub(super) async fn list(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    let after: Option<Slug> = optional(&typed, "after")?;
    let companies = handles.service.companies(&by, after.as_ref(), PAGE_ENTRIES).await?;
    let settings = handles.service.settings();
    let rows = companies.entries.iter().map(|company| CompanyRow::of(&frame, &settings, company));
    Ok(page(&Companies {
        rows: rows.collect(),
        sees: match (by.watches().is_ok(), by.sees_companies()) {
            (true, _) => Sees::All,
            (false, true) => Sees::Own,
            (false, false) => Sees::None,
        },
        may_make: by.administers().is_ok(),
        after: after.map(|after| after.to_string()),
        next: companies.next.map(|next| next.to_string()),
        frame,
    }))
}

pub(super) async fn show(
    State(handles): Handle,
    Id(id): Id<Slug>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, .. } = visit;
    let company = handles.service.company(&by, &id).await?;
    let events = history::of(&handles, &by, &frame, &Subject::Company(id)).await?;
    let settings = handles.service.settings();
    Ok(page(&Company::new(frame, (&company, &settings), by.administers().is_ok(), events)))
}

pub(super) async fn form(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    visit.by.administers()?;
    let typed = (visit.unsent.unwrap_or_default(), Wrongs::default());
    Ok(page(&CompanyForm::new(visit.frame, typed, None, &handles.service.settings())))
}

pub(super) async fn make(State(handles): Handle, visit: Visit) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    by.administers()?;
    let mut body = asked(&typed);
    body.insert("id".to_owned(), json!(typed.one("id").trim()));
    let (status, wrongs) = match as_body::<NewCompany>(&frame, Value::Object(body), place) {
        Err(wrongs) => (StatusCode::BAD_REQUEST, named(&frame, wrongs)),
        Ok(input) => match handles.service.create_company(&by, input).await {
            Ok(made) => return Ok(done(&made.id, true, "company-created")),
            Err(error @ ServiceError::CompanyExists(_)) => {
                let mut wrongs = Wrongs::refused(&frame, &error, place);
                wrongs.all.iter_mut().for_each(|wrong| wrong.place = "id".to_owned());
                (StatusCode::CONFLICT, wrongs)
            }
            Err(error) => {
                let (status, wrongs) = beside(&frame, &error, place);
                (status, named(&frame, wrongs))
            }
        },
    };
    let settings = handles.service.settings();
    Ok(page_with(status, &CompanyForm::new(frame, (typed, wrongs), None, &settings)))
}

pub(super) async fn edit(
    State(handles): Handle,
    Id(id): Id<Slug>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, unsent, .. } = visit;
    let company = handles.service.company(&by, &id).await?;
    by.administers()?;
    let typed = (unsent.unwrap_or_else(|| as_typed(&company)), Wrongs::default());
    Ok(page(&held_form(&handles, frame, typed, &company)))
}

/// The form of a company as it is.
fn as_typed(company: &CompanyView) -> Typed {
    let typed = Typed::default()
        .with("name", company.name.clone())
        .with("revision", company.revision.0.to_string());
    match &company.contexts {
        Contexts::All => typed,
        Contexts::Set(names) => names.iter().fold(typed.with("access", "chosen"), |typed, name| {
            typed.with("context", name.to_string())
        }),
    }
}

pub(super) async fn change(
    State(handles): Handle,
    Id(id): Id<Slug>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, typed, .. } = visit;
    handles.service.company(&by, &id).await?;
    by.administers()?;
    let mut body = asked(&typed);
    body.insert("revision".to_owned(), json!(typed.one("revision").parse::<u64>().ok()));
    body.insert("reason".to_owned(), json!(typed.one("reason").trim()));
    let (status, wrongs) = match as_body::<CompanyChange>(&frame, Value::Object(body), place) {
        Err(wrongs) => (StatusCode::BAD_REQUEST, wrongs),
        Ok(change) => match handles.service.update_company(&by, &id, &change).await {
            Ok(changed) => return Ok(done(&id, changed.changed, "company-changed")),
            Err(error) if is_clash(&error) => {
                let company = handles.service.company(&by, &id).await?;
                return Ok(clashed(&handles, frame, typed, &company));
            }
            Err(error) => beside(&frame, &error, place),
        },
    };
    let company = handles.service.company(&by, &id).await?;
    Ok(page_with(status, &held_form(&handles, frame, (typed, wrongs), &company)))
}

/// The form of a company that somebody else changed meanwhile: with what was typed, beside what is on record, and
/// sent again it is a change of that.
fn clashed(handles: &Handles, frame: Frame, typed: Typed, company: &CompanyView) -> Response {
    let typed = typed.instead("revision", company.revision.0.to_string());
    let path = format!("/companies/{}", company.id);
    let clash = Clash::company(&frame, path, &typed, &as_typed(company));
    let mut form = held_form(handles, frame, (typed, Wrongs::default()), company);
    form.clash = Some(clash);
    page_with(StatusCode::CONFLICT, &form)
}

fn held_form(
    handles: &Handles,
    frame: Frame,
    typed: (Typed, Wrongs),
    company: &CompanyView,
) -> CompanyForm {
    CompanyForm::new(frame, typed, Some(company), &handles.service.settings())
}

/// What was typed, as a part of the body of the acts in `/api/v1/companies`.
fn asked(typed: &Typed) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("name".to_owned(), json!(typed.one("name").trim()));
    let chosen: Vec<_> = typed.all("context").collect();
    let contexts = if typed.one("access") == "chosen" { json!(chosen) } else { json!("all") };
    body.insert("contexts".to_owned(), contexts);
    body
}

/// The one name of a company is not the one of a user.
fn named(frame: &Frame, wrongs: Wrongs) -> Wrongs {
    wrongs.worded(frame, |place| (place == "id").then_some("wrong-company-id"))
}

fn place(field: &str) -> Option<String> {
    field.split(['.', '[']).next().map(str::to_owned)
}

pub(super) async fn ask_block(
    State(handles): Handle,
    Id(id): Id<Slug>,
    visit: Visit,
) -> Result<Response, Fault> {
    let Visit { by, frame, .. } = visit;
    by.administers()?;
    Ok(page(
        &block::form(&handles, (&by, frame), Whom::Company(&id), (Wrongs::default(), "")).await?,
    ))
}

pub(super) async fn block(
    State(handles): Handle,
    Id(id): Id<Slug>,
    visit: Visit,
) -> Result<Response, Fault> {
    let outcome = handles.service.block_company(&visit.by, &id, visit.reason()).await;
    if outcome.is_ok() {
        handles.people.sessions.end_all_of_company(&id);
    }
    let outcome = outcome.map(|company| company.changed);
    decided(&handles, visit, Whom::Company(&id), outcome, "company-blocked").await
}

pub(super) async fn unblock(
    State(handles): Handle,
    Id(id): Id<Slug>,
    visit: Visit,
) -> Result<Response, Fault> {
    let seen = visit.by_what_they_saw();
    let outcome = handles.service.unblock_company(&seen, &id, visit.reason()).await;
    let outcome = outcome.map(|company| company.changed);
    decided(&handles, visit, Whom::Company(&id), outcome, "company-unblocked").await
}

fn done(id: &Slug, changed: bool, what: &str) -> Response {
    done_at(&format!("/companies/{id}"), changed, what)
}
