#!/usr/bin/env python3
"""Notifications, end to end: the installation as its own processes, confined where that is possible, and receivers that are real: HTTPS
servers of Python's ssl and http.server, and a mail server (aiosmtpd) with STARTTLS and authentication."""

import atexit
import base64
import email
import hashlib
import hmac
import http.server
import json
import logging
import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

import processes
import tap
from installation import PATIENCE_S
from northwind import Northwind, Served, free_port, make_certificate, run, transfer

logging.getLogger("mail.log").setLevel(logging.CRITICAL)
logging.getLogger("asyncio").setLevel(logging.CRITICAL)
AS_ROOT = os.geteuid() == 0
KEEPER_USER, FETCH_USER = 70402, 70405
SECRET = "0123456789abcdef0123456789abcdef"
ROUTING_KEY = "R0123456789abcdef0123456789abcde"
SLACK_REST = "/services/T000/B000/secretsecretsecret"
PASSWORD = "correct horse battery"
NAMES_AND_AMOUNTS = ("0x3535", "settlement", "p-000000000000000", "usd", "eth-hot", "options", "treasury", "5000")


class Receiver:
    """An HTTPS server. behave(handler) may do anything else than to answer 200."""

    def __init__(self, folder, name, port=None, host="127.0.0.1"):
        self.certificate = os.path.join(folder, f"{name}.crt")
        key = os.path.join(folder, f"{name}.key")
        if not os.path.exists(self.certificate):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                            "-subj", f"/CN={name}", "-addext", f"subjectAltName=IP:{host}", "-out", self.certificate, "-keyout", key],
                           check=True, capture_output=True)
        self.requests, self.behave = [], None
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.behave is not None and receiver.behave(self, body):
                    return
                receiver.requests.append((self.path, dict(self.headers.items()), body))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port or free_port()), Handler)  # its own also while nobody listens
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # who hangs up on an impostor is what is wanted
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def bodies(self, kind=None):
        bodies = [json.loads(body) for _, _, body in list(self.requests)]
        return bodies if kind is None else [body for body in bodies if body["kind"] == kind]

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class MailServer:
    """with_tls: STARTTLS is needed; is_implicit: TLS from the first byte."""

    def __init__(self, folder, with_tls=True, is_implicit=False):
        self.messages = []
        context = None
        if with_tls:
            self.certificate, key = make_certificate(folder, f"mail{len(os.listdir(folder))}")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, key)
        self.attempts = []

        def authenticate(server, session, envelope, mechanism, data):
            good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"gate", PASSWORD.encode())
            self.attempts.append((mechanism, good))
            return AuthResult(success=good)

        owner = self

        class Here(Controller):
            def factory(self):
                if is_implicit:
                    return SMTP(owner, hostname="mail.test")
                return SMTP(owner, tls_context=context, require_starttls=with_tls, authenticator=authenticate, auth_required=with_tls,
                            hostname="mail.test")

        self.controller = Here(self, hostname="127.0.0.1", port=free_port(), ssl_context=context if is_implicit else None)
        self.controller.start()
        self.port = self.controller.port

    async def handle_DATA(self, _server, session, envelope):
        self.messages.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content, session.ssl is not None))
        self.greetings = session.host_name
        return "250 accepted"

    def close(self):
        self.controller.stop()


