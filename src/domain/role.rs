//! What people may do where tokens are handed out: roles of owners with a meaning of their own. All
//! other roles are names that rules ask for.

use super::id::Slug;
use super::owner::Owner;

/// A role with a meaning. Whoever has none of them is a user, and minds tokens of their own and of
/// their subordinates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// May do everything.
    Administrator,
    /// May do everything to the owners and tokens of their own company, but for administrators.
    CompanyAdministrator,
    /// A user who may also make services, which are then subordinates.
    Developer,
    /// Sees everything, of their own company if they have one, and changes nothing.
    Auditor,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] =
        [Self::Administrator, Self::CompanyAdministrator, Self::Developer, Self::Auditor];

    /// Its name among the roles of an owner.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::CompanyAdministrator => "company-administrator",
            Self::Developer => "developer",
            Self::Auditor => "auditor",
        }
    }

    /// The role that has this name.
    pub fn named(name: &Slug) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name.as_str())
    }

    /// Whether `owner` has it.
    pub fn is_of(self, owner: &Owner) -> bool {
        owner.roles.iter().any(|name| name.as_str() == self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_known_by_its_name_and_others_are_not() {
        for role in Role::ALL {
            assert_eq!(Role::named(&role.as_str().parse().unwrap()), Some(role));
        }
        assert_eq!(Role::named(&"admin".parse().unwrap()), None);
    }
}
