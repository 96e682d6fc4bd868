"""Northwind, founded and served by the program itself for a test: keys, ceremony, supervisor, and the command line as its people
and workloads use it. Between them stand proxies of the test's own, one in each zone, which record every request and answer, and
may change them."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

from installation import DOCUMENT, PATIENCE_S, free_port

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.environ.get("GATEHOUSE") or os.path.join(ROOT, "build", "release", "src", "cli", "gatehouse")
SERVER = os.environ.get("GATEHOUSE_SERVER") or PROGRAM  # the same, where a sanitizer does not fit confinement
VERIFIER = os.environ.get("GATEHOUSE_VERIFY") or os.path.join(ROOT, "build", "release", "src", "ledger", "gatehouse-verify")
PEOPLE = {f"person{i}": f"p-000000000000000{i}" for i in range(1, 6)}
WORKLOADS = ("settlement", "treasurer", "prices")
ADDRESSES = {"settlement": "127.1.0.1", "treasurer": "127.2.0.1", "prices": "127.3.0.1"}  # in their zones


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit code {self.code}\n{self.out}\n{self.err}"


def run(*arguments, given=None, **environment):
    """The program, which must not hang; nothing is checked."""
    return Result(subprocess.run([PROGRAM, *arguments], input=given, text=True, capture_output=True, timeout=400, check=False,
                                 stdin=subprocess.DEVNULL if given is None else None, env=os.environ | environment))


def make_certificate(folder, name):
    paths = [os.path.join(folder, f"{name}.{kind}") for kind in ("crt", "key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]],
                   check=True, capture_output=True)
    return paths


class Exchange:
    """One request and its answer. Header fields by lower-case name. seconds: from its last byte to the last of the answer."""

    def __init__(self, method, target, fields, body):
        self.method, self.target, self.fields, self.body = method, target, fields, body
        self.status, self.answer_fields, self.answer, self.seconds = None, {}, b"", 0.0

    @property
    def path(self):
        return self.target.split("?")[0]


def read_message(stream):
    """First line, fields, body; None at the end."""
    first = stream.readline()
    if not first:
        return None
    fields = {}
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, value = line.decode().rstrip("\r\n").split(":", 1)
        fields[name.lower()] = value.strip()
    return first.decode().rstrip("\r\n"), fields, stream.read(int(fields.get("content-length", "0")))


def write_message(sock, first, fields, body):
    sock.sendall((first + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n").encode() + body)


class Proxy:
    """change(exchange) may alter an answer before it is passed on; where unanswered(exchange, nth of the connection) or answered(exchange)
    is true, the connection ends there. serving: how many connections there are."""

    def __init__(self, certificate, upstream, source):
        self.upstream, self.source, self.exchanges, self.change = upstream, source, [], None
        self.lock = threading.Lock()
        self.unanswered, self.answered, self.serving = lambda exchange, nth: False, lambda exchange: False, 0
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.acceptor = threading.Thread(target=self.accept, daemon=True)
        self.acceptor.start()

    def accept(self):
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.serving += 1
            threading.Thread(target=self.serve, args=(raw,), daemon=True).start()

    def serve(self, raw):
        client_side = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client_side.check_hostname, client_side.verify_mode = False, ssl.CERT_NONE
        nth = 0
        try:
            with self.context.wrap_socket(raw, server_side=True) as near, near.makefile("rb") as near_stream, \
                    client_side.wrap_socket(socket.create_connection(self.upstream, source_address=(self.source, 0))) as far, far.makefile("rb") as far_stream:
                while (message := read_message(near_stream)) is not None:
                    method, target, _ = message[0].split(" ")
                    exchange = Exchange(method, target, *message[1:])
                    nth += 1
                    if self.unanswered(exchange, nth):
                        break
                    write_message(far, *message)
                    sent = time.monotonic()
                    first, exchange.answer_fields, exchange.answer = read_message(far_stream)
                    exchange.seconds = time.monotonic() - sent
                    exchange.status = int(first.split(" ")[1])
                    self.exchanges.append(exchange)
                    body = exchange.answer if self.change is None else self.change(exchange)
                    exchange.answer_fields["content-length"] = str(len(body))
                    write_message(near, first, exchange.answer_fields, body)
                    if self.answered(exchange):
                        break
        except (OSError, ssl.SSLError):
            pass  # whoever broke off sees it on the other side
        finally:
            with self.lock:
                self.serving -= 1

    def close(self):
        """Ended before it is closed: a thread that still waits at the descriptor would take connections of whoever gets its number."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join()
        self.listener.close()


