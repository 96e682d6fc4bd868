"""docs/openapi.yaml, and whether a request and its answer are as it says.

The validator knows the words of JSON Schema that the document uses and no others: a word that it does not know is an error of the
document, so that nothing in it goes unchecked.
"""

import json
import os
import re

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "boolean": bool, "null": type(None)}
# Refusals of requests that were well formed: in others the request may well have been what was wrong.
WELL_FORMED = {403, 409, 410, 429, 503}
ANNOTATIONS = {"description", "title", "example", "examples"}


class Mismatch(Exception):
    pass


def same(a, b):
    return type(a) is type(b) and a == b


class Document:
    def __init__(self, path=os.path.join(ROOT, "docs", "openapi.yaml")):
        with open(path, encoding="utf-8") as file:
            self.root = yaml.safe_load(file)

    def resolve(self, node):
        while "$ref" in node:
            assert set(node) == {"$ref"}, f"beside $ref: {node}"
            target = self.root
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    # --- Schemas ---

    def check(self, value, schema, where="$"):
        schema = self.resolve(schema)
        for word, given in schema.items():
            if word in ANNOTATIONS:
                continue
            rule = getattr(self, "word_" + word, None)
            assert rule is not None, f"{where}: this validator does not know {word}"
            rule(value, given, schema, where)

    @staticmethod
    def need(holds, where, text):
        if not holds:
            raise Mismatch(f"{where}: {text}")

    def word_type(self, value, given, _, where):
        names = given if isinstance(given, list) else [given]
        fits = any(isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool)) for name in names)
        self.need(fits, where, f"expected {given}, found {json.dumps(value)[:80]}")

    def word_const(self, value, given, _, where):
        self.need(same(value, given), where, f"expected {given!r}, found {value!r}")

    def word_enum(self, value, given, _, where):
        self.need(any(same(value, one) for one in given), where, f"expected one of {given}, found {value!r}")

    def word_pattern(self, value, given, _, where):
        self.need(not isinstance(value, str) or re.search(given, value), where, f"{value!r} does not match {given}")

    def word_minLength(self, value, given, _, where):
        self.need(not isinstance(value, str) or len(value) >= given, where, f"shorter than {given}")

    def word_maxLength(self, value, given, _, where):
        self.need(not isinstance(value, str) or len(value) <= given, where, f"longer than {given}")

    def word_minimum(self, value, given, _, where):
        self.need(not isinstance(value, int) or value >= given, where, f"{value} is below {given}")

    def word_maximum(self, value, given, _, where):
        self.need(not isinstance(value, int) or value <= given, where, f"{value} is above {given}")

    def word_minItems(self, value, given, _, where):
        self.need(not isinstance(value, list) or len(value) >= given, where, f"fewer than {given} items")

    def word_maxItems(self, value, given, _, where):
        self.need(not isinstance(value, list) or len(value) <= given, where, f"more than {given} items")

    def word_items(self, value, given, _, where):
        for i, item in enumerate(value if isinstance(value, list) else []):
            self.check(item, given, f"{where}[{i}]")

    def word_required(self, value, given, _, where):
        for name in given if isinstance(value, dict) else []:
            self.need(name in value, where, f"{name} is missing")

    def word_properties(self, value, given, _, where):
        for name, schema in given.items():
            if isinstance(value, dict) and name in value:
                self.check(value[name], schema, f"{where}.{name}")

    def word_propertyNames(self, value, given, _, where):
        for name in value if isinstance(value, dict) else []:
            self.check(name, given, f"{where}, name")

    def word_additionalProperties(self, value, given, schema, where):
        for name in set(value) - set(schema.get("properties", {})) if isinstance(value, dict) else []:
            self.need(given is not False, where, f"{name} is not described")
            if isinstance(given, dict):
                self.check(value[name], given, f"{where}.{name}")

    def fits(self, value, schema, where):
        try:
            self.check(value, schema, where)
        except Mismatch as mismatch:
            return str(mismatch)
        return None

    def word_anyOf(self, value, given, _, where):
        faults = [self.fits(value, schema, where) for schema in given]
        self.need(None in faults, where, "none of these fits: " + "; ".join(filter(None, faults)))

    def word_oneOf(self, value, given, _, where):
        faults = [self.fits(value, schema, where) for schema in given]
        self.need(faults.count(None) == 1, where, f"{faults.count(None)} of these fit: " + "; ".join(filter(None, faults)))

    def word_allOf(self, value, given, _, where):
        for schema in given:
            self.check(value, schema, where)

    # --- Requests and answers ---

    def operations(self):
        for path, item in self.root["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def find(self, method, path):
        """The exact path before those with parameters; the last parameter of a tile's path takes slashes."""
        found = None
        for known_method, pattern, operation in self.operations():
            expression = re.sub(r"\{([^}]*)\}", lambda m: "(.+)" if m.group(1) == "tile" else "([^/]+)", pattern)
            match = re.fullmatch(expression, path)
            if known_method == method and match and (found is None or len(found[2]) > match.re.groups):
                found = pattern, operation, match.groups()
        return found

    def check_body(self, content, fields, body, where):
        kind = fields.get("content-type", "").split(";")[0]
        if not content:
            self.need(body == b"", where, "a body where none is described")
            return
        self.need(kind in content, where, f"content type {kind!r}, described are {list(content)}")
        value = json.loads(body) if kind.endswith("json") else body.decode("utf-8" if kind.startswith("text/") else "latin-1")
        self.check(value, content[kind]["schema"], where)

    def check_parameters(self, operation, values, exchange, where):
        names = re.findall(r"\{([^}]*)\}", where)
        query = dict(part.split("=", 1) for part in exchange.target.partition("?")[2].split("&") if part)
        described = [self.resolve(parameter) for parameter in operation.get("parameters", [])]
        for parameter in described:
            source = {"path": dict(zip(names, values)), "query": query, "header": exchange.fields}[parameter["in"]]
            name = parameter["name"].lower() if parameter["in"] == "header" else parameter["name"]
            self.need(name in source or not parameter.get("required", False), where, f"{parameter['name']} is missing")
            if name in source:
                is_number = self.resolve(parameter["schema"]).get("type") == "integer"
                self.check(int(source[name]) if is_number else source[name], parameter["schema"], f"{where} {name}")
        self.need(set(query) <= {p["name"] for p in described if p["in"] == "query"}, where, f"a filter that is not described: {query}")

    def check_exchange(self, exchange):
        """Request and answer; gives the described path."""
        found = self.find(exchange.method, exchange.path)
        if found is None:
            raise Mismatch(f"{exchange.method} {exchange.path} is not described")
        pattern, operation, values = found
        where = f"{exchange.method} {pattern}"
        if exchange.status < 400 or exchange.status in WELL_FORMED:
            self.check_parameters(operation, values, exchange, where)
            request = self.resolve(operation.get("requestBody", {}))
            self.check_body(request.get("content"), exchange.fields if exchange.body else {}, exchange.body, f"{where} request")
        status = str(exchange.status)
        self.need(status in operation["responses"], where, f"{status} is not among what it can answer with")
        answer = self.resolve(operation["responses"][status])
        for name, header in answer.get("headers", {}).items():
            self.need(name.lower() in exchange.answer_fields or not header.get("required", False), where, f"{status} without {name}")
            if name.lower() in exchange.answer_fields:
                self.check(exchange.answer_fields[name.lower()], header["schema"], f"{where} {status} {name}")
        self.check_body(answer.get("content"), exchange.answer_fields, exchange.answer, f"{where} {status}")
        return pattern
