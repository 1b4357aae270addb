"""Runs a pipeline into lakehouses on an S3 server and on Azurite, and compares their tables with those on local disk.

Usage: check_stores.py PROGRAM [--moto MOTO_SERVER] [--azurite AZURITE_BLOB]

There is no server of Google's XML interface to be had, which is S3's but for its conditions: `gs://` is tried on the S3 server,
behind a proxy that answers in Google's words.

A proxy stands before each store. It kills the program when a commit is on its way: before it reaches the store, or after it did
and before the answer came back. However often that happens, the next run must go on with exact rows. At last two runs fill the
same tables at once. The exit status is 1 where a table differs.
"""

import argparse
import base64
import contextlib
import datetime
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Changes with deletes, their history, changes alone, appended rows, snapshots.
TABLES = {
    "tickets": {},
    "users": {"scd_type": "SCD_TYPE_2"},
    "organizations": {},
    "ticket_comments": {},
    "groups": {},
}
# What moves in the source, by its own tables.
CHANGES = {
    "tickets": {"added": 5, "changed": 40, "deleted": 6},
    "users": {"added": 5, "changed": 20, "deleted": 4},
    "organizations": {"added": 2, "changed": 9, "deleted": 0},
    "ticket_events": {"added": 30, "changed": 0, "deleted": 0},
    "groups": {"added": 1, "changed": 1, "deleted": 2},
}
COMMIT = re.compile(r"_delta_log/\d{20}\.json")
# Azurite's account, which is the same everywhere.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="

# Whom the S3 server takes Google's client for; it checks no signatures.
S3_AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none"


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def server(command, port, log):
    """A server that answers on a port, ended at last."""
    process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(600):
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended with {process.returncode}")
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.1)
        else:
            raise RuntimeError(f"{command[0]} does not answer")
        yield
    finally:
        process.kill()
        process.wait()


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a store, and kills a process at a chosen commit."""

    daemon_threads = True

    def __init__(self, upstream, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.upstream, self.lock = upstream, threading.Lock()
        self.victim, self.moment, self.countdown, self.kills = None, None, 0, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that died is what this is about."""

    def aim(self, victim, moment, nth):
        with self.lock:
            self.victim, self.moment, self.countdown = victim, moment, nth

    def strikes(self, path, moment):
        """Whether the process dies here."""
        with self.lock:
            if self.victim is None or self.moment != moment or not COMMIT.search(urllib.parse.unquote(path)):
                return False
            self.countdown -= 1
            if self.countdown > 0:
                return False
            self.victim.kill()
            self.victim, self.kills = None, self.kills + 1
            return True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_write = self.command == "PUT"
        if is_write and self.server.strikes(self.path, "before"):
            return self.hang_up()
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream)
        connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.asked().items():
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        if is_write and self.server.strikes(self.path, "after"):
            return self.hang_up()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                self.send_header(name, value)
        length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
        self.send_header("Content-Length", str(length or 0))
        self.end_headers()
        self.wfile.write(content)
        return None

    def asked(self):
        """The headers of the request as the store knows them."""
        return dict(self.headers.items())

    def hang_up(self):
        self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

    def log_message(self, *_):
        pass


class GoogleHandler(Handler):
    """Google's way to say that an object must not be there yet."""

    def asked(self):
        headers = super().asked()
        headers["authorization"] = S3_AUTHORIZATION
        if headers.pop("x-goog-if-generation-match", None) == "0":
            headers["If-None-Match"] = "*"
        return headers


def s3_environment(port):
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
    }


def google_environment(port):
    account = {"gcs_base_url": f"http://127.0.0.1:{port}", "disable_oauth": True}
    account |= {"client_email": "", "private_key": "", "private_key_id": ""}
    return {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account)}


def make_bucket(port):
    urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/lake", method="PUT"))


def azure_environment(port):
    return {
        "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
        "AZURE_STORAGE_ACCOUNT_KEY": KEY,
        "AZURE_STORAGE_ENDPOINT": f"http://127.0.0.1:{port}/{ACCOUNT}",
        "AZURE_ALLOW_HTTP": "true",
    }


