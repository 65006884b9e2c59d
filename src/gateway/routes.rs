//! From host, path and method to an API and a rule. Deny by default.
//!
//! The host chooses first (its own APIs, else those without a host), then the longest API path on a
//! segment boundary, then the most specific rule path, then the method. Nothing falls through to
//! something wider, and the query never chooses (sec-P9).

use std::collections::HashMap;

use http::Method;

use super::pattern::{Captures, Tree};
use super::plan::{ApiPlan, RulePlan};

/// From host and path to API and rule.
#[derive(Debug, Default)]
pub struct Routes {
    by_host: HashMap<Box<str>, Vec<Area>>,
    any_host: Vec<Area>,
    /// Those of all APIs, by their numbers.
    rules: Vec<RulePlan>,
}

/// The rules of one API.
#[derive(Debug)]
struct Area {
    path: Box<str>,
    api: ApiPlan,
    /// The numbers of rules.
    rules: Tree<Vec<usize>>,
}

/// An API, a rule in it, and the item that the path names for that rule.
pub type Found<'r, 'p> = (&'r ApiPlan, Option<&'r RulePlan>, Option<&'p str>);

impl Routes {
    /// Adds an API with its rules.
    pub fn add<'r>(
        &mut self,
        host: Option<&str>,
        path: &str,
        api: ApiPlan,
        rules: impl Iterator<Item = (&'r str, RulePlan)>,
    ) {
        let mut tree = Tree::default();
        for (pattern, rule) in rules {
            tree.entry(pattern, Vec::new).push(self.rules.len());
            self.rules.push(RulePlan { number: self.rules.len(), ..rule });
        }
        let area = Area { path: path.trim_end_matches('/').into(), api, rules: tree };
        let areas = match host {
            Some(host) => self.by_host.entry(host.into()).or_default(),
            None => &mut self.any_host,
        };
        let at = areas.partition_point(|other| other.path.len() >= area.path.len());
        areas.insert(at, area);
    }

    /// The API and the rule for a request, and its item.
    pub fn find<'r, 'p>(
        &'r self,
        host: &str,
        path: &'p str,
        method: &Method,
    ) -> Option<Found<'r, 'p>> {
        let area = self.area(host, path)?;
        let mut captures = Captures::default();
        let numbers = area.rules.find(path, &mut captures);
        // A rule for `HEAD` itself comes before one whose `GET` takes it along.
        let named = self.numbered(numbers).find(|rule| rule.names(method));
        let rule = named.or_else(|| self.numbered(numbers).find(|rule| rule.takes(method)));
        let item = rule.and_then(|rule| captures.at(rule.item_place?));
        Some((&area.api, rule, item))
    }

    /// The rules of the path that a request meets, whatever their methods: for those who ask why
    /// none of them was met.
    pub fn rules_at(&self, host: &str, path: &str) -> impl Iterator<Item = &RulePlan> {
        let area = self.area(host, path);
        self.numbered(area.and_then(|area| area.rules.find(path, &mut Captures::default())))
    }

    /// The rule of a number.
    pub fn rule(&self, number: usize) -> Option<&RulePlan> {
        self.rules.get(number)
    }

    fn numbered<'r>(
        &'r self,
        numbers: Option<&'r Vec<usize>>,
    ) -> impl Iterator<Item = &'r RulePlan> {
        numbers.into_iter().flatten().filter_map(|number| self.rule(*number))
    }

    fn area(&self, host: &str, path: &str) -> Option<&Area> {
        let own = if self.by_host.is_empty() { None } else { self.by_host.get(host) };
        let areas = own.unwrap_or(&self.any_host);
        let under = |area: &&Area| {
            let rest = path.strip_prefix(&*area.path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        areas.iter().find(under)
    }
}
