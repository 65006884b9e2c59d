//! What a change gives a token, an owner or a company that it did not have. Asked by `update` and `owner_update`,
//! where people hand out no tokens of their own, and by `notices`, which tells of it.

use crate::domain::company::Company;
use crate::domain::owner::Owner;
use crate::domain::token::Token;
use crate::service::error::ServiceError;

/// The fields in which a token may do more than before.
pub fn widened(before: &Token, after: &Token) -> Vec<&'static str> {
    let later = match (before.expires_at, after.expires_at) {
        (Some(before), Some(after)) => after > before,
        (Some(_), None) => true,
        (None, _) => false,
    };
    let idles = !before.idle_ttl.is_zero()
        && (after.idle_ttl.is_zero() || after.idle_ttl > before.idle_ttl);
    let fields = [
        ("contexts", !after.contexts.within(&before.contexts)),
        ("items", !after.items.within(&before.items)),
        ("flags", !before.flags.contains(after.flags)),
        ("not_before", after.not_before < before.not_before),
        ("expires_at", later),
        ("idle_ttl", idles),
        ("conditions", !after.conditions.within(&before.conditions)),
        ("limits", !after.limits.within(&before.limits)),
    ];
    fields.into_iter().filter(|(_, wider)| *wider).map(|(field, _)| field).collect()
}

/// The fields in which an owner may do more than before, and with it all its tokens.
pub fn widened_owner(before: &Owner, after: &Owner) -> Vec<&'static str> {
    let fields = [
        ("roles", !after.roles.is_subset(&before.roles)),
        ("ceiling", !before.ceiling.contains(after.ceiling)),
    ];
    fields.into_iter().filter(|(_, wider)| *wider).map(|(field, _)| field).collect()
}

/// The fields in which a company is licensed for more than before, and with it all its tokens.
pub fn widened_company(before: &Company, after: &Company) -> Vec<&'static str> {
    if after.contexts.within(&before.contexts) { Vec::new() } else { vec!["contexts"] }
}

/// Refuses what gives an owner more than it has: its tokens would have more with their next request.
///
/// # Errors
/// The first field that is more.
pub(super) fn only_narrows_owner(before: &Owner, after: &Owner) -> Result<(), ServiceError> {
    match widened_owner(before, after).into_iter().next() {
        None => Ok(()),
        Some(field) => {
            let problem = "administrators alone let the tokens of a user or a service do more, here \
                           (`tokens.self_service`)";
            Err(ServiceError::NotAllowed { field, problem: problem.to_owned() })
        }
    }
}

/// Refuses what gives a token more than it has. So is another parameter: what an upstream makes of it, also of
/// none, nobody here knows. Those of a context that the token gives up go with it.
///
/// # Errors
/// The first field that is more.
pub(super) fn only_narrows(before: &Token, after: &Token) -> Result<(), ServiceError> {
    let mut kept = before.context_params.clone();
    kept.retain(|context, _| after.contexts.contains(context));
    let others = [
        ("params", after.params != before.params),
        ("context_params", after.context_params != kept),
    ];
    let others = others.into_iter().filter(|(_, other)| *other).map(|(field, _)| field);
    match widened(before, after).into_iter().chain(others).next() {
        None => Ok(()),
        Some(field) => {
            let problem = "administrators alone give a token more than it has, or other parameters, here \
                           (`tokens.self_service`)";
            Err(ServiceError::NotAllowed { field, problem: problem.to_owned() })
        }
    }
}
