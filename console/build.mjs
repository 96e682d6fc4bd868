// Builds the console: build.mjs OUTPUT.c VERIFIER.html DEPFILE FOLDER VERSION
//
// FOLDER receives what is served, as files; OUTPUT.c the same as one table (src/gateway/console.h), each asset as it is and
// compressed; VERIFIER.html is the receipt verifier, one file that is opened from disk. Scripts and styles carry the hash of their content in their names, so that a browser may keep them for ever. The same
// sources and packages give the same bytes.

import { build } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { verifierPage } from "./verifier/build.mjs";

const HERE = dirname(fileURLToPath(import.meta.url));
const [, , output, verifier, depfile, folder, version] = process.argv;
if (version === undefined) {
	console.error("usage: build.mjs OUTPUT.c VERIFIER.html DEPFILE FOLDER VERSION");
	process.exit(2);
}

// What browsers are asked for; the newest two years of the four engines have it.
const TARGET = ["chrome111", "firefox114", "safari16.4"];

const TYPES = {
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
};

const inputs = new Set([fileURLToPath(import.meta.url), join(HERE, "package-lock.json"), join(HERE, "verifier/build.mjs")]);

async function bundle(options) {
	const done = await build({
		absWorkingDir: HERE,
		bundle: true,
		minify: true,
		metafile: true,
		write: false,
		format: "esm",
		target: TARGET,
		charset: "utf8",
		legalComments: "none",
		jsx: "automatic",
		jsxImportSource: "preact",
		logLevel: "warning",
		...options,
	});
	for (const name of Object.keys(done.metafile.inputs)) inputs.add(resolve(HERE, name));
	const outputs = Object.entries(done.metafile.outputs).map(([path, { imports }]) => [basename(path), imports.filter(({ kind }) => kind === "import-statement").map((one) => basename(one.path))]);
	return Object.assign(done.outputFiles, { needs: new Map(outputs) });
}

function text(name) {
	const path = join(HERE, name);
	inputs.add(path);
	return readFileSync(path, "utf8");
}

// The page and what it loads.
async function page() {
	const files = await bundle({
		entryPoints: { console: "src/main.tsx", style: "src/style.css" },
		outdir: "assets",
		entryNames: "[name]-[hash]",
		chunkNames: "[name]-[hash]",
		splitting: true,
	});
	const served = files.map((file) => ({ path: `/assets/${basename(file.path)}`, content: Buffer.from(file.contents), immutable: true }));
	const named = (start, extension) => served.find(({ path }) => path.startsWith(`/assets/${start}-`) && path.endsWith(extension)).path;
	const script = named("console", ".js");
	const needed = files.needs.get(basename(script)).map((name) => `<link rel="modulepreload" href="/assets/${name}">`);
	const html = text("src/index.html").replace("{{script}}", script).replace("{{style}}", named("style", ".css")).replace("{{needed}}", needed.join("\n"));
	const icon = { path: "/assets/icon.svg", content: Buffer.from(text("src/icon.svg")), immutable: false };
	return [{ path: "/", file: "index.html", content: Buffer.from(html), immutable: false }, icon, ...served];
}

// To be saved and opened from disk: what comes from a server proves nothing against that server.
async function verifierFile() {
	const content = Buffer.from(await verifierPage(bundle, text, version));
	writeFileSync(verifier, content);
	return { path: "/assets/gatehouse-verify.html", content, immutable: false, download: "gatehouse-verify.html" };
}

// --- Output ---

function bytes(name, content) {
	const lines = [`static const uint8_t ${name}[] = {`];
	for (let at = 0; at < content.length; at += 24) lines.push(`\t${[...content.subarray(at, at + 24)].join(",")},`);
	return [...lines, "};", ""].join("\n");
}

function table(assets) {
	const out = ['#include "gateway/console.h"', ""];
	const rows = assets.map(({ path, content, compressed, immutable, download }, at) => {
		out.push(bytes(`plain_${at}`, content), bytes(`compressed_${at}`, compressed));
		const extension = path === "/" ? ".html" : path.slice(path.lastIndexOf("."));
		const tag = createHash("sha256").update(content).digest("hex").slice(0, 32);
		return `\t{"${path}", "${TYPES[extension]}", "\\"${tag}\\"", ${immutable}, {plain_${at}, sizeof plain_${at}}, {compressed_${at}, sizeof compressed_${at}}, ${download === undefined ? "nullptr" : `"${download}"`}},`;
	});
	return [...out, "const struct console_asset console_assets[] = {", ...rows, "};", `const size_t console_asset_count = ${rows.length};`, ""].join("\n");
}

const assets = [...(await page()), await verifierFile()];
rmSync(folder, { recursive: true, force: true });
for (const asset of assets) {
	asset.compressed = gzipSync(asset.content, { level: 9 });
	const path = join(folder, asset.file ?? asset.path);
	mkdirSync(dirname(path), { recursive: true });
	writeFileSync(path, asset.content);
}
writeFileSync(output, table(assets));
writeFileSync(depfile, `${output}: ${[...inputs].map((path) => relative(process.cwd(), path).replaceAll(" ", "\\ ")).join(" ")}\n`);
