/* How a page of some 100,000 records opens and scrubs in Chromium: node test/bench.mjs MAILSIM */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const MAILS = Number(process.argv[3] ?? 400);
const MOVES = 120;
const folder = mkdtempSync(join(tmpdir(), "mailsim-bench-"));
const scenario = join(folder, "many.yaml"), html = join(folder, "many.html");
writeFileSync(scenario, `mailsim: 1
title: "Many mails"
servers:
  mail.naver.example: {domains: [naver.example], users: {alice: {}}}
  mail.gmail.example: {domains: [gmail.example], users: {bob: {}}}
people:
  alice: {address: alice@naver.example}
  bob: {address: bob@gmail.example}
mails:
  lunch: {from: alice, to: [bob@gmail.example], subject: "Lunch?", body: "Noon?"}
timeline:
  - {at: 1 s, do: send, mail: lunch, every: 1 min, times: ${MAILS}}
`);
execFileSync(process.argv[2], ["view", "--no-open", "--level", "segment", "--output", html, scenario], { stdio: "ignore" });
const records = readFileSync(html, "utf8").split("\n{\"seq\":").length - 1;

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const context = await chromium.launchPersistentContext(join(folder, "profile"), { executablePath: "/usr/bin/chromium", headless: true, args: FLAGS, viewport: { width: 1280, height: 720 } });
const page = context.pages()[0];
const begin = Date.now();
await page.goto(`file://${html}#level=segment&lang=en`);
await page.waitForSelector(".event.picked");
const opened = Date.now() - begin;

/* Scrubs over the whole axis; how long each move takes until its frame is on the screen. */
async function scrub(hash) {
  await page.evaluate((h) => { location.hash = h; }, hash);
  await page.waitForTimeout(500);
  return page.evaluate(async (moves) => {
    const axis = document.getElementById("axis"), box = axis.getBoundingClientRect(), times = [];
    for (let k = 0; k < moves; k++) {
      const from = performance.now();
      axis.dispatchEvent(new PointerEvent("pointermove", { clientX: box.left + (box.width * k) / moves, clientY: box.top + 5, buttons: 1, bubbles: true }));
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
      times.push(performance.now() - from);
    }
    times.sort((a, b) => a - b);
    return { median: times[moves >> 1], worst: times[Math.floor(moves * 0.95)] };
  }, MOVES);
}

console.log(`viewer: ${records} records, a page of ${(statSync(html).size / 1e6).toFixed(1)} MB: opens in ${opened} ms`);
for (const axis of ["gaps", "linear", "step"]) {
  const { median, worst } = await scrub(`level=segment&lang=en&axis=${axis}`);
  console.log(`viewer: scrubbing, axis ${axis}: median ${median.toFixed(0)} ms a move, 95th percentile ${worst.toFixed(0)} ms`);
}
await context.close();
rmSync(folder, { recursive: true, force: true });
