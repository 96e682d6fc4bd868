// derive reads a serialised extended key with ethers and derives from it.
//
//   node derive.mjs EXTENDED_KEY PATH      one line of JSON: {public_key}, compressed, in hexadecimal
import { argv } from 'node:process';
import { HDNodeWallet } from 'ethers';

const [, , key, path] = argv;
console.log(JSON.stringify({ public_key: HDNodeWallet.fromExtendedKey(key).derivePath(path).publicKey.slice(2) }));
