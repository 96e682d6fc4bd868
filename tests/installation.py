"""An installation for tests: the fixture's supervisor, gateway and echo keeper on a free port of the loopback, and a client that
sends bytes as they are given."""

import json
import os
import random
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

import openapi
import processes

PROGRAM = os.environ.get("GATEWAY_FIXTURE") or os.path.join(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "build", "release", "tests", "gateway_fixture")
KEEPER_USER = 70402
DOCUMENT = openapi.Document()


PATIENCE_S = 400  # how long anything may take: it ends a test that hangs, and says nothing about how fast things are


RESERVED = []  # sockets, as long as this process lives


def free_port():
    """Nobody else is given it while this process lives: it stays bound, so that only whoever names it listens there (what a program
    binds to it shares it by SO_REUSEADDR, as servers do). Below the ports that the system gives to connections."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        end = int(file.read().split()[0])
    while True:
        reserved = socket.socket()
        port = random.randrange(max(1024, end - 20000), end) if end > 2048 else 0
        try:
            reserved.bind(("127.0.0.1", port))  # not shared with another that is reserved: the option comes after it
        except OSError:
            reserved.close()  # somebody's
            continue
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        RESERVED.append(reserved)
        return reserved.getsockname()[1]


class Answer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def json(self):
        return json.loads(self.body)

    def problem(self):
        assert self.fields["content-type"] == "application/problem+json", self.fields
        document = self.json()
        assert document["status"] == self.status, document
        prefix = "urn:gatehouse:problem:"
        assert document["type"].startswith(prefix), document
        return document["type"].removeprefix(prefix)


class Client:
    """One TLS connection. certificate: (path, path) or None."""

    def __init__(self, installation, certificate=None, timeout=400, **options):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if certificate is not None:
            context.load_cert_chain(*certificate)
        for name, value in options.items():
            setattr(context, name, value)
        raw = socket.create_connection(("127.0.0.1", installation.port), timeout=timeout)
        self.host = installation.authority
        self.socket = context.wrap_socket(raw, server_hostname="gate.example")
        self.buffered = b""

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def fill(self):
        part = self.socket.recv(65536)
        self.buffered += part
        return part != b""

    def read_head(self):
        while b"\r\n\r\n" not in self.buffered:
            if not self.fill():
                assert self.buffered == b"", f"closed in the middle of a head: {self.buffered!r}"
                return None
        head, self.buffered = self.buffered.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        version, status, _ = lines[0].split(" ", 2)
        assert version == "HTTP/1.1", version
        fields = {}
        for line in lines[1:]:
            name, value = line.split(": ", 1)
            assert name.lower() not in fields, f"{name} stands twice"
            fields[name.lower()] = value
        return int(status), fields

    def read(self):
        """The next answer, or None where the connection was closed before one began."""
        head = self.read_head()
        if head is None:
            return None
        status, fields = head
        length = int(fields.get("content-length", "0"))
        while len(self.buffered) < length:
            assert self.fill(), "closed in the middle of a body"
        body, self.buffered = self.buffered[:length], self.buffered[length:]
        return Answer(status, fields, body)

    def is_closed(self):
        """Whether the server has ended its side properly: with close_notify, which anything else raises an error for."""
        return self.buffered == b"" and self.socket.recv(1) == b""

    def request(self, method, target, body=None, **fields):
        text = f"{method} {target} HTTP/1.1\r\nHost: {self.host}\r\n"
        if method == "POST" and "Content_Type" not in fields:
            fields["Content_Type"] = "application/json"
        for name, value in fields.items():
            text += f"{name.replace('_', '-')}: {value}\r\n"
        if body is not None:
            text += f"Content-Length: {len(body)}\r\n"
        self.send(text.encode() + b"\r\n" + (body or b""))

    def ask(self, method, target, body=None, **fields):
        """A refusal is one that the document lists for the route; what is done is the echoing keeper's affair."""
        self.request(method, target, body, **fields)
        answer = self.read()
        route = DOCUMENT.find(method, target.partition("?")[0])
        assert answer is None or answer.status < 400 or route is None or str(answer.status) in route[1]["responses"], \
            f"{method} {target}: docs/openapi.yaml does not list {answer.status}"
        return answer

    def post(self, key, body=b"{}", target="/v1/operations"):
        return self.ask("POST", target, body, Idempotency_Key=key)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Installation:
    """settings: further lines of the configuration. Started and ready when entered; stopped, and its end checked, when left."""

    def __init__(self, settings="", tls="{}", environment=None, started_by=()):
        self.started_by = started_by
        self.directory = tempfile.mkdtemp(prefix="gatehouse-test-")
        os.chmod(self.directory, 0o711)
        self.port = free_port()
        self.authority = f"gate.example:{self.port}"
        self.settings, self.tls = settings, tls
        self.environment = environment or {}
        self.log_path = os.path.join(self.directory, "log")
        self.config_path = os.path.join(self.directory, "gatehouse.yaml")
        self.data = os.path.join(self.directory, "data")
        os.mkdir(self.data, 0o700)
        if os.geteuid() == 0:
            os.chown(self.data, KEEPER_USER, KEEPER_USER)
        self.passphrase_path = os.path.join(self.directory, "passphrase")
        self.root_key = f"{{file: {self.passphrase_path}}}"
        with open(self.passphrase_path, "w", encoding="utf-8") as file:
            file.write("correct horse\n")
        os.chmod(self.passphrase_path, 0o600)
        self.process = None
        self.expected_status = 0
        self.write_config()

    def write_config(self):
        with open(self.config_path, "w", encoding="utf-8") as file:
            file.write(f"""listen: [{{address: 127.0.0.1, port: {self.port}}}]
authority: ["{self.authority}", gate.example]
tls: {self.tls}
data_directory: {self.data}
rollback_guard: {{kind: none}}
root_key: {self.root_key}
log_level: info
{self.settings}
""")

    def launch(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([*self.started_by, PROGRAM, "serve", self.config_path], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env=os.environ | self.environment)

    def start(self):
        self.launch()
        self.wait_ready()

    def refuse_to_start(self, status):
        """Starts what must not; its log."""
        try:
            self.launch()
            ended = self.process.wait(timeout=PATIENCE_S)
            assert ended == status, f"ended with status {ended}\n{self.log()}"
            return self.log()
        finally:
            shutil.rmtree(self.directory)

    def wait_ready(self, deadline_s=PATIENCE_S):
        until = time.monotonic() + deadline_s
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log()
            try:
                with Client(self) as client:
                    if client.ask("GET", "/readyz").status == 200:
                        return
            except (OSError, AssertionError):
                pass
            time.sleep(0.02)
        raise AssertionError("not ready\n" + self.log())

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def wait_log(self, text, deadline_s=PATIENCE_S):
        until = time.monotonic() + deadline_s
        while text not in self.log():
            assert time.monotonic() < until, f"no {text!r} in\n{self.log()}"
            time.sleep(0.02)

    def find_pid(self, role):
        return processes.of_role(self.process.pid, role)

    def pid(self, role):
        """Of the process that runs now; one that is being started is waited for."""
        return self.wait_until(lambda: self.find_pid(role), f"a {role}")

    def wait_until(self, what, said):
        until = time.monotonic() + PATIENCE_S
        while not (found := what()):
            assert time.monotonic() < until, f"never {said}\n{self.log()}"
            time.sleep(0.02)
        return found

    def kill(self, role):
        """Ends it, and returns once another has taken its place; it need not be ready."""
        old = self.pid(role)
        os.kill(old, signal.SIGKILL)
        self.wait_until(lambda: self.find_pid(role) not in (old, None), f"another {role}")

    def signal(self, number):
        self.process.send_signal(number)

    def metric(self, name):
        with Client(self) as client:
            for line in client.ask("GET", "/metrics").body.decode().splitlines():
                if line.rsplit(" ", 1)[0] == name:
                    return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no metric {name}")

    def stop(self):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("did not stop\n" + self.log()) from None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, kind, *_):
        try:
            status = self.stop()
            if kind is None:
                assert status == self.expected_status, f"ended with status {status}\n{self.log()}"
                for report in ("AddressSanitizer", "LeakSanitizer", "ThreadSanitizer", "runtime error:"):
                    assert report not in self.log(), self.log()
            else:
                print("\n".join("# " + line for line in self.log().splitlines()[-40:]))
        finally:
            shutil.rmtree(self.directory)
