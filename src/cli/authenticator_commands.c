/* Passkeys: a person's, and which certificates vouch for a model of authenticators, from files or FIDO's signed metadata. */
#include "base/io.h"
#include "base/secret.h"
#include "base/time.h"
#include "cli/handlers.h"
#include "cli/output.h"
#include "cli/submit.h"
#include "crypto/random.h"
#include "identity/metadata.h"

constexpr size_t CERTIFICATE_FILE_MAX = 16'384;
constexpr size_t PASSKEY_FILE_MAX = 65'536;
constexpr size_t METADATA_FILE_MAX = (size_t)32 << 20;

/* "01234567-89ab-…", hyphens anywhere or nowhere. */
static enum status
read_aaguid(const char *word, uint8_t aaguid[16]) {
	uint8_t digits[32];
	size_t count = 0;
	for (const char *c = word; *c != '\0'; c++) {
		if (*c == '-')
			continue;
		if (count == sizeof digits)
			return fail(STATUS_INVALID, "usage.aaguid: more than 32 hexadecimal digits");
		digits[count++] = (uint8_t)*c;
	}
	if (count != sizeof digits || hex_decode(BYTES_OF_ARRAY(digits), aaguid, 16) != OK)
		return fail(STATUS_INVALID, "usage.aaguid: expected 32 hexadecimal digits, hyphens between them");
	return OK;
}

static enum status
read_bytes(struct invocation *invocation, const char *path, size_t max, struct bytes *bytes) {
	_cleanup_(buffer_free) struct buffer text = {};
	TRY(io_read_file(io_system(), path, max, &text));
	*bytes = arena_copy(&invocation->arena, buffer_bytes(&text));
	TRY_ALLOC(bytes->data);
	return OK;
}

/* The certificates of --root, each readable. */
static enum status
read_roots(struct invocation *invocation, struct certificate_roots *roots, struct json_writer *writer) {
	const char *path;
	for (size_t i = 0; (path = invocation_option_at(invocation, "root", i)) != nullptr; i++) {
		struct bytes der;
		TRY(read_bytes(invocation, path, CERTIFICATE_FILE_MAX, &der));
		TRY(certificate_roots_add(roots, der));
		if (writer != nullptr)
			json_write_hex(writer, der);
	}
	return OK;
}

/* What metadata says of the model: its certificates, unless something speaks against it. */
static enum status
write_from_metadata(struct invocation *invocation, const char *path, const uint8_t aaguid[16],
		    struct json_writer *writer) {
	_cleanup_(certificate_roots_destroy) struct certificate_roots *roots = nullptr;
	const struct metadata_model *model;
	struct metadata metadata;
	struct bytes blob;
	TRY(certificate_roots_create(&roots));
	TRY(read_roots(invocation, roots, nullptr));
	TRY(read_bytes(invocation, path, METADATA_FILE_MAX, &blob));
	TRY(metadata_read(&invocation->arena, blob, roots, invocation_option(invocation, "signer") ?: METADATA_SIGNER,
			  io_realtime_ns(io_system()) / 1'000'000, &metadata));
	TRY(metadata_find(&metadata, aaguid, &model));
	for (size_t i = 0; i < model->root_count; i++)
		json_write_hex(writer, model->roots[i]);
	return OK;
}

enum status
authenticator_trust_run(struct invocation *invocation) {
	_cleanup_(certificate_roots_destroy) struct certificate_roots *roots = nullptr;
	_cleanup_(buffer_free) struct buffer payload = {};
	const char *metadata = invocation_option(invocation, "metadata");
	struct json_writer writer;
	uint8_t aaguid[16];
	TRY(read_aaguid(invocation_word(invocation, 0), aaguid));
	TRY(certificate_roots_create(&roots));
	json_writer_start(&writer, &payload);
	json_write_object(&writer);
	json_write_member_hex(&writer, "aaguid", BYTES_OF_ARRAY(aaguid));
	json_write_key(&writer, "roots");
	json_write_array(&writer);
	TRY(metadata != nullptr ? write_from_metadata(invocation, metadata, aaguid, &writer)
				: read_roots(invocation, roots, &writer));
	json_write_end(&writer);
	json_write_end(&writer);
	TRY(json_writer_finish(&writer));
	return submit_operation(invocation, &(struct submit_request){.kind = invocation->command->kind,
								     .resource = "system:gatehouse",
								     .payload = buffer_bytes(&payload)});
}

