// The verifier's page as one file that needs nothing else: script and style stand in it, and its policy lets nothing run but
// what hashes to these. bundle and text are those of the console's build.mjs.

import { createHash } from "node:crypto";

function hashOf(text) {
	return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

export async function verifierPage(bundle, text, version) {
	const files = await bundle({ entryPoints: { page: "verifier/page.ts", style: "verifier/page.css" }, outdir: "verifier" });
	const built = (extension) => files.find(({ path }) => path.endsWith(extension)).text.trim();
	const script = built(".js").replaceAll("</script", "<\\/script"), style = built(".css");
	const policy = [
		"default-src 'none'",
		`script-src ${hashOf(script)}`,
		`style-src ${hashOf(style)}`,
		"img-src data:",
		"base-uri 'none'",
		"form-action 'none'",
		"require-trusted-types-for 'script'",
	].join("; ");
	const parts = { policy, style, script, version };
	return text("verifier/page.html").replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
}
