/* The pictures of a lesson for slides, as a browser draws them: no text lies on another or goes over the
 * edge, and every machine of the trace's header is on the map.
 * node test/pictures.mjs MAILSIM FOLDER LESSON… */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [program, scenarios, ...lessons] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "mailsim-svg-"));
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const SLIDE = 2000; /* pixels: no picture is wider than a slide can show with letters that can be read */

/* What is crowded, and all texts. */
function look() {
  const svg = document.documentElement, view = svg.viewBox.baseVal;
  const texts = [...document.querySelectorAll("text")].map((t) => ({ says: t.textContent, box: t.getBBox() }));
  const found = texts.filter(({ box }) => box.x < 0 || box.y < 0 || box.x + box.width > view.width || box.y + box.height > view.height).map(({ says }) => `over the edge: ${says}`);
  const sorted = texts.filter(({ box }) => box.width > 0).sort((a, b) => a.box.y - b.box.y);
  sorted.forEach((a, k) => {
    for (let n = k + 1; n < sorted.length && sorted[n].box.y < a.box.y + a.box.height - 2; n++) {
      const b = sorted[n];
      if (Math.min(a.box.x + a.box.width, b.box.x + b.box.width) - Math.max(a.box.x, b.box.x) > 1) found.push(`${a.says} | ${b.says}`);
    }
  });
  return { found, texts: texts.map((t) => t.says), width: view.width };
}

async function checkPicture(page, lesson, kind, options) {
  const file = join(folder, `${lesson}-${kind}.svg`), trace = join(folder, "trace.ndjson");
  execFileSync(program, ["run", "--quiet", ...options, "--trace", trace, "--svg", `${kind}=${file}`, join(scenarios, lesson, "scenario.yaml")]);
  await page.goto(`file://${file}`);
  const { found, texts, width } = await page.evaluate(look);
  assert.deepEqual(found, [], `${lesson}: ${kind} ${options.join(" ")}`);
  assert.ok(width <= SLIDE, `${lesson}: ${kind} is ${width} pixels wide`);
  const { nodes } = JSON.parse(readFileSync(trace, "utf8").split("\n", 1)[0]);
  if (kind === "map") assert.deepEqual(nodes.filter((n) => texts.filter((t) => t === n.name).length !== 1), [], "once on the map");
  if (kind === "queue") assert.ok(nodes.some((n) => n.role === "server" && texts.includes(n.name)), "a queue's server");
  assert.ok(texts.length > 3);
}

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", headless: true, args: FLAGS });
let failed = 0;
try {
  const page = await browser.newPage();
  for (const lesson of lessons)
    for (const [kind, options] of [["map", []], ["queue", []], ["ladder", []], ["ladder", ["--level", "mail"]]]) await checkPicture(page, lesson, kind, options);
} catch (error) {
  failed++;
  console.log(String(error.stack ?? error));
}
await browser.close();
rmSync(folder, { recursive: true, force: true });
process.exit(failed > 0 ? 1 : 0);
