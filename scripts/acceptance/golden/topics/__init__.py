# SPDX-License-Identifier: Apache-2.0
"""What is asked, one file a topic: `CONFIGURATION` names the service's configuration, `play` asks."""