class House(Served):
    """Northwind with these notifications: lines of YAML, in which FOLDER is its folder."""

    def __init__(self, *notifications, guard="path"):
        self.firm = Northwind(guard)
        self.nonce = 0
        firm = self.firm
        for name, text in (("hook", SECRET), ("pager", ROUTING_KEY), ("slack", SLACK_REST), ("password", PASSWORD), ("loose", SECRET), ("alien", SECRET)):
            with open(firm.at(name), "w", encoding="ascii") as file:
                file.write(text + "\n")
            if AS_ROOT:
                os.chown(firm.at(name), KEEPER_USER if name == "alien" else 0, FETCH_USER)
            os.chmod(firm.at(name), 0o644 if name == "loose" else 0o640 if AS_ROOT else 0o600)
        self.configure(*notifications)
        firm.found()
        self.closing = []

    def configure(self, *notifications):
        firm = self.firm
        with open(firm.config, encoding="utf-8") as file:
            text = file.read().split("notifications:")[0]
        with open(firm.config, "w", encoding="utf-8") as file:
            file.write(text + "notifications:\n" + "".join(f"  - {one}\n".replace("FOLDER", firm.folder) for one in notifications))

    def start(self):
        for name in os.listdir(self.firm.folder):
            if name.startswith("profile-"):
                os.unlink(self.firm.at(name))  # the proxies' ports are new
        self.firm.start()
        self.wait_ready()

    def of(self, name):
        """What /readyz says of a receiver."""
        return next((one for one in self.keeper_health().get("notifications", []) if one["name"] == name), {})

    def make_key(self):
        key = self.firm.must(self.firm.ask("person4", "key", "create", "eth-hot", "--account", "options-hot", "--json")).json()
        self.firm.approve(key["operation"], "person3", "person5")
        return key["operation"]

    def sign(self, hundredths):
        text = transfer(self.nonce, hundredths)
        self.nonce += 1
        return self.firm.ask("settlement", "op", "sign", "eth-hot", "--transaction", "-", "--json", given=text).json()

    def test(self, name):
        return self.firm.must(self.firm.ask("person1", "notify", "test", name, "--json")).json()["operation"]

    def kill(self, role):
        if pid := processes.of_role(self.firm.process.pid, role):
            os.kill(pid, 9)
        return pid is not None

    def metric(self, receiver, result):
        text = self.ask("/metrics")[1]
        for line in text.splitlines():
            if line.startswith("gatehouse_notifications_total{") and f'receiver="{receiver}"' in line and f'result="{result}"' in line:
                return int(float(line.split(" ")[1]))
        return 0

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is not None:
            print("\n".join("# " + line for line in self.firm.log().splitlines()[-40:]))
        self.firm.stop()
        self.firm.remove()


def hook(receiver, events="[held, denied, rejected, objected, expiring]", name="ops", more=""):
    return (f"{{name: {name}, kind: webhook, url: \"https://127.0.0.1:{receiver.port}/in\", secret_file: FOLDER/hook, "
            f"certificates: {receiver.certificate}, events: {events}{more}}}")


def verify(fields, body, secret=SECRET, now=None):
    """As docs/notifications.md tells a receiver to."""
    stamp = fields["Gatehouse-Timestamp"]
    expected = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert abs((now or time.time()) - int(stamp)) <= 300
    return hmac.compare_digest(fields["Gatehouse-Signature"], "v1=" + expected)


