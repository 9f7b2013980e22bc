// SPDX-License-Identifier: Apache-2.0
// node build.js FOLDER: makes the page's script, style and policy. The same sources give the same bytes.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) throw new Error("usage: node build.js FOLDER");

async function bundle(entry) {
  const result = await build({
    absWorkingDir: here,
    entryPoints: [entry],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "iife",
    target: ["es2022"],
    charset: "utf8",
    legalComments: "none",
    logLevel: "warning",
  });
  return { text: result.outputFiles[0].text.trimEnd(), inputs: Object.keys(result.metafile.inputs) };
}

/** "node_modules/d3-array/src/bin.js" is of d3-array. */
function packagesOf(inputs) {
  const names = inputs
    .filter((path) => path.startsWith("node_modules/"))
    .map((path) =>
      path
        .split("/")
        .slice(1, path.split("/")[1].startsWith("@") ? 3 : 2)
        .join("/"),
    );
  return [...new Set(names)].sort();
}

/** The licence of every package that is in the bundle, those of one text together, in a comment that travels with it. */
function licences(packages) {
  const byText = new Map();
  for (const name of packages) {
    const folder = join(here, "node_modules", name);
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
    if (!file) throw new Error(`${name}: no licence`);
    const text = readFileSync(join(folder, file), "utf8").trim();
    byText.set(text, [...(byText.get(text) ?? []), `${name} ${version}`]);
  }
  const parts = [...byText].map(([text, names]) => `${names.join(", ")}\n\n${text}`);
  return `/*! Maru's own part: Apache-2.0. It contains:\n\n${parts.join("\n\n----\n\n").replaceAll("*/", "* /")}\n*/\n`;
}

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

const { text, inputs } = await bundle("main.js");
const script = licences(packagesOf(inputs)) + text;
const style = (await bundle("style.css")).text;
for (const bad of ["</script", "<!--", ')TEXT"'])
  if (script.includes(bad) || style.includes(bad)) throw new Error(`the bundle contains ${bad}`);
// Nothing but this script and this style: no other code, no connection, no image, no frame.
const policy = `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'`;

mkdirSync(out, { recursive: true });
for (const [name, content] of [
  ["script.js", script],
  ["style.css", style],
  ["policy.txt", policy],
])
  writeFileSync(join(out, name), content);
