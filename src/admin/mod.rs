//! The local socket\'s REST API, health and metrics, on addresses of their own.
