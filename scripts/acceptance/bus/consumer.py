# SPDX-License-Identifier: Apache-2.0
"""Listens by oslo.messaging and writes what it hears, one JSON object a line: consumer.py CONFIGURATION TOPIC FILE."""

import json
import sys

import oslo_messaging
from oslo_config import cfg


class Endpoint:
    """Takes notifications of the priorities Glance uses."""

    def __init__(self, file):
        self.file = file

    def _heard(self, priority, context, publisher, event, payload, metadata):
        heard = {"priority": priority, "publisher": publisher, "event": event, "payload": payload,
                 "message_id": metadata["message_id"], "timestamp": metadata["timestamp"], "context": context}
        print(json.dumps(heard), file=self.file, flush=True)
        return oslo_messaging.NotificationResult.HANDLED

    def info(self, *heard):
        """Something happened."""
        return self._heard("INFO", *heard)

    def warn(self, *heard):
        """Something is doubtful."""
        return self._heard("WARN", *heard)

    def error(self, *heard):
        """Something went wrong."""
        return self._heard("ERROR", *heard)


def main():
    configuration, topic, path = sys.argv[1:]
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[configuration])
    transport = oslo_messaging.get_notification_transport(conf)
    with open(path, "a", encoding="utf-8") as file:
        listener = oslo_messaging.get_notification_listener(
            transport, [oslo_messaging.Target(exchange="glance", topic=topic)], [Endpoint(file)], executor="threading")
        listener.start()
        listener.wait()


if __name__ == "__main__":
    main()