/* The file is the payload as the browser's page wrote it. */
enum status
passkey_add_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer payload = {};
	const char *person = invocation_word(invocation, 0);
	struct json_writer writer;
	struct bytes text;
	const json *document;
	TRY(read_bytes(invocation, invocation_word(invocation, 1), PASSKEY_FILE_MAX, &text));
	TRY(json_read(&invocation->arena, text, (struct json_limits){}, &document));
	json_writer_start(&writer, &payload);
	json_write_value(&writer, document);
	TRY(json_writer_finish(&writer));
	const char *resource =
		arena_format(&invocation->arena, "%s%s", strncmp(person, "person:", 7) == 0 ? "" : "person:", person);
	TRY_ALLOC(resource);
	return submit_operation(invocation, &(struct submit_request){.kind = invocation->command->kind,
								     .resource = resource,
								     .payload = buffer_bytes(&payload)});
}

/* --- Invitations. --- */

constexpr size_t TOKEN_SIZE = 32;
constexpr int64_t INVITATION_VALID_MS = 3 * DAY_MS;
constexpr int64_t INVITATION_WAITING_MS = DAY_MS;

static enum status
duration_option(const struct invocation *invocation, const char *name, int64_t otherwise_ms, int64_t *duration_ms) {
	const char *value = invocation_option(invocation, name);
	*duration_ms = otherwise_ms;
	if (value == nullptr)
		return OK;
	if (strcmp(value, "0") != 0)
		return duration_parse(value, duration_ms);
	*duration_ms = 0;
	return OK;
}

static enum status
write_invitation(struct invocation *invocation, const uint8_t token[static TOKEN_SIZE], struct buffer *payload) {
	int64_t valid_ms, waiting_ms;
	struct hash256 hash = sha256_of_secret(bytes_of(token, TOKEN_SIZE));
	struct json_writer w;
	TRY(duration_option(invocation, "valid", INVITATION_VALID_MS, &valid_ms));
	TRY(duration_option(invocation, "waiting", INVITATION_WAITING_MS, &waiting_ms));
	const char *name = invocation_option(invocation, "name");
	json_writer_start(&w, payload);
	json_write_object(&w);
	json_write_member_boolean(&w, "certified", invocation_flag(invocation, "certified"));
	json_write_member_integer(&w, "expires", io_realtime_ns(io_system()) / 1'000'000 + valid_ms);
	json_write_member_text(&w, "name", name != nullptr ? name : "passkey");
	json_write_member_boolean(&w, "synced", !invocation_flag(invocation, "device-bound"));
	json_write_member_hex(&w, "token_sha256", hash256_bytes(&hash));
	json_write_member_integer(&w, "waiting_ms", waiting_ms);
	json_write_end(&w);
	return json_writer_finish(&w);
}

/* The token is made here and goes to the person alone; what is submitted, approved and recorded is its hash. The link is given out
 * first: one that leads nowhere does no harm. */
static enum status
give_link(struct invocation *invocation, const uint8_t token[static TOKEN_SIZE]) {
	struct profile profile;
	char hex[2 * TOKEN_SIZE + 1];
	TRY(profile_read(invocation, &profile));
	hex_encode(bytes_of(token, TOKEN_SIZE), hex);
	const char *link = arena_format(&invocation->arena, "https://%s/#/enrol/%s", profile.authority, hex);
	secret_wipe(hex, sizeof hex);
	TRY_ALLOC(link);
	const char *path = invocation_option(invocation, "link");
	if (path == nullptr) {
		output_note("gatehouse: for that person alone, and good once this is approved: %s", link);
		return OK;
	}
	const char *line = arena_format(&invocation->arena, "%s\n", link);
	TRY_ALLOC(line);
	return output_file(path, bytes_of_text(line), 0600, false);
}

enum status
person_invite_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer payload = {};
	uint8_t token[TOKEN_SIZE];
	const char *person = invocation_word(invocation, 0);
	const char *resource =
		arena_format(&invocation->arena, "%s%s", strncmp(person, "person:", 7) == 0 ? "" : "person:", person);
	TRY_ALLOC(resource);
	random_bytes(token, sizeof token);
	enum status status = write_invitation(invocation, token, &payload);
	if (status == OK)
		status = give_link(invocation, token);
	secret_wipe(token, sizeof token);
	TRY(status);
	return submit_operation(invocation, &(struct submit_request){.kind = invocation->command->kind,
								     .resource = resource,
								     .payload = buffer_bytes(&payload)});
}

/* --- One-time passwords. --- */

constexpr size_t TOTP_FILE_MAX = 256;