def folder_of():
    """For what a receiver needs; gone when the tests end."""
    folder = tempfile.mkdtemp(prefix="gatehouse-receiver-")
    os.chmod(folder, 0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def test_each_event_comes_once_signed_and_says_no_more_than_the_operation():
    receiver = Receiver(folder_of(), "hook")
    with House(hook(receiver)) as house:
        house.start()
        key = house.make_key()
        small = house.sign(10)
        held = house.sign(400)
        denied = house.sign(200000)
        assert (small["state"], held["state"], denied["state"]) == ("done", "held", "denied")
        house.firm.must(house.firm.ask("person4", "op", "reject", held["operation"], "--reason", "not asked", "--yes", "--json"))
        rejected = house.firm.must(house.firm.ask("person1", "op", "reject", held["operation"], "--reason", "a test", "--yes", "--json"), 1)
        tested = house.test("ops")
        house.wait_until(lambda: len(receiver.requests) >= 6)
        house.wait_until(lambda: house.of("ops")["pending"] == 0)
        seen = [(body["kind"], body["operation"]) for body in receiver.bodies()]
        assert seen == [("held", key), ("held", held["operation"]), ("denied", denied["operation"]), ("objected", held["operation"]), ("rejected", held["operation"]),
                        ("test", tested)], (seen, rejected)
        for path, fields, body in receiver.requests:
            assert path == "/in" and fields["Content-Type"] == "application/json"
            assert verify(fields, body) and not verify(fields, body + b" ") and not verify(fields, body, secret="x" * 32)
            document = json.loads(body)
            assert fields["Gatehouse-Event"] == document["id"] and document["count"] == 1 and document["type"] == "gatehouse/notice/v1"
            assert document["link"] == f"https://{house.firm.authority}/#/operations/{document['operation']}"
            assert set(document) == {"at", "count", "id", "instance", "kind", "link", "operation", "type"}
            assert not any(word in body.decode().replace(document["id"], "").replace(document["operation"], "") for word in NAMES_AND_AMOUNTS), body
        assert len({body["id"] for body in receiver.bodies()}) == 6
        house.wait_until(lambda: house.metric("ops", "delivered") == 6)
        assert house.metric("ops", "failed") == 0
    receiver.close()


def test_slack_teams_and_pagerduty_get_their_forms():
    receiver = Receiver(folder_of(), "hook")
    at = f"https://127.0.0.1:{receiver.port}"
    common = f"certificates: {receiver.certificate}, events: [held]"
    with House(f"{{name: chat, kind: slack, url: \"{at}\", secret_file: FOLDER/slack, {common}}}",
               f"{{name: team, kind: teams, url: \"{at}/teams\", {common}}}",
               f"{{name: duty, kind: pagerduty, url: \"{at}/v2/enqueue\", secret_file: FOLDER/pager, {common}}}") as house:
        house.start()
        operation = house.make_key()
        house.wait_until(lambda: len(receiver.requests) >= 3)
        got = {path: json.loads(body) for path, _, body in receiver.requests}
        assert set(got) == {SLACK_REST, "/teams", "/v2/enqueue"}, got
        link = f"https://{house.firm.authority}/#/operations/{operation}"
        assert link in got[SLACK_REST]["text"] and "waits for approval" in got[SLACK_REST]["text"]
        card = got["/teams"]["attachments"][0]["content"]
        assert card["type"] == "AdaptiveCard" and card["actions"][0]["url"] == link
        page = got["/v2/enqueue"]
        assert (page["routing_key"], page["event_action"], page["links"][0]["href"]) == (ROUTING_KEY, "trigger", link)
        assert page["payload"]["severity"] == "info" and page["payload"]["source"] == "northwind.example"
        for document in got.values():
            text = json.dumps(document).replace(operation, "")
            assert not any(word in text for word in NAMES_AND_AMOUNTS), text
        assert SECRET not in house.firm.log() and "secretsecret" not in house.firm.log() and ROUTING_KEY not in house.firm.log()
    receiver.close()


def test_what_a_receiver_does_wrong_is_tried_again_until_it_does_right():
    receiver = Receiver(folder_of(), "hook")
    done, is_told = [], threading.Event()

    def too_late(handler, _):
        time.sleep(8)
        handler.close_connection = True
        return True

    def answer(status, **fields):
        def behave(handler, _):
            handler.send_response(status)
            for name, value in fields.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return True
        return behave

    def hang_up(handler, _):
        handler.wfile.write(b"HTTP/1.1 200 O")
        handler.wfile.flush()
        handler.connection.close()
        handler.close_connection = True
        return True

    def nonsense(handler, _):
        handler.wfile.write(b"\x00\xff" * 40)
        handler.close_connection = True
        return True

    def endless_header(handler, _):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"x" * 100000)
        handler.close_connection = True
        return True

    wrong = {"500": answer(500), "302": answer(302, Location=f"https://127.0.0.1:{receiver.port}/elsewhere"), "closed": hang_up,
             "nonsense": nonsense, "header": endless_header, "late": too_late}

    def behave(handler, body):
        name = handler.path.lstrip("/")
        if name in wrong and name not in done:
            done.append(name)
            return wrong[name](handler, body)
        if name == "500" and not is_told.is_set():
            return wrong[name](handler, body)
        # Whatever follows the header is not waited for, however long it is.
        receiver.requests.append((handler.path, dict(handler.headers.items()), body))
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 40))
        handler.end_headers()
        try:
            handler.wfile.write(b"x" * (1 << 20))
        except OSError:
            pass
        handler.close_connection = True
        return True

    receiver.behave = behave
    with House(*(hook(receiver, name=name).replace("/in", f"/{name}") for name in wrong)) as house:
        house.start()
        operation = house.make_key()
        house.wait_until(lambda: house.of("500").get("failing_since", 0) > 0)
        assert "notifier.status: the receiver answered 500" in house.of("500")["error"]
        is_told.set()
        assert house.ask("/readyz")[0] == 200  # a receiver that is away keeps nobody from deciding
        house.wait_until(lambda: set(json.loads(house.ask("/readyz")[1])["confinement"])
                         == {"fetch", "gateway", "keeper", "supervisor", "worker"})
        for role, how in json.loads(house.ask("/readyz")[1])["confinement"].items():
            assert how["degraded"] is False and how["seccomp"] is True, (role, how)
        house.wait_until(lambda: len(receiver.requests) >= len(wrong))
        house.wait_until(lambda: all(house.of(name).get("pending") == 0 for name in wrong))
        assert sorted(done) == sorted(wrong), done
        assert sorted(path for path, _, _ in receiver.requests) == sorted(f"/{name}" for name in wrong)  # a redirect is not followed
        assert {body["operation"] for body in receiver.bodies()} == {operation} and len({body["id"] for body in receiver.bodies()}) == 1
        assert not any("failing_since" in house.of(name) for name in wrong)
        house.wait_until(lambda: all(house.metric(name, "delivered") == 1 for name in wrong))
        assert all(house.metric(name, "retried") >= 1 for name in wrong)
    receiver.close()