class Northwind:
    def __init__(self, guard="path", host="127.0.0.1", tls="{}"):
        self.folder = tempfile.mkdtemp(prefix="gatehouse-test-")
        os.chmod(self.folder, 0o711)
        self.port = free_port()
        self.authority = f"{host}:{self.port}"
        self.data, self.log_path = self.at("data"), self.at("log")
        self.config, self.founding = self.at("gatehouse.yaml"), self.at("firm.yaml")
        self.process, self.host = None, "127.0.0.1"
        self.prefix, self.server = [], SERVER  # of the command that serves
        shutil.copy(os.path.join(ROOT, "examples", "firm", "firm.yaml"), self.folder)
        shutil.copytree(os.path.join(ROOT, "examples", "firm", "policy"), self.at("policy"))
        os.mkdir(self.at("keys"))
        guard_text = {"path": f"{{kind: path, path: {self.at('mark')}}}", "none": "{kind: none}"}.get(guard, guard.replace("FOLDER", self.folder))
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"""listen: [{{address: 127.0.0.1, port: {self.port}}}]
authority: ["{self.authority}"]
tls: {tls.replace("FOLDER", self.folder)}
data_directory: {self.data}
rollback_guard: {guard_text}
root_key: {{file: {self.at("root-key")}}}
log_level: info
""")
        self.proxies, self.exchanges = {}, []

    def at(self, *names):
        return os.path.join(self.folder, *names)

    def make_keys(self):
        for number, pseudonym in enumerate(PEOPLE.values(), 1):
            self.must(run("person", "keygen", self.at("keys", str(number)), "--id", pseudonym))
        for name in WORKLOADS:
            self.must(run("workload", "keygen", self.at("keys", name), "--id", name))

    @staticmethod
    def must(result, code=0):
        assert result.code == code, f"expected exit code {code}: {result}"
        return result

    def wait_for_nothing(self, folder=None):
        """Policies, the founding's or a copy: whoever is given a voice has it at once, since what is waited for here is not the clock."""
        folder = folder or self.at("policy")
        shutil.rmtree(os.path.join(folder, "tests"))
        for name in ("policies.cedar", "invariants.cedar"):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                text, count = re.subn(r"(waiting_ms (?:<|>=)) (?:86400000|3600000)", r"\1 -9999999999999", file.read())
            assert count > 0, name
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)

    def found(self):
        self.make_keys()
        return self.must(run("init", "--config", self.config, "--founding", self.founding, "--json",
                             "--sign-with", self.at("keys", "1"), "--sign-with", self.at("keys", "3"))).json()

    def start(self):
        with open(self.log_path, "ab") as log:
            said_before = log.tell()
            self.process = subprocess.Popen([*self.prefix, self.server, "serve", "--config", self.config], stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        certificate = make_certificate(self.folder, "proxy")
        for address in {"127.0.0.1", *ADDRESSES.values()}:
            self.proxies[address] = Proxy(certificate, (self.host, self.port), address if self.host == "127.0.0.1" else "")
            self.proxies[address].exchanges = self.exchanges
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log()
            if "all processes are ready" in self.log()[said_before:]:
                return
            time.sleep(0.02)
        raise AssertionError("not ready\n" + self.log())

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def proxy_of(self, who):
        return self.proxies[ADDRESSES.get(who, "127.0.0.1")]

    def profile(self, who):
        """Of "person1" or "settlement"; written once."""
        path = self.at(f"profile-{who}.yaml")
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"url: https://127.0.0.1:{self.proxy_of(who).port}\nauthority: {self.authority}\n"
                           f"instance: northwind.example\nkey: keys/{who.removeprefix('person')}\nca: proxy.crt\n")
        return path

    def ask(self, who, *arguments, given=None):
        return run(*arguments, given=given, GATEHOUSE_PROFILE=self.profile(who))

    def approve(self, operation, *people):
        """Held until the last of them has approved."""
        for who in people[:-1]:
            answer = self.must(self.ask(who, "op", "approve", operation, "--yes", "--json")).json()
            assert answer["state"] == "held", answer
        answer = self.must(self.ask(people[-1], "op", "approve", operation, "--yes", "--json")).json()
        assert answer["state"] == "done", answer
        return answer

    def stop(self):
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=400)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError("did not stop\n" + self.log()) from None
        self.process = None
        for proxy in self.proxies.values():
            proxy.close()
        return status

    def remove(self):
        shutil.rmtree(self.folder)


class Served:
    """What tests ask of a running Northwind, self.firm, past proxies and command line."""

    def ask(self, target):
        """Status and text; 0 and "null" where nobody answers, as of a gateway that is being started."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        try:
            with urllib.request.urlopen(f"https://{self.firm.host}:{self.firm.port}{target}", context=context, timeout=400) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            return 0, "null"

    def keeper_health(self):
        """What the keeper reported last; empty as long as it has not."""
        status, text = self.ask("/healthz")
        if status == 200:
            DOCUMENT.check(json.loads(text), {"$ref": "#/components/schemas/Health"})
        return (json.loads(text) or {}).get("keeper") or {}

    def wait_until(self, what):
        until = time.monotonic() + PATIENCE_S
        while not what():
            assert self.firm.process.poll() is None, self.firm.log()
            assert time.monotonic() < until, f"{self.ask('/healthz')}\n{self.firm.log()}"
            time.sleep(0.02)

    def wait_ready(self):
        self.wait_until(lambda: self.ask("/readyz")[0] == 200)


# --- Transactions, as wallets make them. ---


def rlp(item):
    """RLP of integers, bytes and lists."""
    if isinstance(item, int):
        item = item.to_bytes((item.bit_length() + 7) // 8, "big")
    if isinstance(item, list):
        content, short, long = b"".join(map(rlp, item)), 0xC0, 0xF7
    else:
        content, short, long = item, 0x80, 0xB7
        if len(content) == 1 and content[0] < 0x80:
            return content
    if len(content) < 56:
        return bytes([short + len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([long + len(length)]) + length + content


def transfer(nonce, ether_hundredths, to="3535353535353535353535353535353535353535", data=b""):
    """An unsigned EIP-1559 transfer on chain 1, in hexadecimal."""
    wei = ether_hundredths * 10**16
    fields = [1, nonce, 10**9, 30 * 10**9, 21000 if not data else 80000, bytes.fromhex(to), wei, data, []]
    return "0x" + (b"\x02" + rlp(fields)).hex()
