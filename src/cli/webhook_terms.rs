//! What can be typed about webhooks.

use clap::Subcommand;

/// `webhook`
#[derive(Subcommand, Debug)]
pub enum WebhookCommand {
    /// List the configured webhooks, and how they do
    List,
    /// Show what was tried of late, newest first
    Deliveries {
        /// The webhook's name
        name: String,
    },
    /// Call a webhook now, and show what it answers
    Test {
        /// The webhook's name
        name: String,
    },
}
