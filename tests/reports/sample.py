"""A made-up run: small numbers a person can check against each rendered format."""

from __future__ import annotations

import math
from typing import Any


def result(**changes: Any) -> dict[str, Any]:
    """A result of the contract's shape; `changes` replace members at the top."""
    quantiles = {"p50": 4.2, "p90": 7.9, "p95": 9.5, "p99": 21.0, "p999": 48.3, "max": 61.7}
    made: dict[str, Any] = {
        "schema": "launchday.result/1",
        "status": "complete",
        "error": None,
        "verdict": "missed",
        "scenario": "mass_registration",
        "pipeline": {"name": "reference", "hash": "3f2a9c"},
        "target": "embedded",
        "limits": "established",
        "scale": 1.0,
        "seed": 1,
        "started_at": "2026-11-23T12:00:00Z",
        "ended_at": "2026-11-23T12:01:10Z",
        "duration_s": 70.0,
        "versions": {"python": "3.11.7", "launchday": "0.1.0"},
        "requests": {
            "planned": 12000,
            "sent": 11990,
            "dropped": 10,
            "accepted": 11900,
            "throttled": 60,
            "failed": 20,
            "indeterminate": 10,
            "retries": 75,
            "start_lateness_ms": {"p50": 0.1, "p99": 1.9, "max": 6.0},
        },
        "events": {"sent": 11990, "accepted": 11900},
        "throughput": {"planned_per_s": 300.0, "achieved_per_s": 299.75},
        "latency_ms": {"POST /v1/devices": {"count": 11900, **quantiles}},
        "service_time_ms": {"POST /v1/devices": {"count": 11900, **quantiles}},
        "failed_latency_ms": {},
        "modelled_latency_ms": {"POST /v1/devices": {"count": 11900, "p50": 25.0, "p99": 110.0}},
        "stages_ms": {"accepted_to_processed": {"count": 11900, "p50": 640.0, "p99": 1480.0}},
        "ledger": {
            "accepted": 11900,
            "registered": 11800,
            "archived": 0,
            "discarded": {"stale": 40, "accuracy": 30},
            "dead_lettered": 28,
            "superseded": 3,
            "redelivered": 5,
            "missing": 2,
            "duplicated": 0,
            "unexpected": 0,
            "drain_s": 2.5,
        },
        "usage": {"apigateway.requests": "11990"},
        "cost": {
            "total": "0.054321",
            "per_million_events": "4.56",
            "per_hour": "4.89",
            "per_month": "3568.10",
            "times_the_day_before": 212.4,
            "day_before": {
                "cost_per_hour": "0.023023",
                "events_per_hour": "2016.7",
                "times_the_events": 286.8,
                "basis": "modelled",
                "source": "the model of the day before in mass_registration",
            },
            "free_tier": False,
            "lines": [
                {
                    "service": "apigateway",
                    "resource": "ingest",
                    "what": "REST API requests",
                    "unit": "request",
                    "quantity": "11930",
                    "price": "0.0000035",
                    "amount": "0.041755",
                    "basis": "metered",
                },
                {
                    "service": "lambda",
                    "resource": "processor <script>",
                    "what": "duration, x86",
                    "unit": "GB-s",
                    "quantity": "12.345",
                    "price": "0.0000166667",
                    "amount": "0.000206",
                    "basis": "modelled",
                },
            ],
            "unknown": ["s3 storage in eu-south-2: no price in the book"],
        },
        "ceilings": {"generator_per_s": None, "target_per_s": None, "method": ""},
        "objectives": [
            {
                "name": "latency.p99",
                "comparison": "<",
                "limit": 250,
                "actual": 21.0,
                "met": True,
                "reason": None,
            },
            {
                "name": "ledger.missing",
                "comparison": "==",
                "limit": 0,
                "actual": 2,
                "met": False,
                "reason": None,
            },
            {
                "name": "cost.per_month",
                "comparison": "<=",
                "limit": 5000,
                "actual": None,
                "met": False,
                "reason": "a price is unknown",
            },
        ],
    }
    made.update(changes)
    return made


def load_rows() -> list[dict[str, Any]]:
    """Forty seconds of the generator, with a stall and a second without answers."""
    rows = []
    for t in range(40):
        planned = 300 + 120 * math.sin(t / 6)
        stalled = 18 <= t < 21
        rows.append(
            {
                "t": 1000.0 + t,
                "planned": planned,
                "sent": planned * (0.6 if stalled else 1),
                "accepted": planned * (0.5 if stalled else 0.99),
                "events_accepted": planned,
                "p50_ms": None if t == 25 else 4 + t % 3,
                "p95_ms": None if t == 25 else 9 + t % 5 + (200 if stalled else 0),
                "p99_ms": None if t == 25 else 21 + t % 7 + (420 if stalled else 0),
            }
        )
    return rows


def target_rows() -> list[dict[str, Any]]:
    """The target over the same time: a backlog that comes and goes."""
    rows: list[dict[str, Any]] = []
    for t in range(45):
        at = {"t": 1000.0 + t}
        backlog = max(0, 900 - 60 * abs(t - 20))
        rows.append({**at, "service": "lambda", "resource": "p", "name": "backlog_records", "value": backlog})
        rows.append(
            {**at, "service": "lambda", "resource": "p", "name": "iterator_age_ms", "value": backlog * 2}
        )
        rows.append({**at, "service": "apigateway", "resource": "i", "name": "authorizer_hits", "value": 300})
    return rows


def watch_rows() -> list[dict[str, Any]]:
    """The watchers over the same time; in one second nobody was told of anything."""
    return [
        {
            "t": 1000.0 + t,
            "webhook": 0 if t == 25 else 40 + t % 5,
            "subscription": 0 if t == 25 else 120,
            "webhook_p99_ms": None if t == 25 else 300 + t,
            "subscription_p99_ms": None if t == 25 else 90 + t % 9,
        }
        for t in range(40)
    ]
