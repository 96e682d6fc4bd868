#include "tests/test.h"

#include "base/base58.h"
#include "crypto/hash.h"
#include "crypto/sign.h"
#include "keys/bip32.h"

/* BIP-32's own vectors 1 to 4. */
static const struct {
	const char *seed;
	struct {
		const char *path, *xpub, *xprv;
	} chains[6];
} vectors[] = {
	{"000102030405060708090a0b0c0d0e0f",
	 {{"m",
	   "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGM"
	   "cet8",
	   "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxr"
	   "MPHi"},
	  {"m/0'",
	   "xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvg"
	   "GDnw",
	   "xprv9uHRZZhk6KAJC1avXpDAp4MDc3sQKNxDiPvvkX8Br5ngLNv1TxvUxt4cV1rGL5hj6KCesnDYUhd7oWgT11eZG7XnxHrnYeSvkzY7d2b"
	   "hkJ7"},
	  {"m/0'/1",
	   "xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppu"
	   "CkwQ",
	   "xprv9wTYmMFdV23N2TdNG573QoEsfRrWKQgWeibmLntzniatZvR9BmLnvSxqu53Kw1UmYPxLgboyZQaXwTCg8MSY3H2EU4pWcQDnRnrVA1x"
	   "e8fs"},
	  {"m/0'/1/2'",
	   "xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5uJh7n7epu4trkrX7x7DogT5Uv6f"
	   "cLW5",
	   "xprv9z4pot5VBttmtdRTWfWQmoH1taj2axGVzFqSb8C9xaxKymcFzXBDptWmT7FwuEzG3ryjH4ktypQSAewRiNMjANTtpgP4mLTj34bhnZX"
	   "7UiM"},
	  {"m/0'/1/2'/2",
	   "xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fi"
	   "yLHV",
	   "xprvA2JDeKCSNNZky6uBCviVfJSKyQ1mDYahRjijr5idH2WwLsEd4Hsb2Tyh8RfQMuPh7f7RtyzTtdrbdqqsunu5Mm3wDvUAKRHSC34sJ7i"
	   "n334"},
	  {"m/0'/1/2'/2/1000000000",
	   "xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJod"
	   "rTHy",
	   "xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFSruoUihUZREPSL39UNdE3BB"
	   "Du76"}}},
	{"fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605"
	 "d5a575451"
	 "4e4b484542",
	 {{"m",
	   "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEG"
	   "uduB",
	   "xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3LqFtT2emdEXVYsC"
	   "zC2U"},
	  {"m/0",
	   "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMk"
	   "QTPH",
	   "xprv9vHkqa6EV4sPZHYqZznhT2NPtPCjKuDKGY38FBWLvgaDx45zo9WQRUT3dKYnjwih2yJD9mkrocEZXo1ex8G81dwSM1fwqWpWkeS3v86"
	   "pgKt"},
	  {"m/0/2147483647'",
	   "xpub6ASAVgeehLbnwdqV6UKMHVzgqAG8Gr6riv3Fxxpj8ksbH9ebxaEyBLZ85ySDhKiLDBrQSARLq1uNRts8RuJiHjaDMBU4Zn9h8LZNnBC"
	   "5y4a",
	   "xprv9wSp6B7kry3Vj9m1zSnLvN3xH8RdsPP1Mh7fAaR7aRLcQMKTR2vidYEeEg2mUCTAwCd6vnxVrcjfy2kRgVsFawNzmjuHc2YmYRmagcE"
	   "PdU9"},
	  {"m/0/2147483647'/1",
	   "xpub6DF8uhdarytz3FWdA8TvFSvvAh8dP3283MY7p2V4SeE2wyWmG5mg5EwVvmdMVCQcoNJxGoWaU9DCWh89LojfZ537wTfunKau47EL2dh"
	   "HKon",
	   "xprv9zFnWC6h2cLgpmSA46vutJzBcfJ8yaJGg8cX1e5StJh45BBciYTRXSd25UEPVuesF9yog62tGAQtHjXajPPdbRCHuWS6T8XA2ECKADd"
	   "w4Ef"},
	  {"m/0/2147483647'/1/2147483646'",
	   "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZv"
	   "RcEL",
	   "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2V"
	   "bFWc"},
	  {"m/0/2147483647'/1/2147483646'/2",
	   "xpub6FnCn6nSzZAw5Tw7cgR9bi15UV96gLZhjDstkXXxvCLsUXBGXPdSnLFbdpq8p9HmGsApME5hQTZ3emM2rnY5agb9rXpVGyy3bdW6EEg"
	   "Atqt",
	   "xprvA2nrNbFZABcdryreWet9Ea4LvTJcGsqrMzxHx98MMrotbir7yrKCEXw7nadnHM8Dq38EGfSh6dqA9QWTyefMLEcBYJUuekgW4BYPJcr"
	   "9E7j"}}},
	{"4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d145"
	 "7df2e5a3c"
	 "51c73235be",
	 {{"m",
	   "xpub661MyMwAqRbcEZVB4dScxMAdx6d4nFc9nvyvH3v4gJL378CSRZiYmhRoP7mBy6gSPSCYk6SzXPTf3ND1cZAceL7SfJ1Z3GC8vBgp2ep"
	   "Ut13",
	   "xprv9s21ZrQH143K25QhxbucbDDuQ4naNntJRi4KUfWT7xo4EKsHt2QJDu7KXp1A3u7Bi1j8ph3EGsZ9Xvz9dGuVrtHHs7pXeTzjuxBrCmm"
	   "hgC6"},
	  {"m/0'",
	   "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19"
	   "Zm4Y",
	   "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACV"
	   "iL4L"}}},
	{"3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678",
	 {{"m",
	   "xpub661MyMwAqRbcGczjuMoRm6dXaLDEhW1u34gKenbeYqAix21mdUKJyuyu5F1rzYGVxyL6tmgBUAEPrEz92mBXjByMRiJdba9wpnN37RL"
	   "LAXa",
	   "xprv9s21ZrQH143K48vGoLGRPxgo2JNkJ3J3fqkirQC2zVdk5Dgd5w14S7fRDyHH4dWNHUgkvsvNDCkvAwcSHNAQwhwgNMgZhLtQC63zxwh"
	   "QmRv"},
	  {"m/0'",
	   "xpub69AUMk3qDBi3uW1sXgjCmVjJ2G6WQoYSnNHyzkmdCHEhSZ4tBok37xfFEqHd2AddP56Tqp4o56AePAgCjYdvpW2PU2jbUPFKsav5ut6"
	   "Ch1m",
	   "xprv9vB7xEWwNp9kh1wQRfCCQMnZUEG21LpbR9NPCNN1dwhiZkjjeGRnaALmPXCX7SgjFTiCTT6bXes17boXtjq3xLpcDjzEuGLQBM5ohqk"
	   "ao9G"},
	  {"m/0'/1'",
	   "xpub6BJA1jSqiukeaesWfxe6sNK9CCGaujFFSJLomWHprUL9DePQ4JDkM5d88n49sMGJxrhpjazuXYWdMf17C9T5XnxkopaeS7jGk1GyyVz"
	   "iaMt",
	   "xprv9xJocDuwtYCMNAo3Zw76WENQeAS6WGXQ55RCy7tDJ8oALr4FWkuVoHJeHVAcAqiZLE7Je3vZJHxspZdFHfnBEjHqU5hG1Jaj32dVoS6"
	   "XLT1"}}},
};