def test_one_receiver_that_is_away_or_an_impostor_keeps_no_other_from_anything():
    folder = folder_of()
    good, impostor, stranger = Receiver(folder, "good"), Receiver(folder, "impostor", host="127.0.0.2"), Receiver(folder, "stranger")
    away = free_port()
    trusting_wrongly = hook(stranger, name="stranger").replace(stranger.certificate, good.certificate)
    with House(f"{{name: away, kind: webhook, url: \"https://127.0.0.1:{away}/in\", secret_file: FOLDER/hook, certificates: {good.certificate}, "
               "events: [held], give_up: 3s}", hook(impostor, name="impostor"), trusting_wrongly,
               "{name: nowhere, kind: slack, url: \"https://nowhere.invalid/x\", events: [held]}",
               *(f"{{name: {name}, kind: webhook, url: \"https://127.0.0.1:9/x\", secret_file: FOLDER/{file}, events: [held]}}"
                 for name, file in (("secretless", "none"), ("loose", "loose"), ("alien", "alien"))),
               hook(good, events="[held, alert]", name="good")) as house:
        house.start()
        operation = house.make_key()
        house.wait_until(lambda: len(good.bodies("held")) == 1)
        assert good.bodies("held")[0]["operation"] == operation
        for name, error in (("impostor", "http_tls.certificate"), ("stranger", "http_tls.certificate"), ("nowhere", "http_target.lookup"),
                            ("secretless", "secret.open"), ("loose", "receiver.secret_mode"), *([("alien", "receiver.secret_mode")] if AS_ROOT else [])):
            house.wait_until(lambda: error in house.of(name).get("error", ""))
        assert impostor.requests == [] and stranger.requests == []
        # Given up after three seconds, which the one that works is told.
        house.wait_until(lambda: house.metric("away", "failed") == 1)
        assert "endpoint.connect" in house.of("away")["error"] and house.of("away")["pending"] == 0
        house.wait_until(lambda: good.bodies("alert") != [])
        alert = good.bodies("alert")[0]
        assert alert["alarm"] == "notification_failed" and alert["link"].endswith("/#/health") and "operation" not in alert
        assert "is given up: endpoint.connect" in house.firm.log()
    for receiver in (good, impostor, stranger):
        receiver.close()


