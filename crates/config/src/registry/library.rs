// SPDX-License-Identifier: Apache-2.0
//! Names of options that belong to OpenStack's libraries: known, so that no file is reported for them.

/// Groups all of whose options pass, whatever their names: they configure libraries that have no part here.
const WHOLE: &[&str] = &[
    "barbican",
    "barbican_service_user",
    "cache",
    "coordination",
    "cors",
    "healthcheck",
    "key_manager",
    "oslo_messaging_amqp",
    "oslo_messaging_kafka",
    "oslo_messaging_metrics",
    "oslo_messaging_notifications",
    "oslo_messaging_rabbit",
    "oslo_middleware",
    "oslo_reports",
    "oslo_versionedobjects",
    "privsep",
    "profiler",
    "service_user",
    "ssl",
    "vault",
    "oslo_concurrency",
    "oslo_policy",
    "database",
];

/// Options of logging, messaging and the service frame, in `[DEFAULT]`.
const DEFAULT: &[&str] = &[
    "api_paste_config",
    "backlog",
    "control_exchange",
    "default_log_levels",
    "executor_thread_pool_size",
    "fatal_deprecations",
    "graceful_shutdown_timeout",
    "instance_format",
    "instance_uuid_format",
    "log-config-append",
    "log-date-format",
    "log-dir",
    "log-file",
    "log_color",
    "log_config_append",
    "log_date_format",
    "log_dir",
    "log_file",
    "log_options",
    "log_rotate_interval",
    "log_rotate_interval_type",
    "log_rotation_type",
    "logging_context_format_string",
    "logging_debug_format_suffix",
    "logging_default_format_string",
    "logging_exception_prefix",
    "logging_user_identity_format",
    "max_header_line",
    "max_logfile_count",
    "max_logfile_size_mb",
    "notification_driver",
    "notification_topics",
    "publish_errors",
    "rate_limit_burst",
    "rate_limit_except_level",
    "rate_limit_interval",
    "rootwrap_config",
    "rpc_backend",
    "rpc_conn_pool_size",
    "rpc_response_timeout",
    "sql_connection",
    "state_path",
    "syslog_log_facility",
    "tcp_keepidle",
    "transport_url",
    "use-syslog",
    "use_eventlog",
    "use_journal",
    "use_json",
    "use_stderr",
    "use_syslog",
    "verbose",
    "watch_log_file",
    "workers",
    "wsgi_keep_alive",
];

/// Whether a library has such an option.
pub(super) fn is_known(group: &str, name: &str) -> bool {
    WHOLE.iter().any(|known| known.eq_ignore_ascii_case(group))
        || (group == "DEFAULT" && DEFAULT.contains(&name))
}

pub(super) fn names(group: &str) -> impl Iterator<Item = &'static str> {
    let names: &[&'static str] = if group == "DEFAULT" { DEFAULT } else { &[] };
    names.iter().copied()
}

pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    WHOLE.iter().copied()
}
