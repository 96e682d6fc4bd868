"""A software authenticator with its browser, for tests that speak HTTP: ES256 by the openssl program; none as attestation."""

import base64
import hashlib
import json
import os
import subprocess


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def cbor_head(major, argument):
    if argument < 24:
        return bytes([major << 5 | argument])
    length = 1 if argument < 256 else 2
    return bytes([major << 5 | (24 if length == 1 else 25)]) + argument.to_bytes(length, "big")


def cbor_bytes(data):
    return cbor_head(2, len(data)) + data


def cbor_text(text):
    return cbor_head(3, len(text)) + text.encode()


class Passkey:
    """origin: where the browser stands; host: the relying party."""

    def __init__(self, folder, name, origin, host):
        self.key = os.path.join(folder, f"{name}.pem")
        self.origin, self.host, self.counter, self.flags = origin, host, 0, 0x05
        self.credential = hashlib.sha256(os.urandom(32)).digest()
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self.key], check=True, capture_output=True)

    def public_key(self):
        der = subprocess.run(["openssl", "ec", "-in", self.key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        x, y = der[-64:-32], der[-32:]
        return (b"\xa5\x01\x02\x03\x26\x20\x01\x21" + cbor_bytes(x) + b"\x22" + cbor_bytes(y))

    def client_data(self, kind, challenge):
        return json.dumps({"type": f"webauthn.{kind}", "challenge": base64url(challenge), "origin": self.origin, "crossOrigin": False},
                          separators=(",", ":")).encode()

    def data(self, flags):
        self.counter += 1
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def register(self, challenge):
        """{"attestation_object", "client_data"}, hexadecimal."""
        data = self.data(self.flags | 0x40) + bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential + self.public_key()
        attestation = b"\xa3" + cbor_text("fmt") + cbor_text("none") + cbor_text("attStmt") + b"\xa0" + cbor_text("authData") + cbor_bytes(data)
        return {"attestation_object": attestation.hex(), "client_data": self.client_data("create", challenge).hex()}

    def sign(self, challenge):
        """The body of POST /v1/session."""
        data, client_data = self.data(self.flags), self.client_data("get", challenge)
        message = data + hashlib.sha256(client_data).digest()
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key], input=message, check=True, capture_output=True).stdout
        return {"assertion": {"authenticator_data": data.hex(), "client_data": client_data.hex()}, "credential_id": self.credential.hex(),
                "signature": signature.hex()}
