"""Limits that a source declares hold for all tasks of a read together."""

from __future__ import annotations

import json
import urllib.request
from datetime import date, datetime, timedelta

from databricks.labs.community_connector import register
from databricks.labs.community_connector._native import Connection

#: Requests that the definition of Mixpanel allows at a time.
MOST = 3

A_MONTH_AGO = (date.today() - timedelta(days=30)).isoformat()

PARAMETERS = {"auth_method": "service_account", "project_id": "1", "username": "simulated", "secret": "simulated"}


def most_at_once(simulator) -> int:
    """The most requests that were under way at a time, by the simulator's log."""
    with urllib.request.urlopen(f"{simulator.url}_simulator/requests") as answer:
        requests = json.load(answer)["requests"]
    assert len(requests) > 20
    events = []
    for request in requests:
        began = datetime.fromisoformat(request["at"].replace("Z", "+00:00"))
        # An end goes before a beginning at the same instant.
        events += [(began, 1), (began + timedelta(microseconds=request["micros"]), -1)]
    under_way, most = 0, 0
    for _, change in sorted(events):
        under_way += change
        most = max(most, under_way)
    return most


def test_tasks_of_a_read_keep_the_limits_of_the_source_together(spark, simulate):
    mixpanel = simulate("mixpanel", latency="100ms")
    register(spark, "mixpanel")
    options = {**PARAMETERS, "tableName": "events", "start_date": A_MONTH_AGO, "upstream": mixpanel.url}
    frame = spark.read.format("lakeflow_connect").options(**options).load()
    # As many tasks as run at a time; each might have several requests under way, had it the limit for itself.
    assert frame.rdd.getNumPartitions() == spark.sparkContext.defaultParallelism
    assert frame.count() > 100
    assert most_at_once(mixpanel) <= MOST


def test_tasks_are_no_more_than_the_requests_that_may_be_under_way(spark, simulate):
    register(spark, "mixpanel")
    mixpanel = simulate("mixpanel")
    options = {**PARAMETERS, "tableName": "events", "start_date": A_MONTH_AGO, "upstream": mixpanel.url}
    frame = spark.read.format("lakeflow_connect").options(maxTasks="8", **options).load()
    assert frame.rdd.getNumPartitions() == MOST


def test_only_declared_limits_decide_how_many_read():
    limited = Connection.resolve(PARAMETERS, source="mixpanel")
    assert [limited.most_readers(64, at_once) for at_once in (1, 2, 16)] == [1, 2, MOST]
    assert Connection.resolve({"token": "simulated"}, source="github").most_readers(64, 2) == 64
