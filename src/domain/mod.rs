//! What tokens are and what they may do. Pure: no I/O, no clock, no async, no log; the moment is an
//! argument. Everything else in the crate is built on these words.

pub mod time;
pub mod day;
pub mod echo;
pub mod moment;
pub mod id;
pub mod secret;
pub mod flags;
pub mod hasher;
pub mod grant;
pub mod conditions;
pub mod network;
pub mod period;
pub mod limits;
pub mod left;
pub mod bucket;
pub mod event;
pub mod notice;
pub mod token;
pub mod owner;
pub mod role;
pub mod company;
pub mod rule;
pub mod refusal;
pub mod decision;
