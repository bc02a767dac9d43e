"""The embedded broker (rumqttd inside iotcore) as a process of its own.

`python -m puente.broker_iotcore CONFIG.toml [PORT PORT_3 PORT_5]`: with the ports, `PORT` takes
MQTT 3.1.1 and 5 alike (`puente.frontdoor`). iotcore's own child process watches a pipe that
only its own class holds; ours ends with `puente up` like all the others, see `puente.orphan`.
"""

import logging
import signal
import sys

from iotcore.iotcore import IotCoreBroker

from puente import orphan
from puente.frontdoor import FrontDoor


def main() -> None:
    """Serve until terminated."""
    orphan.exit_with_parent()
    # The broker runs outside Python, where Python's own handlers would never be reached.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # rumqttd wraps its routing in error spans, so every packet would be logged as an error.
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    if len(sys.argv) > 2:
        FrontDoor(*map(int, sys.argv[2:5])).open()
    IotCoreBroker(config_path=sys.argv[1]).run_forever()


if __name__ == "__main__":
    main()
