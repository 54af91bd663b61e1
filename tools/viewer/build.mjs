/* Builds page.html from src, in one file and the same bytes each time. `node build.mjs OUT`. */
import { build } from "esbuild";
import { readFileSync, writeFileSync } from "node:fs";

const folder = new URL(".", import.meta.url);
const at = (name) => new URL(name, folder).pathname;
const LARGEST = 500_000;

const result = await build({
  entryPoints: [at("src/main.tsx"), at("src/style.css")], outdir: at("out"), bundle: true, minify: true, write: false,
  format: "iife", target: "es2021", charset: "utf8", legalComments: "none", jsx: "automatic", jsxImportSource: "preact",
  absWorkingDir: at("."), logLevel: "warning",
});
const text = (ending) => result.outputFiles.find((file) => file.path.endsWith(ending)).text.trim();
// A closing tag inside would end the element; inside a script it can only be in a string.
const page = readFileSync(at("src/page.html"), "utf8")
  .replace("/*STYLE*/", () => text(".css").replaceAll("</", "<\\/"))
  .replace("/*SCRIPT*/", () => text(".js").replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--"));
if (Buffer.byteLength(page) >= LARGEST) throw new Error(`the page has ${Buffer.byteLength(page)} octets`);
writeFileSync(process.argv[2] ?? at("page.html"), page);