def test_what_was_not_delivered_before_a_restart_is_delivered_after_it_under_the_same_id():
    folder = folder_of()
    receiver = Receiver(folder, "hook")
    with House(hook(receiver)) as house:
        house.start()
        house.test("ops")
        house.wait_until(lambda: len(receiver.requests) == 1 and house.of("ops")["pending"] == 0)
        port = receiver.port
        receiver.close()
        operation = house.make_key()
        house.wait_until(lambda: house.of("ops").get("failing_since", 0) > 0)
        # The helper and the keeper both die between event and delivery; nothing was said goodbye to.
        assert house.kill("fetch")
        house.wait_until(lambda: house.of("ops").get("retried", 0) >= 2)
        started = processes.children(house.firm.process.pid)
        house.firm.process.kill()
        house.firm.process.wait()
        # They end when they see it gone, and the port is free only then.
        until = time.monotonic() + PATIENCE_S
        while any(processes.words(pid) for pid in started):
            assert time.monotonic() < until, house.firm.log()
            time.sleep(0.02)
        again = Receiver(folder, "hook", port=port)
        house.start()
        house.wait_until(lambda: len(again.bodies("held")) >= 1)
        house.wait_until(lambda: house.of("ops")["pending"] == 0)
        assert {body["operation"] for body in again.bodies("held")} == {operation}
        # Restarted in order: nothing comes twice.
        before = len(again.requests)
        assert house.firm.stop() == 0
        house.start()
        house.test("ops")
        house.wait_until(lambda: len(again.requests) == before + 1)
        assert again.bodies()[-1]["kind"] == "test"
        again.close()


def test_alarms_are_told_when_they_begin():
    receiver = Receiver(folder_of(), "hook")
    with House(hook(receiver, events="[alert]"), guard="none") as house:
        house.start()
        house.wait_until(lambda: receiver.bodies("alert") != [])
        time.sleep(3)
        assert [body["alarm"] for body in receiver.bodies()] == ["rollback_guard_none"]
    receiver.close()


def test_breaking_the_glass_is_told_twice():
    receiver = Receiver(folder_of(), "hook")
    with House(hook(receiver, events="[break_glass, glass_broken]")) as house:
        house.start()
        house.make_key()
        asked = house.firm.must(house.firm.ask("person4", "key", "create", "spare", "--account", "options-hot", "--break-glass",
                                               "--reason", "the other one is lost", "--json")).json()
        house.wait_until(lambda: len(receiver.requests) == 1)
        house.firm.approve(asked["operation"], "person3", "person5")
        house.wait_until(lambda: len(receiver.requests) == 2)
        assert [(body["kind"], body["operation"]) for body in receiver.bodies()] == [("break_glass", asked["operation"]), ("glass_broken", asked["operation"])]
        assert len({body["id"] for body in receiver.bodies()}) == 2
    receiver.close()


def test_a_key_that_is_given_to_somebody_is_told_when_it_is_approved():
    receiver = Receiver(folder_of(), "hook")
    with House(hook(receiver, events="[enrolled]")) as house:
        house.start()
        house.firm.must(run("workload", "keygen", house.firm.at("keys", "another"), "--id", "settlement", "--name", "another"))
        asked = house.firm.must(house.firm.ask("person4", "workload", "key-add", house.firm.at("keys", "another.pub"), "--json")).json()
        assert receiver.requests == []
        house.firm.approve(asked["operation"], "person3", "person5")
        house.wait_until(lambda: len(receiver.requests) == 1)
        assert [(body["kind"], body["operation"]) for body in receiver.bodies()] == [("enrolled", asked["operation"])]
    receiver.close()


def approved_in_time(house, seconds):
    """An operation that was approved before the last quarter of its time, in which it would be told of, and how long that was; where this
    machine took longer, another one that has four times as long."""
    while True:
        started = time.monotonic()
        asked = house.firm.ask("person4", "group", "add", f"g{seconds}", "--expires", f"{seconds}s", "--json")
        done = asked.code == 0 and [house.firm.ask(who, "op", "approve", asked.json()["operation"], "--yes", "--json") for who in ("person3", "person5")]
        if time.monotonic() - started < 0.75 * seconds:
            assert [vote.json()["state"] for vote in done] == ["held", "done"], (asked, done)
            return asked.json()["operation"], seconds
        seconds *= 4