def make_container(port):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"x-ms-date": now, "x-ms-version": "2021-08-06"}
    signed = "".join(f"{name}:{value}\n" for name, value in headers.items())
    text = "PUT" + "\n" * 12 + signed + f"/{ACCOUNT}/{ACCOUNT}/lake\nrestype:container"
    digest = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
    headers["Content-Length"] = "0"
    headers["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}"
    url = f"http://127.0.0.1:{port}/{ACCOUNT}/lake?restype=container"
    urllib.request.urlopen(urllib.request.Request(url, method="PUT", headers=headers))


class Pipeline:
    """The program with a simulated source, in a folder of its own."""

    def __init__(self, program, folder, simulator):
        self.program, self.folder, self.simulator = program, folder, simulator
        connections = folder / "connections.yaml"
        account = "{subdomain: acme, email: somebody@example.com, token: simulated}"
        connections.write_text(f"zendesk: {{source: zendesk, options: {account}}}\n")
        connections.chmod(0o600)
        tables = [{"source_table": name, "table_configuration": how} for name, how in TABLES.items()]
        spec = {"connection_name": "zendesk", "objects": [{"table": table} for table in tables]}
        (folder / "spec.yaml").write_text(json.dumps(spec))

    def start(self, lakehouse, environment, *arguments):
        command = [self.program, *arguments, "--lakehouse", lakehouse, "--connections", "connections.yaml"]
        command += ["--upstream", f"http://127.0.0.1:{self.simulator}"]
        whole = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **environment}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=self.folder, env=whole, text=True, **pipes)

    def start_run(self, lakehouse, environment):
        return self.start(lakehouse, environment, "run", "spec.yaml", "--commit-rows", "80")

    def run(self, lakehouse, environment):
        process = self.start_run(lakehouse, environment)
        output, errors = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"run into {lakehouse}: exit status {process.returncode}\n{output}\n{errors}")

    def rows(self, lakehouse, environment, table):
        process = self.start(lakehouse, environment, "show", table, "--format", "jsonl", "--limit", "100000000")
        output, errors = process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"show {table}: {errors}")
        return sorted(output.splitlines())

    def advance(self):
        body = json.dumps({"tables": CHANGES}).encode()
        url = f"http://127.0.0.1:{self.simulator}/_simulator/advance"
        headers = {"Content-Type": "application/json", "Authorization": "Bearer simulated"}
        urllib.request.urlopen(urllib.request.Request(url, data=body, method="POST", headers=headers))


def check(name, pipeline, url, environment, proxy, local):
    """Fills the tables in spite of deaths, compares, moves the source on, and again."""
    failures = 0
    for stage in ("filled", "changed", "two at once"):
        if stage != "filled":
            pipeline.advance()
        if stage == "two at once":
            failures += run_two(pipeline, url, environment)
        else:
            deaths = [("before", 1), ("after", 1), ("after", 4), ("before", 3), ("before", 2), ("after", 2)]
            for moment, nth in deaths:
                process = pipeline.start_run(url, environment)
                proxy.aim(process, moment, nth)
                process.communicate()
            proxy.aim(None, None, 0)
        pipeline.run(url, environment)
        pipeline.run(local, {})
        for table in TABLES:
            ours, expected = pipeline.rows(url, environment, table), pipeline.rows(local, {}, table)
            if ours != expected:
                failures += 1
                print(f"{name}, {stage}: {table} differs: {len(ours)} rows, expected {len(expected)}")
        print(f"{name}, {stage}: {proxy.kills} deaths so far, {len(TABLES)} tables compared")
    return failures


def run_two(pipeline, url, environment):
    processes = [pipeline.start_run(url, environment) for _ in range(2)]
    outcomes = [(process.communicate()[1], process.returncode) for process in processes]
    complaints = [errors for errors, status in outcomes if status != 0]
    unclear = [errors for errors in complaints if "another run" not in errors and "moved on" not in errors]
    for errors in unclear:
        print("two runs at once: an error that does not say what happened:", errors)
    if len(complaints) > 1 and all(error.count("error:") > len(TABLES) for error in complaints):
        print("two runs at once: both lost everything")
        return 1
    return len(unclear)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--moto")
    parser.add_argument("--azurite")
    arguments = parser.parse_args()
    program, failures = os.path.abspath(arguments.program), 0
    with contextlib.ExitStack() as stack:
        work = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        log = stack.enter_context(open(work / "servers.log", "w"))
        stores = []
        if arguments.moto:
            port = free_port()
            stack.enter_context(server([arguments.moto, "-H", "127.0.0.1", "-p", str(port)], port, log))
            make_bucket(port)
            stores.append(("S3", "s3://lake/house", port, s3_environment, Handler))
            stores.append(("Google", "gs://lake/google", port, google_environment, GoogleHandler))
        if arguments.azurite:
            port = free_port()
            command = [arguments.azurite, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--location", str(work / "azurite")]
            command += ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
            stack.enter_context(server(command, port, log))
            make_container(port)
            stores.append(("Azure", "az://lake/house", port, azure_environment, Handler))
        for name, url, port, environment, handler in stores:
            simulator = free_port()
            command = [program, "simulate", "zendesk", "--port", str(simulator), "--seed", "7"]
            with server(command, simulator, log), tempfile.TemporaryDirectory() as folder:
                proxy = Proxy(port, handler)
                pipeline = Pipeline(program, pathlib.Path(folder), simulator)
                failures += check(name, pipeline, url, environment(proxy.server_address[1]), proxy, f"{folder}/local")
                proxy.shutdown()
                if proxy.kills < 6:
                    print(f"{name}: only {proxy.kills} deaths")
                    failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