/* BIP-32's vector 5: extended keys that must be refused, with the reason that is ours. */
static const struct {
	const char *reason, *text;
} refused[] = {
	{"bip32.public_key", /* a public version over a private key */
	 "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6LBpB85b3D2yc8sfvZU521AAwdZafEz7mnzBBsz4wKY5fTtTQ"
	 "Bm"},
	{"bip32.private_key", /* and the reverse */
	 "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFGTQQD3dC4H2D5GBj7vWvSQaaBv5cxi9gafk7NF3pnBju6dwK"
	 "vH"},
	{"bip32.public_key", /* prefix 04 */
	 "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Txnt3siSujt9RCVYsx4qHZGc62TG4McvMGcAUjeuwZdduYEv"
	 "Fn"},
	{"bip32.private_key", "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFGpWnsj83BHtEy5Zt8CcDr1UiRXu"
			      "WCmTQLxEK9vbz5gPstX92JQ"},
	{"bip32.public_key", /* prefix 01 */
	 "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6N8ZMMXctdiCjxTNq964yKkwrkBJJwpzZS4HS2fxvyYUA4q2X"
	 "e4"},
	{"bip32.private_key", "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFAzHGBP2UuGCqWLTAPLcMtD9y5gk"
			      "Z6Eq3Rjuahrv17fEQ3Qen6J"},
	{"bip32.master_parent", "xprv9s2SPatNQ9Vc6GTbVMFPFo7jsaZySyzk7L8n2uqKXJen3KUmvQNTuLh3fhZMBoG3G4ZW1N2kZuHEPY53qm"
				"bZzCHshoQnNf4GvELZfqTUrcv"},
	{"bip32.master_parent", "xpub661no6RGEX3uJkY4bNnPcw4URcQTrSibUZ4NqJEw5eBkv7ovTwgiT91XX27VbEXGENhYRCf7hyEbWrR3Fe"
				"wATdCEebj6znwMfQkhRYHRLpJ"},
	{"bip32.master_step", "xprv9s21ZrQH4r4TsiLvyLXqM9P7k1K3EYhA1kkD6xuquB5i39AU8KF42acDyL3qsDbU9NmZn6MsGSUYZEsuoePm"
			      "jzsB3eFKSUEh3Gu1N3cqVUN"},
	{"bip32.master_step", "xpub661MyMwAuDcm6CRQ5N4qiHKrJ39Xe1R1NyfouMKTTWcguwVcfrZJaNvhpebzGerh7gucBvzEQWRugZDuDXjN"
			      "DRmXzSZe4c7mnTK97pTvGS8"},
	{"bip32.version", "DMwo58pR1QLEFihHiXPVykYB6fJmsTeHvyTp7hRThAtCX8CvYzgPcn8XnmdfHGMQzT7ayAmfo4z3gY5KfbrZWZ6St24U"
			  "Vf2Qgo6oujFktLHdHY4"},
	{"bip32.version", "DMwo58pR1QLEFihHiXPVykYB6fJmsTeHvyTp7hRThAtCX8CvYzgPcn8XnmdfHPmHJiEDXkTiJTVV9rHEBUem2mwVbbNf"
			  "vT2MTcAqj3nesx8uBf9"},
	{"bip32.private_key", /* zero */
	 "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzF93Y5wvzdUayhgkkFoicQZcP3y52uPPxFnfoLZB21Teqt1VvE"
	 "Hx"},
	{"bip32.private_key", /* the order */
	 "xprv9s21ZrQH143K24Mfq5zL5MhWK9hUhhGbd45hLXo2Pq2oqzMMo63oStZzFAzHGBP2UuGCqWLTAPLcMtD5SDKr24z3aiUvKr9bJpdrcLg1y"
	 "3G"},
	{"bip32.public_key", /* x = 7 is on no point */
	 "xpub661MyMwAqRbcEYS8w7XLSVeEsBXy79zSzH1J8vCdxAZningWLdN3zgtU6Q5JXayek4PRsn35jii4veMimro1xefsM58PgBMrvdYre8QyU"
	 "LY"},
	{"bip32.checksum", "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3T"
			   "GtRBeJgk33yuGBxrMPHL"},
};