/* RFC 4648 §6, without padding: as authenticator apps take it. */
static enum status
base32_text(struct arena *arena, struct bytes secret, const char **text) {
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	size_t len = (secret.len * 8 + 4) / 5;
	char *made = arena_alloc(arena, len + 1);
	TRY_ALLOC(made);
	for (size_t i = 0; i < len; i++) {
		unsigned value = 0;
		for (size_t bit = 5 * i; bit < 5 * i + 5; bit++)
			value = value << 1 | (bit / 8 < secret.len ? secret.data[bit / 8] >> (7 - bit % 8) & 1U : 0);
		made[i] = alphabet[value];
	}
	*text = made;
	return OK;
}

/* What an authenticator app is shown: a new file for its owner alone. */
static enum status
give_uri(struct invocation *invocation, const char *person, struct bytes value, const char *algorithm,
	 const char *digits) {
	_cleanup_(secret_free) struct secret secret = {};
	struct profile profile;
	const char *path = invocation_option(invocation, "uri"), *base32;
	if (path == nullptr)
		return OK;
	TRY(profile_read(invocation, &profile));
	TRY(profile_need_instance(&profile));
	TRY(secret_alloc(&secret, value.len / 2));
	TRY(hex_decode(value, secret.data, secret.len));
	TRY(base32_text(&invocation->arena, secret_bytes(&secret), &base32));
	const char *uri = arena_format(&invocation->arena,
				       "otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=%s&digits=%s&period=30\n",
				       profile.instance, person, base32, profile.instance,
				       strcmp(algorithm, "sha1") == 0 ? "SHA1" : "SHA256", digits);
	TRY_ALLOC(uri);
	return output_file(path, bytes_of_text(uri), 0600, false);
}

/* The salt follows from the secret, so that the same command brings the same secret again once it is approved. */
static enum status
write_totp(struct invocation *invocation, const char *person, struct bytes value, struct buffer *payload,
	   struct buffer *secret) {
	const char *algorithm = invocation_option(invocation, "algorithm") ?: "sha1";
	const char *digits = invocation_option(invocation, "digits") ?: "6";
	struct hash256 salt = SHA256_PARTS(BYTES_OF_LITERAL("gatehouse/totp-salt/v1\0"), bytes_of_text(person),
					   bytes_of("", 1), value);
	struct hash256 commitment = SHA256_PARTS(hash256_bytes(&salt), value);
	uint64_t number;
	struct json_writer w;
	if (value.len < 32 || value.len % 2 != 0 || decimal_decode(bytes_of_text(digits), &number) != OK || number > 8)
		return fail(STATUS_INVALID,
			    "usage.totp: expected a secret of 16 to 64 bytes in hexadecimal digits, and 6 to "
			    "8 digits");
	json_writer_start(&w, payload);
	json_write_object(&w);
	json_write_member_text(&w, "algorithm", algorithm);
	json_write_member_hex(&w, "commitment", hash256_bytes(&commitment));
	json_write_member_integer(&w, "digits", (int64_t)number);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	json_writer_start(&w, secret);
	json_write_object(&w);
	json_write_member_hex(&w, "salt", hash256_bytes(&salt));
	json_write_member_string(&w, "value", value);
	json_write_end(&w);
	TRY(json_writer_finish(&w));
	return give_uri(invocation, person, value, algorithm, digits);
}

enum status
totp_add_run(struct invocation *invocation) {
	_cleanup_(buffer_free) struct buffer payload = {}, secret = {};
	_cleanup_(secret_free) struct secret value = {};
	const char *word = invocation_word(invocation, 0);
	const char *person = strncmp(word, "person:", 7) == 0 ? word + 7 : word;
	TRY(secret_read_file(&value, invocation_option(invocation, "secret-file"), TOTP_FILE_MAX));
	TRY(write_totp(invocation, person, secret_bytes(&value), &payload, &secret));
	struct hash256 hash = sha256(buffer_bytes(&payload));
	char hex[65];
	hex_encode(hash256_bytes(&hash), hex);
	const char *resource = arena_format(&invocation->arena, "person:%s", person);
	const char *key = arena_format(&invocation->arena, "totp-%s-%.32s", person, hex);
	TRY_ALLOC(resource);
	TRY_ALLOC(key);
	return submit_operation(invocation, &(struct submit_request){.kind = invocation->command->kind,
								     .resource = resource,
								     .payload = buffer_bytes(&payload),
								     .secret = buffer_bytes(&secret),
								     .idempotency_key = key});
}
