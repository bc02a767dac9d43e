"""The yardstick: the worker that everybody writes first. It stores and decides nothing.

NEVER CHANGE THIS PROGRAM. The ratio that `puente bench ingest` reports compares Puente with it, so
ratios of different days and machines mean the same only as long as this file stays as it is:
paho with its default settings, the json of the standard library, one HSET with the newest values
and one XADD with the message for each reading, through a redis-py pipeline of 500.

    python -m benchmarks.plain_worker MQTT_HOST MQTT_PORT REDIS_URL
"""

import json
import sys
from typing import Any

import paho.mqtt.client as mqtt
import redis
from paho.mqtt.enums import CallbackAPIVersion

from puente import orphan

TOPIC = "worker/v1/+/telemetry"
STREAM = "telemetry"
BATCH = 500
FIELDS = (
    "at",
    "seq",
    "lat",
    "lon",
    "speed_mps",
    "course_deg",
    "battery_pct",
    "door",
)


def main() -> None:
    """Work until terminated."""
    host, port, redis_url = sys.argv[1:4]
    orphan.exit_with_parent()
    pipeline = redis.Redis.from_url(redis_url).pipeline(transaction=False)

    def on_connect(client: mqtt.Client, *_: object) -> None:
        client.subscribe(TOPIC, qos=1)

    def on_message(client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        device_id = message.topic.split("/")[2]
        reading: dict[str, Any] = json.loads(message.payload)
        pipeline.hset(f"latest:{device_id}", mapping={name: reading[name] for name in FIELDS})
        pipeline.xadd(STREAM, {"device": device_id, "payload": message.payload})
        if len(pipeline) >= 2 * BATCH:
            pipeline.execute()

    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_connect = on_connect
    client.on_message = on_message
    client.connect(host, int(port))
    client.loop_forever()


if __name__ == "__main__":
    main()