static struct signing_path
path_of(const char *text) {
	struct signing_path path;
	assert_ok(bip32_path_parse(bytes_of_text(text), &path));
	return path;
}

/* The extended key at a path, as it is serialised: with its parent's fingerprint and its step. */
static struct bip32_extended
extended_at(const struct bip32_node *master, struct signing_path path, bool is_private) {
	struct bip32_extended extended = {.is_private = is_private, .depth = (uint8_t)path.count};
	struct bip32_node node;
	uint8_t public_key[33];
	assert_ok(bip32_descend(master, &path, &node));
	assert_ok(secp256k1_public_key(node.key, public_key));
	memcpy(extended.chain_code, node.chain_code, 32);
	memcpy(extended.key, public_key, 33);
	if (is_private) {
		extended.key[0] = 0;
		memcpy(extended.key + 1, node.key, 32);
	}
	if (path.count > 0) {
		extended.step = path.steps[--path.count];
		assert_ok(bip32_descend(master, &path, &node));
		assert_ok(secp256k1_public_key(node.key, public_key));
		bip32_fingerprint(public_key, extended.parent);
	}
	return extended;
}

static void
bip32s_vectors_give_their_extended_keys(void **) {
	size_t executed = 0;
	for (size_t i = 0; i < ARRAY_LENGTH(vectors); i++) {
		uint8_t seed[64];
		struct bip32_node master;
		size_t len = strlen(vectors[i].seed) / 2;
		assert_ok(hex_decode(bytes_of_text(vectors[i].seed), seed, len));
		assert_ok(bip32_master(bytes_of(seed, len), &master));
		for (size_t j = 0; j < ARRAY_LENGTH(vectors[i].chains) && vectors[i].chains[j].path != nullptr;
		     j++, executed++) {
			char text[BIP32_TEXT_SIZE];
			struct bip32_extended made, read;
			made = extended_at(&master, path_of(vectors[i].chains[j].path), true);
			assert_ok(bip32_encode(&made, text));
			assert_string_equal(vectors[i].chains[j].xprv, text);
			assert_ok(bip32_decode(bytes_of_text(text), &read));
			assert_memory_equal(&made, &read, sizeof made);
			made = extended_at(&master, path_of(vectors[i].chains[j].path), false);
			assert_ok(bip32_encode(&made, text));
			assert_string_equal(vectors[i].chains[j].xpub, text);
			assert_ok(bip32_decode(bytes_of_text(text), &read));
			assert_memory_equal(&made, &read, sizeof made);
		}
	}
	assert_int_equal(executed, 17);
}

