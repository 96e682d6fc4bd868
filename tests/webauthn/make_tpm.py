#!/usr/bin/env python3
"""Makes tests/webauthn/tpm.json by a TPM in software (Debian's swtpm and tpm2-tools, which no test needs): it makes the credential's key, its
attestation key certifies that (TPM2_Certify), and an authority of this script's own certifies the attestation key as the maker of a TPM would.

    make_tpm.py >tpm.json     each time with other keys
"""

import hashlib
import json
import os
import socket
import subprocess
import tempfile
import time

AAGUID = bytes.fromhex("08987058cadc4b81b6e130de50dcbe96")  # as Windows Hello's hardware authenticator says
ORIGIN, HOST, CHALLENGE = "https://gate.example", "gate.example", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
KEY, ATTESTATION_KEY = 0x81010002, 0x81010003  # persistent handles
EXTENSIONS = """basicConstraints=critical,CA:FALSE
extendedKeyUsage=2.23.133.8.3
subjectAltName=critical,dirName:tpm
[tpm]
1.2.23.133.2.1=id:49424D00
2.2.23.133.2.2=SW TPM
3.2.23.133.2.3=id:20191023
"""


def sh(*command):
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode == 0, done
    return done.stdout


def head(major, argument):
    if argument < 24:
        return bytes([major << 5 | argument])
    size = 1 if argument < 256 else 2
    return bytes([major << 5 | 23 + size]) + argument.to_bytes(size, "big")


def cbor(value):
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value)) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(key) + cbor(item) for key, item in value.items())


def read(path):
    with open(path, "rb") as file:
        return file.read()


def cose_key(area, algorithm):
    """From the end of the public area: sized unique values."""
    if algorithm == -7:
        x, y = area[-66:-34], area[-32:]
        return {1: 2, 3: -7, -1: 1, -2: x, -3: y}
    return {1: 3, 3: -257, -1: area[-256:], -2: b"\1\0\1"}


def sized(data):
    return len(data).to_bytes(2, "big") + data


def take(answer):
    size = int.from_bytes(answer[:2], "big")
    return answer[2:2 + size], answer[2 + size:]


def der_integer(number):
    number = number.lstrip(b"\0")
    number = b"\0" + number if number[0] & 0x80 else number
    return b"\2" + bytes([len(number)]) + number


def certify(nonce):
    """TPM2_Certify (TPM 2.0 Library, part 3, 18.2), for which tpm2_certify takes no qualifying data: the attestation, and its signature."""
    password = (0x40000009).to_bytes(4, "big") + sized(b"") + b"\1" + sized(b"")
    body = KEY.to_bytes(4, "big") + ATTESTATION_KEY.to_bytes(4, "big") + (2 * len(password)).to_bytes(4, "big") + 2 * password + sized(nonce) + b"\0\x10"
    command = b"\x80\2" + (len(body) + 10).to_bytes(4, "big") + (0x148).to_bytes(4, "big") + body
    answer = subprocess.run(["tpm2_send"], input=command, check=True, capture_output=True).stdout
    assert answer[6:10] == bytes(4), answer[:10].hex()
    certification, rest = take(answer[14:])
    scheme, first = rest[:2], rest[4:]
    one, rest = take(first)
    if scheme == b"\0\x14":  # RSASSA
        return certification, one
    two, _ = take(rest)
    content = der_integer(one) + der_integer(two)
    return certification, b"\x30" + bytes([len(content)]) + content


def register(name, algorithm, kind, ak):
    sh("tpm2_createek", "-c", "ek.ctx", "-G", "rsa", "-u", "ek.pub")
    sh("tpm2_createak", "-C", "ek.ctx", "-c", f"{name}-ak.ctx", "-G", ak[0], "-g", "sha256", "-s", ak[1], "-u", "ak.pem", "-f", "pem", "-n", "ak.name")
    sh("tpm2_flushcontext", "-t")
    sh("tpm2_createprimary", "-C", "o", "-c", "primary.ctx")
    sh("tpm2_create", "-C", "primary.ctx", "-G", kind, "-g", "sha256", "-u", "key.pub", "-r", "key.priv", "-a", "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign")
    sh("tpm2_flushcontext", "-t")
    sh("tpm2_load", "-C", "primary.ctx", "-u", "key.pub", "-r", "key.priv", "-c", "key.ctx")
    area = read("key.pub")[2:]  # TPM2B_PUBLIC: the size first
    credential = hashlib.sha256(name.encode()).digest()
    data = hashlib.sha256(HOST.encode()).digest() + b"\x45" + bytes(4) + AAGUID + len(credential).to_bytes(2, "big") + credential + cbor(cose_key(area, algorithm))
    client = json.dumps({"type": "webauthn.create", "challenge": CHALLENGE, "origin": ORIGIN, "crossOrigin": False}, separators=(",", ":")).encode()
    nonce = hashlib.sha256(data + hashlib.sha256(client).digest()).digest()
    for handle, context in ((KEY, "key.ctx"), (ATTESTATION_KEY, f"{name}-ak.ctx")):
        sh("tpm2_flushcontext", "-t")
        sh("tpm2_evictcontrol", "-C", "o", "-c", context, hex(handle))
    sh("tpm2_flushcontext", "-t")
    certification, signature = certify(nonce)
    for handle in (KEY, ATTESTATION_KEY):
        sh("tpm2_evictcontrol", "-C", "o", "-c", hex(handle))
    with open("extensions", "w", encoding="ascii") as file:
        file.write(EXTENSIONS)
    sh("openssl", "x509", "-new", "-subj", "/", "-force_pubkey", "ak.pem", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", "36500", "-extfile", "extensions", "-outform", "DER", "-out", "ak.crt")
    statement = {"alg": algorithm, "sig": signature, "ver": "2.0", "x5c": [read("ak.crt")], "pubArea": area, "certInfo": certification}
    return {"name": name, "source": "made by swtpm and tpm2-tools (tests/webauthn/make_tpm.py)",
            "attestation_object": cbor({"fmt": "tpm", "attStmt": statement, "authData": data}).hex(), "client_data": client.hex(),
            "root": sh("openssl", "x509", "-in", "ca.crt", "-outform", "DER").hex()}


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        tpm = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={folder}", "--server", f"type=tcp,port={port}", "--ctrl", f"type=tcp,port={port + 1}",
                                "--flags", "not-need-init,startup-clear"])
        os.environ["TPM2TOOLS_TCTI"] = f"swtpm:host=127.0.0.1,port={port}"
        try:
            while subprocess.run(["tpm2_getrandom", "1"], capture_output=True, check=False).returncode != 0:
                assert tpm.poll() is None
                time.sleep(0.1)
            sh("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "36500", "-subj", "/CN=Maker of TPMs (test)",
               "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", "ca.key", "-out", "ca.crt")
            made = [register("swtpm-es256", -7, "ecc256:ecdsa-sha256", ("ecc", "ecdsa")), register("swtpm-rs256", -257, "rsa2048:rsassa-sha256", ("rsa", "rsassa"))]
            print("[\n" + ",\n".join(json.dumps(one, sort_keys=True, separators=(",", ":")) for one in made) + "\n]")
        finally:
            tpm.terminate()
            tpm.wait()


if __name__ == "__main__":
    main()
