#include "cli/profile.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/yaml_schema.h"
#include "cli/output.h"

constexpr size_t PROFILE_SIZE_MAX = 64 * 1024;

struct written_profile {
	const char *url, *authority, *instance, *key, *ca, *pin, *source;
	bool insecure_demo;
};

#define TEXT_FIELD(name) {#name, YAML_TEXT, offsetof(struct written_profile, name)}

static const struct yaml_field fields[] = {
	TEXT_FIELD(url),      TEXT_FIELD(authority),
	TEXT_FIELD(instance), TEXT_FIELD(key),
	TEXT_FIELD(ca),       TEXT_FIELD(pin),
	TEXT_FIELD(source),   {"insecure_demo", YAML_BOOLEAN, offsetof(struct written_profile, insecure_demo)},
};
static const struct yaml_schema schema = {fields, ARRAY_LENGTH(fields), sizeof(struct written_profile), nullptr};

static enum status
find_file(struct invocation *invocation, const char **path, bool *was_named) {
	*path = invocation_option(invocation, "profile");
	if (*path == nullptr)
		*path = getenv("GATEHOUSE_PROFILE");
	*was_named = *path != nullptr;
	const char *home = getenv("HOME");
	if (*path != nullptr || home == nullptr)
		return OK;
	char *made = arena_format(&invocation->arena, "%s/.config/gatehouse/profile.yaml", home);
	TRY_ALLOC(made);
	*path = access(made, F_OK) == 0 ? made : nullptr;
	return OK;
}

/* Paths in the file are relative to it; those of options to where the program was started. */
static enum status
resolve(struct arena *arena, const char *file, const char **path) {
	const char *slash = strrchr(file, '/');
	if (*path == nullptr || (*path)[0] == '/' || slash == nullptr)
		return OK;
	char *made = arena_format(arena, "%.*s/%s", (int)(slash - file), file, *path);
	TRY_ALLOC(made);
	*path = made;
	return OK;
}

static enum status
read_file(struct invocation *invocation, struct written_profile *written) {
	const char *path;
	bool was_named;
	struct bytes text;
	const struct yaml_node *root;
	TRY(find_file(invocation, &path, &was_named));
	if (path == nullptr)
		return OK;
	TRY(input_file(&invocation->arena, path, PROFILE_SIZE_MAX, &text));
	TRY(yaml_read(&invocation->arena, path, text, &root));
	TRY(yaml_fill(&invocation->arena, path, root, &schema, written));
	TRY(resolve(&invocation->arena, path, &written->key));
	return resolve(&invocation->arena, path, &written->ca);
}

static void
replace(const struct invocation *invocation, const char *option, const char **value) {
	const char *given = invocation_option(invocation, option);
	if (given != nullptr)
		*value = given;
}

/* https://HOST[:PORT], where HOST is a name, an IPv4 address, or an IPv6 address in brackets. */
static enum status
take_url(struct arena *arena, const char *url, struct profile *profile) {
	if (strncmp(url, "https://", 8) != 0)
		return fail(STATUS_INVALID, "profile.url: expected https://HOST:PORT, found \"%s\"", url);
	const char *start = url + 8, *end = start + strcspn(start, "/?#");
	if (*end != '\0' && strcmp(end, "/") != 0)
		return fail(STATUS_INVALID, "profile.url: expected no path, found \"%s\"", url);
	const char *host_end, *host = start;
	if (*start == '[') {
		host = start + 1;
		host_end = memchr(start, ']', (size_t)(end - start));
		if (host_end == nullptr || (host_end + 1 != end && host_end[1] != ':'))
			return fail(STATUS_INVALID, "profile.url: expected https://[ADDRESS]:PORT, found \"%s\"", url);
		start = host_end + 1;
	} else {
		host_end = memchr(start, ':', (size_t)(end - start));
		host_end = host_end == nullptr ? end : host_end;
		start = host_end;
	}
	uint64_t port = 443;
	if (start < end)
		TRY(decimal_decode(bytes_of(start + 1, (size_t)(end - start - 1)), &port));
	if (host_end == host || port == 0 || port > UINT16_MAX)
		return fail(STATUS_INVALID, "profile.url: expected https://HOST:PORT, found \"%s\"", url);
	profile->host = arena_text(arena, bytes_of(host, (size_t)(host_end - host)));
	profile->port = arena_format(arena, "%llu", (unsigned long long)port);
	if (profile->authority == nullptr)
		profile->authority = arena_text(arena, bytes_of(url + 8, (size_t)(end - url - 8)));
	TRY_ALLOC(profile->host);
	TRY_ALLOC(profile->port);
	TRY_ALLOC(profile->authority);
	return OK;
}

enum status
profile_read(struct invocation *invocation, struct profile *profile) {
	struct written_profile written = {};
	TRY(read_file(invocation, &written));
	replace(invocation, "url", &written.url);
	replace(invocation, "authority", &written.authority);
	replace(invocation, "instance", &written.instance);
	replace(invocation, "key", &written.key);
	replace(invocation, "ca", &written.ca);
	replace(invocation, "pin", &written.pin);
	replace(invocation, "source", &written.source);
	*profile = (struct profile){.authority = written.authority,
				    .instance = written.instance,
				    .key = written.key,
				    .ca = written.ca,
				    .source = written.source,
				    .insecure_demo =
					    written.insecure_demo || invocation_flag(invocation, "insecure-demo")};
	if (written.url != nullptr)
		TRY(take_url(&invocation->arena, written.url, profile));
	if (written.pin != nullptr) {
		if (strlen(written.pin) != 64)
			return fail(STATUS_INVALID, "profile.pin: expected 64 hexadecimal digits");
		TRY(hex_decode(bytes_of_text(written.pin), profile->pin.bytes, sizeof profile->pin.bytes));
		profile->has_pin = true;
	}
	if (profile->insecure_demo + profile->has_pin + (profile->ca != nullptr) > 1)
		return fail(STATUS_INVALID,
			    "profile.trust: only one of pin, ca and insecure_demo can say whom to trust");
	return OK;
}

enum status
profile_need_instance(const struct profile *profile) {
	return profile->instance != nullptr
		       ? OK
		       : fail(STATUS_INVALID, "profile.instance: which installation is signed for? Give --instance, or "
					      "instance in the profile");
}
