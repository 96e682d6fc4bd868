"""A person with a passkey in a browser, at one of several keepers: enrols it by a link, signs in, and votes."""

import hashlib
import http.client
import json
import os
import re
import ssl
import time

from passkey import Passkey


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class Person:
    def __init__(self, pseudonym, name):
        self.id, self.name, self.passkey, self.cookies = f"person:{pseudonym}", name, None, {}

    def ask(self, keeper, method, path, body=None):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(keeper.host, keeper.port, context=context, timeout=400)
        cookie = self.cookies.get(keeper.name)
        fields = {"Host": keeper.authority, "Content-Type": "application/json"} | ({"Cookie": cookie} if cookie else {})
        connection.request(method, path, body=None if body is None else json.dumps(body), headers=fields)
        answer = connection.getresponse()
        text, given = answer.read(), answer.headers.get("set-cookie")
        connection.close()
        if given:
            self.cookies[keeper.name] = given.split(";")[0]
        return answer.status, json.loads(text) if text else None

    def enrol(self, keeper, link):
        """By the link, at its keeper: once."""
        token = re.fullmatch(rf"https://{re.escape(keeper.authority)}/#/enrol/([0-9a-f]{{64}})\n", link)[1]
        status, options = self.ask(keeper, "POST", "/v1/enrolment/options", {"token": token})
        assert status == 200 and options["person"] == self.id and options["name"] == self.name, options
        self.passkey = Passkey(keeper.folder, self.name, f"https://{keeper.authority}", options["rp_id"])
        made = self.passkey.register(bytes.fromhex(options["challenge"])) | {"rp_id": options["rp_id"], "token": token}
        status, enrolled = self.ask(keeper, "POST", "/v1/enrolment", made)
        assert status == 201 and enrolled["key"] == f"{self.id}/{self.name}", enrolled

    def sign_in(self, keeper):
        challenge = bytes.fromhex(self.ask(keeper, "POST", "/v1/session/challenge")[1]["challenge"])
        status, session = self.ask(keeper, "POST", "/v1/session", self.passkey.sign(challenge))
        assert status == 201 and session["person"] == self.id, session

    def approve(self, keeper, operation):
        """What the console would sign for them: the keeper's answer."""
        status, shown = self.ask(keeper, "GET", f"/v1/operations/{operation}/payload")
        assert status == 200, shown
        statement = {"bundle_hash": shown["bundle"], "client": "console", "expires": int(time.time() * 1000) + 600_000,
                     "instance": "northwind.example", "nonce": os.urandom(16).hex(), "operation_digest": shown["digest"],
                     "operation_id": operation, "person": self.id, "stage": shown.get("stage", 0), "type": "gatehouse/approval/v1",
                     "verdict": "approve", "view_digest": shown["view_digest"]}
        signed = self.passkey.sign(hashlib.sha256(canonical(statement).encode()).digest())
        signature = {"assertion": signed["assertion"], "key_id": f"{self.id}/{self.name}", "signature": signed["signature"]}
        return self.ask(keeper, "POST", f"/v1/operations/{operation}/votes", {"signature": signature, "statement": statement})