static void
public_derivation_agrees_with_private(void **) {
	struct bip32_node master, child;
	assert_ok(bip32_master(BYTES_OF_LITERAL("sixteen bytes or more"), &master));
	uint8_t parent_key[33], public_key[33], chain_code[32], expected[33];
	assert_ok(secp256k1_public_key(master.key, parent_key));
	for (uint32_t step = 0; step < 20; step++) {
		memcpy(public_key, parent_key, 33);
		memcpy(chain_code, master.chain_code, 32);
		assert_ok(bip32_public_child(public_key, chain_code, step * 107'374'182));
		assert_ok(bip32_child(&master, parent_key, step * 107'374'182, &child));
		assert_ok(secp256k1_public_key(child.key, expected));
		assert_memory_equal(expected, public_key, 33);
		assert_memory_equal(child.chain_code, chain_code, 32);
	}
	assert_fails(STATUS_INVALID, "bip32.hardened", bip32_public_child(public_key, chain_code, BIP32_HARDENED));
}

static void
the_fifth_vectors_keys_are_refused_by_name(void **) {
	struct bip32_extended extended;
	static_assert(ARRAY_LENGTH(refused) == 16);
	for (size_t i = 0; i < ARRAY_LENGTH(refused); i++)
		assert_fails(STATUS_INVALID, refused[i].reason,
			     bip32_decode(bytes_of_text(refused[i].text), &extended));
}

static void
texts_of_another_length_are_refused(void **) {
	struct bip32_extended extended;
	uint8_t bytes[83] = {0x04, 0x88, 0xad, 0xe4};
	char text[BIP32_TEXT_SIZE];
	for (size_t len = 0; len <= sizeof bytes; len++) {
		if (len == 82)
			continue;
		assert_ok(base58_encode(bytes_of(bytes, len), text));
		const char *reason = len > 82 ? "base58.capacity" : "bip32.length";
		assert_fails(STATUS_INVALID, reason, bip32_decode(bytes_of_text(text), &extended));
	}
	assert_fails(STATUS_INVALID, "base58.digit", bip32_decode(BYTES_OF_LITERAL("xprv0"), &extended));
}

