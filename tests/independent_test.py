#!/usr/bin/env python3
"""The independent verifiers themselves (tests/independent/): each accepts what is sound and refuses it with one bit flipped.

A verifier that is not there (no Go, no npm packages) is skipped; scripts/test makes that a failure where CI=true.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import tap

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NPM = os.path.join(ROOT, "tests", "independent")
GO = os.path.join(ROOT, "build", "independent")


def go(name, *arguments):
    path = os.path.join(GO, name)
    if not os.path.exists(path):
        raise tap.Skip(f"{name} is not built")
    return outcome([path, *map(str, arguments)])


def node(name, *arguments):
    if not os.path.isdir(os.path.join(NPM, "node_modules")):
        raise tap.Skip("the npm packages are not installed")
    return outcome(["node", os.path.join(NPM, name), *map(str, arguments)])


def outcome(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert done.returncode == 0 or done.stdout.startswith("fail: "), done.stdout
    return done.returncode == 0, done.stdout.strip()


def javascript(program, *arguments):
    """A program in the folder of the packages; gives its standard output."""
    if not os.path.isdir(os.path.join(NPM, "node_modules")):
        raise tap.Skip("the npm packages are not installed")
    done = subprocess.run(["node", "--input-type=module", "-", *map(str, arguments)], input=program, cwd=NPM, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def accepted(result):
    assert result[0], result[1]
    return result[1]


def refused(result):
    assert not result[0], f"accepted: {result[1]}"


def write(folder, name, data):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return path


def flip(path, at, bit=1):
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ bit]))


# A log in the layout of C2SP tlog-tiles, from RFC 6962's definitions.

def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def root_of(hashes):
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root_of(hashes[:split]) + root_of(hashes[split:])).digest()


def path_of(hashes, index):
    if len(hashes) == 1:
        return []
    split = 1 << (len(hashes) - 1).bit_length() - 1
    if index < split:
        return path_of(hashes[:split], index) + [root_of(hashes[split:])]
    return path_of(hashes[split:], index - split) + [root_of(hashes[:split])]


def b64(data):
    return base64.b64encode(data).decode()


ENTRIES = [b"entry %d " % index * (index % 5) for index in range(600)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]


def write_log(folder):
    level, hashes = 0, LEAVES
    while hashes:
        for first in range(0, len(hashes), 256):
            part = hashes[first:first + 256]
            suffix = "" if len(part) == 256 else f".p/{len(part)}"
            write(folder, f"tile/{level}/{first // 256:03d}{suffix}", b"".join(part))
            if level == 0:
                bundle = b"".join(len(entry).to_bytes(2, "big") + entry for entry in ENTRIES[first:first + 256])
                write(folder, f"tile/entries/{first // 256:03d}{suffix}", bundle)
        hashes = [root_of(hashes[first:first + 256]) for first in range(0, len(hashes) - 255, 256)]
        level += 1


def test_verify_tiles_accepts_a_log_and_refuses_a_flipped_bit():
    with tempfile.TemporaryDirectory() as folder:
        write_log(folder)
        head = (len(ENTRIES), b64(root_of(LEAVES)))
        assert accepted(go("verify-tiles", folder, *head)) == "ok 600 entries"
        accepted(go("verify-tiles", folder, *head, 257, b64(root_of(LEAVES[:257]))))
        refused(go("verify-tiles", folder, *head, 256, b64(root_of(LEAVES[:257]))))
        refused(go("verify-tiles", folder, 599, head[1]))
        for name, at in [("tile/0/001", 100), ("tile/0/002.p/88", 0), ("tile/1/000.p/2", 40), ("tile/entries/000", 300),
                         ("tile/entries/002.p/88", 40)]:
            path = os.path.join(folder, name)
            flip(path, at)
            refused(go("verify-tiles", folder, *head))
            flip(path, at)
        accepted(go("verify-tiles", folder, *head))


class Signer:
    """An Ed25519 key of openssl, and its verification key as notes write it."""

    def __init__(self, folder, name):
        self.name = name
        self.path = os.path.join(folder, "key.pem")
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.path], check=True, capture_output=True)
        public = subprocess.run(["openssl", "pkey", "-in", self.path, "-pubout", "-outform", "DER"], check=True,
                                capture_output=True).stdout[-32:]
        self.id = hashlib.sha256(name.encode() + b"\n\1" + public).digest()[:4]
        self.vkey = f"{name}+{self.id.hex()}+{b64(bytes([1]) + public)}"

    def line(self, text):
        with tempfile.NamedTemporaryFile() as message:
            message.write(text.encode())
            message.flush()
            signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", message.name],
                                       check=True, capture_output=True).stdout
        return f"\u2014 {self.name} {b64(self.id + signature)}\n"


def test_verify_note_accepts_a_checkpoint_and_refuses_a_changed_one():
    with tempfile.TemporaryDirectory() as folder:
        signer, other = Signer(folder, "log.example"), Signer(folder, "other.example")
        signer = Signer(folder, "log.example")
        text = f"log.example\n600\n{b64(root_of(LEAVES))}\n"
        path = write(folder, "checkpoint", text + "\n" + signer.line(text))
        assert accepted(go("verify-note", path, signer.vkey)) == f"ok log.example 600 {b64(root_of(LEAVES))}"
        refused(go("verify-note", path, other.vkey))
        refused(go("verify-note", path, signer.vkey, other.vkey))
        refused(go("verify-note", write(folder, "changed", text.replace("600", "601") + "\n" + signer.line(text)), signer.vkey))


def test_verify_proof_accepts_a_receipt_and_refuses_another_leaf_index_or_path():
    with tempfile.TemporaryDirectory() as folder:
        signer = Signer(folder, "log.example")
        text = f"log.example\n600\n{b64(root_of(LEAVES))}\n"
        checkpoint = text + "\n" + signer.line(text)

        def receipt(index, path):
            lines = "".join(f"{b64(step)}\n" for step in path)
            return write(folder, "receipt", f"c2sp.org/tlog-proof@v1\nextra AAAA\nindex {index}\n{lines}\n{checkpoint}")

        entry = write(folder, "entry", ENTRIES[513])
        path = path_of(LEAVES, 513)
        assert accepted(go("verify-proof", receipt(513, path), entry, signer.vkey)) == "ok log.example 513 600"
        refused(go("verify-proof", receipt(512, path), entry, signer.vkey))
        refused(go("verify-proof", receipt(513, path[1:]), entry, signer.vkey))
        refused(go("verify-proof", receipt(513, path), write(folder, "entry", ENTRIES[512]), signer.vkey))


MAKE_MLDSA = """
import { writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { ml_dsa44 } from '@noble/post-quantum/ml-dsa.js';
const [folder, root] = process.argv.slice(2);
const { secretKey, publicKey } = ml_dsa44.keygen(new Uint8Array(32).fill(7));
const message = new TextEncoder().encode('a message');
writeFileSync(`${folder}/message`, message);
writeFileSync(`${folder}/public`, publicKey);
writeFileSync(`${folder}/signature`, ml_dsa44.sign(message, secretKey));
const name = 'log.example', key = Buffer.concat([Buffer.from([6]), publicKey]);
const id = createHash('sha256').update(`${name}\\n`).update(key).digest().subarray(0, 4);
const u64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b; };
const prefixed = Buffer.concat([Buffer.from([name.length]), Buffer.from(name)]);
const signed = Buffer.concat([Buffer.from('subtree/v1\\n\\0'), prefixed, u64(1795000000), prefixed, u64(0), u64(600), Buffer.from(root, 'base64')]);
const line = Buffer.concat([id, u64(1795000000), Buffer.from(ml_dsa44.sign(new Uint8Array(signed), secretKey))]).toString('base64');
writeFileSync(`${folder}/checkpoint`, `${name}\\n600\\n${root}\\n\\n\u2014 ${name} ${line}\\n`);
process.stdout.write(`${name}+${id.toString('hex')}+${key.toString('base64')}`);
"""


def test_verify_mldsa_accepts_a_signature_and_refuses_a_flipped_bit():
    with tempfile.TemporaryDirectory() as folder:
        vkey = javascript(MAKE_MLDSA, folder, b64(root_of(LEAVES)))
        files = [os.path.join(folder, name) for name in ("message", "signature", "public")]
        assert accepted(node("verify-mldsa.mjs", *files)) == "ok"
        for path, at in [(files[0], 0), (files[1], 0), (files[1], 1200), (files[1], 2419), (files[2], 1311)]:
            flip(path, at)
            refused(node("verify-mldsa.mjs", *files))
            flip(path, at)
        note = os.path.join(folder, "checkpoint")
        assert accepted(node("verify-note-mldsa.mjs", note, vkey)) == "ok log.example 600 1795000000"
        flip(note, 12)  # a digit of the size
        refused(node("verify-note-mldsa.mjs", note, vkey))


# The example of EIP-155.
ETHEREUM = ("f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe53756786600"
            "3e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83")


def test_verify_eth_reads_a_known_transaction_and_refuses_what_is_none():
    fields = json.loads(accepted(node("verify-eth.mjs", ETHEREUM)))
    assert fields["sender"] == "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F", fields
    assert fields["signing_hash"] == "0xdaf5a779ae972f972197303d7b574746c7ef83eadac0f2791ad23db92e4c8e53", fields
    assert (fields["chain_id"], fields["nonce"], fields["value"]) == ("1", "9", "1000000000000000000"), fields
    changed = json.loads(accepted(node("verify-eth.mjs", ETHEREUM.replace("0de0b6b3", "0de0b6b2"))))
    assert changed["sender"] != fields["sender"]
    refused(node("verify-eth.mjs", ETHEREUM[:-2]))
    unsigned = "ec098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a764000080018080"
    refused(node("verify-eth.mjs", unsigned))


MAKE_PSBT = """
import { writeFileSync } from 'node:fs';
import * as bitcoin from 'bitcoinjs-lib';
import * as ecc from '@bitcoinerlab/secp256k1';
bitcoin.initEccLib(ecc);
const folder = process.argv[2];
const privateKey = new Uint8Array(32).fill(9);
const publicKey = ecc.pointFromScalar(privateKey, true);
const signer = { publicKey, sign: (hash) => ecc.sign(hash, privateKey) };
const internal = publicKey.subarray(1), tweak = bitcoin.crypto.taggedHash('TapTweak', internal);
let even = publicKey[0] === 2 ? privateKey : ecc.privateNegate(privateKey);
const tweakedKey = ecc.privateAdd(even, tweak);
const taproot = { publicKey: ecc.pointFromScalar(tweakedKey, true), signSchnorr: (hash) => ecc.signSchnorr(hash, tweakedKey) };
const p2wpkh = bitcoin.payments.p2wpkh({ pubkey: publicKey });
const outputs = [
	bitcoin.payments.p2pkh({ pubkey: publicKey }).output, bitcoin.payments.p2sh({ redeem: p2wpkh }).output, p2wpkh.output,
	bitcoin.payments.p2tr({ internalPubkey: internal }).output,
];
const previous = new bitcoin.Transaction();
previous.version = 2;
previous.addInput(new Uint8Array(32).fill(1), 0);
for (const output of outputs) previous.addOutput(output, 100000n);
const psbt = new bitcoin.Psbt();
outputs.forEach((script, index) => {
	const input = { hash: previous.getId(), index, nonWitnessUtxo: previous.toBuffer() };
	if (index === 1) input.redeemScript = p2wpkh.output;
	if (index === 3) { input.witnessUtxo = { script, value: 100000n }; input.tapInternalKey = internal; }
	psbt.addInput(input);
});
psbt.addOutput({ script: p2wpkh.output, value: 390000n });
outputs.forEach((_, index) => psbt.signInput(index, index === 3 ? taproot : signer));
writeFileSync(`${folder}/signed.psbt`, psbt.toBase64());
writeFileSync(`${folder}/signed.bin`, psbt.toBuffer());
psbt.finalizeAllInputs();
writeFileSync(`${folder}/final.tx`, psbt.extractTransaction().toHex());
"""


def test_verify_psbt_accepts_four_kinds_of_input_and_refuses_flipped_bits():
    with tempfile.TemporaryDirectory() as folder:
        javascript(MAKE_PSBT, folder)
        psbt, final = os.path.join(folder, "signed.psbt"), os.path.join(folder, "final.tx")
        told = json.loads(accepted(node("verify-psbt.mjs", psbt)))
        assert told["inputs"] == ["p2pkh", "p2sh-p2wpkh", "p2wpkh", "p2tr"], told
        assert told["fee"] == "10000", told
        with open(final, encoding="ascii") as file:
            transaction = file.read()
        assert told["transaction"] == transaction
        assert json.loads(accepted(node("verify-psbt.mjs", os.path.join(folder, "signed.bin"), final))) == told
        # One bit of each signature, and of the output.
        ecdsa = transaction.index("4730440220") if "4730440220" in transaction else transaction.index("30450221")
        for at in (ecdsa + 40, transaction.rindex("0140") + 20, transaction.index("70f3050000000000")):
            digit = "%x" % (int(transaction[at], 16) ^ 1)
            changed = write(folder, "changed.tx", transaction[:at] + digit + transaction[at + 1:])
            refused(node("verify-psbt.mjs", psbt, changed))


def test_shipped_policies_validate_by_the_reference_implementation():
    schema = os.path.join(ROOT, "examples", "schema.cedarschema")
    policies = os.path.join(ROOT, "examples", "firm", "policy", "policies.cedar")
    accepted(node("validate-policies.mjs", schema, policies))
    with tempfile.NamedTemporaryFile("w", suffix=".cedar") as file, open(policies, encoding="utf-8") as source:
        file.write(source.read().replace("context.transfer has usd_cents && ", ""))
        file.flush()
        refused(node("validate-policies.mjs", schema, file.name))


if __name__ == "__main__":
    tap.main(globals())