def test_a_held_operation_that_is_about_to_expire_is_told_of():
    receiver = Receiver(folder_of(), "hook")
    with House(hook(receiver, events="[expiring]")) as house:
        house.start()
        approved, seconds = approved_in_time(house, 12)
        held = house.firm.must(house.firm.ask("person4", "key", "create", "eth-hot", "--account", "options-hot", "--expires", f"{seconds}s", "--json")).json()
        house.wait_until(lambda: any(body["operation"] == held["operation"] for body in receiver.bodies()))
        time.sleep(3)
        told = [(body["kind"], body["operation"]) for body in receiver.bodies()]
        assert told.count(("expiring", held["operation"])) == 1 and approved not in [operation for _, operation in told], told
        assert seconds > 12 or len(told) == 1, told
    receiver.close()


def mail(server, certificate, more="", events="[held]", scheme="smtp"):
    return (f"{{name: mail, kind: smtp, url: \"{scheme}://127.0.0.1:{server.port}\", from: gate@northwind.example, "
            f"to: [desk@northwind.example, risk@northwind.example], certificates: {certificate}, events: {events}{more}}}")


def test_mail_goes_over_starttls_with_a_password_and_says_one_sentence():
    folder = folder_of()
    server = MailServer(folder)
    certificate = server.certificate
    with House(mail(server, certificate, ", user: gate, secret_file: FOLDER/password")) as house:
        house.start()
        operation = house.make_key()
        house.wait_until(lambda: server.messages != [])
        house.wait_until(lambda: house.metric("mail", "delivered") == 1)
        sender, recipients, content, was_encrypted = server.messages[0]
        assert was_encrypted and server.attempts[-1][1] and server.attempts[-1][0] in ("PLAIN", "LOGIN"), server.attempts
        assert (sender, recipients) == ("gate@northwind.example", ["desk@northwind.example", "risk@northwind.example"])
        message = email.message_from_bytes(content)
        assert message["Subject"] == "Gatehouse: An operation waits for approval" and message["Auto-Submitted"] == "auto-generated"
        text = message.get_payload()
        assert f"/#/operations/{operation}" in text and "northwind.example" in text
        assert not any(word in text.replace(operation, "") for word in NAMES_AND_AMOUNTS), text
        assert PASSWORD not in house.firm.log() and base64.b64encode(PASSWORD.encode()).decode() not in house.firm.log()
    server.close()


def test_mail_is_not_sent_in_clear_nor_to_an_impostor_nor_with_a_wrong_password():
    folder = folder_of()
    server, plain, whole = MailServer(folder), MailServer(folder, with_tls=False), MailServer(folder, is_implicit=True)
    certificate = server.certificate
    stranger = make_certificate(folder, "stranger")[0]
    with House(mail(plain, certificate).replace("name: mail", "name: stripped"), mail(server, stranger).replace("name: mail", "name: impostor"),
               mail(server, certificate, ", user: gate, secret_file: FOLDER/hook").replace("name: mail", "name: password"),
               mail(plain, certificate, ", tls: none").replace("name: mail", "name: local"),
               mail(whole, whole.certificate, scheme="smtps").replace("name: mail", "name: whole")) as house:
        house.start()
        house.make_key()
        for name in ("stripped", "impostor", "password"):
            house.wait_until(lambda: house.of(name).get("error", "").startswith("mail.send: "))
        house.wait_until(lambda: house.metric("local", "delivered") == 1)
        house.wait_until(lambda: house.metric("whole", "delivered") == 1)
        assert len(whole.messages) == 1 and whole.greetings == "northwind.example"
        assert len(plain.messages) == 1 and not plain.messages[0][3] and server.messages == []
        assert "STARTTLS" in house.of("stripped")["error"], house.of("stripped")
        assert server.attempts and not any(good for _, good in server.attempts)
    for one in (server, plain, whole):
        one.close()


tap.main(globals())
