//! The pages: what each of them shows, made from the views of `service`, and their templates.

pub mod account;
pub mod block;
pub mod bulk;
pub mod changes;
pub mod chart;
pub mod choices;
pub mod companies;
pub mod contexts;
pub mod explain;
pub mod filters;
pub mod history;
pub mod leaks;
pub mod limits;
pub mod live;
pub mod notices;
pub mod oops;
pub mod overview;
pub mod parts;
pub mod rotate;
pub mod sign;
pub mod token_form;
pub mod tokens;
pub mod transfer;
pub mod users;
pub mod windows;
