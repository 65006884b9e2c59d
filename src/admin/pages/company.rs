//! A company that was typed and is not on record: it may be meant, and it may be a slip. Whoever sends the form again
//! as it is means it.

use super::fault::Fault;
use crate::admin::Handles;
use crate::domain::id::Slug;
use crate::service::Caller;
use crate::web::typed::Typed;

/// The company that was typed, if nobody has said yet that it is meant.
pub(super) async fn unknown(
    handles: &Handles,
    by: &Caller,
    typed: &Typed,
) -> Result<Option<String>, Fault> {
    let Some(name) = typed.said("company").filter(|name| *name != typed.one("company_meant"))
    else {
        return Ok(None);
    };
    // What is no name of a company is a mistake, which the act tells.
    let Ok(id) = name.parse::<Slug>() else { return Ok(None) };
    let missing = handles.service.misses_company(by, &id).await?;
    Ok(missing.then(|| name.to_owned()))
}
