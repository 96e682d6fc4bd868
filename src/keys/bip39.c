#include "keys/bip39.h"

#include "crypto/aead.h"
#include "crypto/declassify.h"
#include "crypto/hash.h"
#include "keys/bip39_words.h"

constexpr size_t WORD_MIN = 3;
constexpr size_t WORD_MAX = 8;
constexpr size_t INDEX_BITS = 11;

/* All bits set if a equals b, else none. */
static uint64_t
equal_mask(uint64_t a, uint64_t b) {
	uint64_t difference = a ^ b;
	return ((difference | (0 - difference)) >> 63) - 1;
}

static uint64_t
row(size_t index) {
	uint64_t letters;
	memcpy(&letters, bip39_words[index], sizeof letters);
	return letters;
}

/* The index of a word, found by looking at every row. */
static bool
find_word(struct bytes word, uint32_t *index) {
	uint64_t letters = 0, found = 0, at = 0;
	unsigned padded = 0; /* by the text itself, as rows are: no word of the list */
	memcpy(&letters, word.data, word.len);
	for (size_t i = 0; i < word.len; i++)
		padded |= word.data[i] == '\0';
	for (size_t i = 0; i < BIP39_LIST_SIZE; i++) {
		uint64_t same = equal_mask(letters, row(i));
		found |= same;
		at |= same & i;
	}
	*index = (uint32_t)at;
	return declassified((found != 0) & (padded == 0));
}

static uint32_t
checksum_byte(struct bytes entropy) {
	struct hash256 digest = sha256_of_secret(entropy);
	uint32_t byte = digest.bytes[0];
	secret_wipe(&digest, sizeof digest);
	return byte;
}

static void
put_bits(uint8_t *bits, size_t bit, uint32_t index) {
	uint8_t *at = bits + bit / 8;
	uint32_t window = index << (24 - INDEX_BITS - bit % 8);
	at[0] |= (uint8_t)(window >> 16);
	at[1] |= (uint8_t)(window >> 8);
	at[2] |= (uint8_t)window;
}

/* The next word of *text, which then starts after the space behind it. */
static struct bytes
next_word(struct bytes *text) {
	size_t len = 0;
	while (len < text->len && declassified(text->data[len] != ' '))
		len++;
	struct bytes word = bytes_of(text->data, len);
	size_t taken = len < text->len ? len + 1 : len;
	*text = bytes_of(text->data + taken, text->len - taken);
	return word;
}

static size_t
count_words(struct bytes text) {
	size_t words = text.len == 0 ? 0 : 1;
	for (size_t i = 0; i < text.len; i++)
		words += declassified(text.data[i] == ' ');
	return words;
}

static enum status
read_words(struct bytes mnemonic, size_t words, uint8_t *bits) {
	for (size_t i = 0; i < words; i++) {
		struct bytes word = next_word(&mnemonic);
		uint32_t index;
		if (word.len < WORD_MIN || word.len > WORD_MAX || !find_word(word, &index))
			return fail(STATUS_INVALID, "mnemonic.word: word %zu is not in the English list", i + 1);
		put_bits(bits, i * INDEX_BITS, index);
	}
	return OK;
}

enum status
bip39_read(struct bytes mnemonic, uint8_t *entropy, size_t *len) {
	size_t words = count_words(mnemonic);
	if (words < 12 || words > BIP39_WORDS_MAX || words % 3 != 0)
		return fail(STATUS_INVALID, "mnemonic.count: %zu words; 12, 15, 18, 21 or 24 are possible", words);
	uint8_t bits[BIP39_ENTROPY_MAX + 3] = {};
	size_t entropy_len = words / 3 * 4, checksum_bits = words / 3;
	enum status status = read_words(mnemonic, words, bits);
	if (status == OK) {
		uint32_t expected = checksum_byte(bytes_of(bits, entropy_len)) >> (8 - checksum_bits);
		uint32_t found = (uint32_t)bits[entropy_len] >> (8 - checksum_bits);
		if (declassified(expected != found))
			status = fail(STATUS_INVALID, "mnemonic.checksum: the words do not belong together");
	}
	if (status == OK) {
		memcpy(entropy, bits, entropy_len);
		*len = entropy_len;
	}
	secret_wipe(bits, sizeof bits);
	return status;
}

enum status
bip39_seed(struct bytes mnemonic, struct bytes passphrase, uint8_t seed[64]) {
	uint8_t entropy[BIP39_ENTROPY_MAX], all = 0;
	size_t len;
	TRY(bip39_read(mnemonic, entropy, &len));
	secret_wipe(entropy, sizeof entropy);
	for (size_t i = 0; i < passphrase.len; i++)
		all |= passphrase.data[i];
	if (declassified(all >= 0x80))
		return fail(STATUS_UNSUPPORTED,
			    "mnemonic.passphrase: not ASCII, and other text would have to be normalised first");
	_cleanup_(buffer_free) struct buffer salt = {}; /* wiped */
	buffer_append_text(&salt, "mnemonic");
	buffer_append_bytes(&salt, passphrase);
	TRY(buffer_status(&salt));
	return pbkdf2_hmac_sha512(mnemonic, buffer_bytes(&salt), 2048, seed, BIP39_SEED_SIZE);
}
