"""Locust's FastHttpUser flat out against the bare server, for the generator's benchmark."""

import orjson
from locust import FastHttpUser, constant, task

BODY = {
    "event_id": "run-12345",
    "device_id": "d1-0012345",
    "platform": "ios",
    "os_version": "18.5",
    "app_version": "4.12.0",
    "sdk_version": "3.9.0",
    "push_token": "0" * 64,
    "reason": "app_launch",
    "registered_at": "2026-11-23T15:00:00.000Z",
}


class Device(FastHttpUser):
    wait_time = constant(0)

    @task
    def register(self) -> None:
        self.client.post(
            "/events",
            data=orjson.dumps(BODY),
            headers={"Authorization": "Bearer 0123456789abcdef", "Content-Type": "application/json"},
        )
