// taproot makes what a Taproot key is to sign, with bitcoinjs-lib.
//
//   node taproot.mjs PUBLIC_KEY NUMBER      the address that the key, 33 bytes in hexadecimal, is paid to by its key path alone, and a
//                                           PSBT that spends 0.002 of it to bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4, another one
//                                           for each number. One line of JSON: {address, psbt}
import { argv } from 'node:process';
import { createHash } from 'node:crypto';
import * as bitcoin from 'bitcoinjs-lib';
import * as ecc from '@bitcoinerlab/secp256k1';

bitcoin.initEccLib(ecc);
const [, , publicKey, number] = argv;
const internalPubkey = Buffer.from(publicKey, 'hex').subarray(1);
const { address, output } = bitcoin.payments.p2tr({ internalPubkey });
const psbt = new bitcoin.Psbt();
psbt.addInput({ hash: createHash('sha256').update(number).digest(), index: 0, witnessUtxo: { script: output, value: 201000n }, tapInternalKey: internalPubkey });
psbt.addOutput({ address: 'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', value: 200000n });
console.log(JSON.stringify({ address, psbt: psbt.toBase64() }));