static void
test_networks_have_their_own_prefix(void **) {
	struct bip32_node master;
	char text[BIP32_TEXT_SIZE];
	assert_ok(bip32_master(BYTES_OF_LITERAL("sixteen bytes or more"), &master));
	struct bip32_extended made = extended_at(&master, (struct signing_path){}, true), read;
	made.network = BIP32_TEST;
	assert_ok(bip32_encode(&made, text));
	assert_memory_equal("tprv", text, 4);
	assert_ok(bip32_decode(bytes_of_text(text), &read));
	assert_int_equal(read.network, BIP32_TEST);
	assert_true(read.is_private);
}

static void
seeds_of_16_to_64_bytes_are_taken(void **) {
	uint8_t seed[65] = {1};
	struct bip32_node master;
	assert_fails(STATUS_INVALID, "bip32.seed", bip32_master(bytes_of(seed, 15), &master));
	assert_ok(bip32_master(bytes_of(seed, 16), &master));
	assert_ok(bip32_master(bytes_of(seed, 64), &master));
	assert_fails(STATUS_INVALID, "bip32.seed", bip32_master(bytes_of(seed, 65), &master));
}

static void
paths_are_read_and_written(void **) {
	static const struct {
		const char *text, *canonical;
	} cases[] = {
		{"m", "m"},
		{"m/0", "m/0"},
		{"m/84'/0h/2147483647H/1/2147483647", "m/84'/0'/2147483647'/1/2147483647"},
		{"m/1/2/3/4/5/6/7/8/9/10", "m/1/2/3/4/5/6/7/8/9/10"},
		{"m/2147483647'/2147483647'/2147483647'/2147483647'/2147483647'/2147483647'/2147483647'/2147483647'/"
		 "2147483647'/"
		 "2147483647'",
		 "m/2147483647'/2147483647'/2147483647'/2147483647'/2147483647'/2147483647'/2147483647'/2147483647'/"
		 "2147483647'/"
		 "2147483647'"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		char text[BIP32_PATH_TEXT_SIZE];
		struct signing_path path = path_of(cases[i].text);
		bip32_path_format(&path, text);
		assert_string_equal(cases[i].canonical, text);
	}
}

static void
malformed_paths_are_refused(void **) {
	static const char *const cases[] = {
		"",
		"/",
		"0",
		"M/0",
		"m/",
		"m//0",
		"m/0/",
		"m/0''",
		"m/'",
		"m/-1",
		"m/+1",
		"m/00",
		"m/01",
		"m/1 ",
		"m/2147483648",
		"m/18446744073709551616",
		"m/0x1",
		"m0",
		"m/0hh",
		"m/0/h",
		"m'",
		"m/1.0",
		"m/1/2/3/4/5/6/7/8/9/10/11",
	};
	struct signing_path path;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_fails(STATUS_INVALID, "bip32.path", bip32_path_parse(bytes_of_text(cases[i]), &path));
}

static void
a_path_starts_with_its_prefixes_only(void **) {
	struct signing_path path = path_of("m/84'/0'/5"), prefix = path_of("m/84'/0'"), other = path_of("m/84'/0");
	assert_true(bip32_path_starts_with(&path, &prefix));
	assert_true(bip32_path_starts_with(&path, &path));
	assert_false(bip32_path_starts_with(&prefix, &path));
	assert_false(bip32_path_starts_with(&path, &other));
}

RUN_TESTS(T(bip32s_vectors_give_their_extended_keys), T(public_derivation_agrees_with_private),
	  T(the_fifth_vectors_keys_are_refused_by_name), T(texts_of_another_length_are_refused),
	  T(test_networks_have_their_own_prefix), T(seeds_of_16_to_64_bytes_are_taken), T(paths_are_read_and_written),
	  T(malformed_paths_are_refused), T(a_path_starts_with_its_prefixes_only))
