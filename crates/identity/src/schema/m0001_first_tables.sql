-- Every statement can be run again: a process killed half-way through starts over.
CREATE TABLE IF NOT EXISTS domain (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    tags TEXT NOT NULL,
    options TEXT NOT NULL,
    extra TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS project (
    id TEXT NOT NULL PRIMARY KEY,
    domain_id TEXT NOT NULL REFERENCES domain (id) ON DELETE CASCADE,
    parent_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    tags TEXT NOT NULL,
    options TEXT NOT NULL,
    extra TEXT NOT NULL,
    UNIQUE (domain_id, name)
);
CREATE TABLE IF NOT EXISTS user (
    id TEXT NOT NULL PRIMARY KEY,
    domain_id TEXT NOT NULL REFERENCES domain (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    password_hash TEXT,
    token_epoch BIGINT NOT NULL,
    default_project_id TEXT,
    options TEXT NOT NULL,
    extra TEXT NOT NULL,
    UNIQUE (domain_id, name)
);
CREATE TABLE IF NOT EXISTS role (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT,
    options TEXT NOT NULL,
    extra TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS implied_role (
    prior_role_id TEXT NOT NULL REFERENCES role (id) ON DELETE CASCADE,
    implied_role_id TEXT NOT NULL REFERENCES role (id) ON DELETE CASCADE,
    PRIMARY KEY (prior_role_id, implied_role_id)
);
-- Neither project nor domain: a role on the system.
CREATE TABLE IF NOT EXISTS assignment (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    role_id TEXT NOT NULL REFERENCES role (id) ON DELETE CASCADE,
    project_id TEXT REFERENCES project (id) ON DELETE CASCADE,
    domain_id TEXT REFERENCES domain (id) ON DELETE CASCADE,
    CHECK (project_id IS NULL OR domain_id IS NULL)
);
CREATE UNIQUE INDEX IF NOT EXISTS assignment_once
    ON assignment (user_id, ifnull(project_id, ''), ifnull(domain_id, ''), role_id);
CREATE INDEX IF NOT EXISTS assignment_project ON assignment (project_id);
CREATE INDEX IF NOT EXISTS assignment_domain ON assignment (domain_id);
CREATE INDEX IF NOT EXISTS assignment_role ON assignment (role_id);
CREATE TABLE IF NOT EXISTS region (
    id TEXT NOT NULL PRIMARY KEY,
    description TEXT NOT NULL,
    parent_region_id TEXT REFERENCES region (id),
    extra TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS service (
    id TEXT NOT NULL PRIMARY KEY,
    type TEXT NOT NULL,
    name TEXT,
    description TEXT,
    enabled BOOLEAN NOT NULL,
    extra TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS endpoint (
    id TEXT NOT NULL PRIMARY KEY,
    service_id TEXT NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    region_id TEXT REFERENCES region (id),
    interface TEXT NOT NULL,
    url TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    extra TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS endpoint_service ON endpoint (service_id);
CREATE TABLE IF NOT EXISTS registered_limit (
    id TEXT NOT NULL PRIMARY KEY,
    service_id TEXT NOT NULL REFERENCES service (id) ON DELETE CASCADE,
    region_id TEXT REFERENCES region (id),
    resource_name TEXT NOT NULL,
    default_limit BIGINT NOT NULL,
    description TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS registered_limit_once
    ON registered_limit (service_id, ifnull(region_id, ''), resource_name);
CREATE TABLE IF NOT EXISTS project_limit (
    id TEXT NOT NULL PRIMARY KEY,
    registered_limit_id TEXT NOT NULL REFERENCES registered_limit (id) ON DELETE CASCADE,
    project_id TEXT REFERENCES project (id) ON DELETE CASCADE,
    domain_id TEXT REFERENCES domain (id) ON DELETE CASCADE,
    resource_limit BIGINT NOT NULL,
    description TEXT,
    CHECK ((project_id IS NULL) <> (domain_id IS NULL))
);
CREATE UNIQUE INDEX IF NOT EXISTS project_limit_once
    ON project_limit (registered_limit_id, ifnull(project_id, ''), ifnull(domain_id, ''));
CREATE INDEX IF NOT EXISTS project_limit_project ON project_limit (project_id);
CREATE TABLE IF NOT EXISTS application_credential (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT,
    secret_hash TEXT NOT NULL,
    unrestricted BOOLEAN NOT NULL,
    expires_at BIGINT,
    UNIQUE (user_id, name)
);
CREATE TABLE IF NOT EXISTS application_credential_role (
    application_credential_id TEXT NOT NULL REFERENCES application_credential (id) ON DELETE CASCADE,
    role_id TEXT NOT NULL REFERENCES role (id) ON DELETE CASCADE,
    PRIMARY KEY (application_credential_id, role_id)
);
CREATE TABLE IF NOT EXISTS token (
    digest TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    user_epoch BIGINT NOT NULL,
    audit_id TEXT NOT NULL,
    parent_audit_id TEXT,
    methods TEXT NOT NULL,
    is_system BOOLEAN NOT NULL,
    project_id TEXT REFERENCES project (id) ON DELETE CASCADE,
    domain_id TEXT REFERENCES domain (id) ON DELETE CASCADE,
    application_credential_id TEXT REFERENCES application_credential (id) ON DELETE CASCADE,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS token_user ON token (user_id);
CREATE INDEX IF NOT EXISTS token_expiry ON token (expires_at);
