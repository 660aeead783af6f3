// SPDX-License-Identifier: Apache-2.0
//! What the clients need to find the cloud: `clouds.yaml` and openrc files.

use super::layout::{Layout, LayoutError};

/// A user the operator may act as.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Login<'a> {
    /// Entry of clouds.yaml.
    pub(crate) cloud: &'a str,
    /// Name of the openrc file.
    pub(crate) openrc: &'a str,
    /// User, and project of the same name.
    pub(crate) user: &'a str,
    /// The user's password.
    pub(crate) password: &'a str,
}

/// Writes `clouds.yaml` and an openrc for each login into the data directory.
pub(crate) fn write(
    layout: &Layout,
    auth_url: &str,
    region: &str,
    logins: &[Login<'_>],
) -> Result<(), LayoutError> {
    let mut clouds = "# Written at every start of `scurry up`.\nclouds:\n".to_owned();
    for login in logins {
        let Login { cloud, openrc, user, password } = *login;
        clouds.push_str(&format!(
            "  {cloud}:\n    region_name: {region}\n    identity_api_version: 3\n    auth:\n      auth_url: {auth_url}\n      \
             username: {user}\n      password: {quoted}\n      project_name: {user}\n      user_domain_name: Default\n      \
             project_domain_name: Default\n",
            quoted = yaml_quoted(password),
        ));
        let variables = format!(
            "export OS_AUTH_URL={auth_url}\nexport OS_USERNAME={user}\nexport OS_PASSWORD={quoted}\n\
             export OS_PROJECT_NAME={user}\nexport OS_USER_DOMAIN_NAME=Default\nexport OS_PROJECT_DOMAIN_NAME=Default\n\
             export OS_REGION_NAME={region}\nexport OS_IDENTITY_API_VERSION=3\nexport OS_VOLUME_API_VERSION=3\n",
            quoted = shell_quoted(password),
        );
        layout.write_private(openrc, &variables)?;
    }
    layout.write_private("clouds.yaml", &clouds)?;
    Ok(())
}

/// Single quotes: nothing inside means anything to a shell.
fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A YAML single-quoted scalar.
fn yaml_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_quoted_for_shell_and_yaml() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::open(folder.path()).unwrap();
        let login = Login { cloud: "scurry", openrc: "admin-openrc", user: "admin", password: "it's $HOME" };
        write(&layout, "http://127.0.0.1:5000/v3", "RegionOne", &[login]).unwrap();
        let openrc = std::fs::read_to_string(layout.path("admin-openrc")).unwrap();
        let clouds = std::fs::read_to_string(layout.path("clouds.yaml")).unwrap();
        assert!(openrc.contains(r"OS_PASSWORD='it'\''s $HOME'"), "{openrc}");
        assert!(clouds.contains("password: 'it''s $HOME'"), "{clouds}");
    }
}
