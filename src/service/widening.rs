//! What a change gives a token that it did not have. Asked by `update`, where people hand out no tokens of their
//! own, and by `notices`, which tells of it.

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
