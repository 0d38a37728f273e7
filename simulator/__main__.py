"""Run the phone network: `python -m simulator`."""

from __future__ import annotations

import logging
import os
import signal

from settings import Settings
from simulator.network import PhoneNetwork
from simulator.provider import http_post, make_provider_server


def main() -> None:
    """Serve until stopped."""
    settings = Settings.from_env()
    logging.basicConfig(level=settings.log_level)
    network = PhoneNetwork(
        settings.twilio_account_sid,
        settings.twilio_auth_token,
        settings.public_url,
        http_post(settings.local_url),
    )
    # There is nothing to save, and threads may be waiting for an application that is gone.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    make_provider_server(network, settings.simulator_port).serve_forever()


if __name__ == "__main__":
    main()
