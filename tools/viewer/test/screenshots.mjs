/* Pictures of lessons, to be looked at: node test/screenshots.mjs MAILSIM SCENARIOS FOLDER [LESSON…]
 * Every lesson at 1280×720 and 1920×1080, in English and Korean, light and dark, as overview and as
 * lecture, in the midst of its trouble and at its end; and `node test/screenshots.mjs --readme MAILSIM SCENARIOS viewer.png` makes README's. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const isReadme = process.argv[2] === "--readme";
const [program, scenarios, target, ...only] = process.argv.slice(isReadme ? 3 : 2);
const folder = mkdtempSync(join(tmpdir(), "mailsim-pictures-"));
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const SIZES = [{ width: 1280, height: 720 }, { width: 1920, height: 1080 }];
/* Each language and mode at each moment; the theme changes with them. */
const LOOKS = [];
for (const [lang, dark] of [["en", 0], ["ko", 1]])
  for (const lecture of [0, 1]) {
    const name = `${lecture ? "lecture" : "overview"}-${lang}`;
    LOOKS.push({ name: `${name}-midst`, hash: `lang=${lang}&dark=${dark}&lecture=${lecture}`, panes: "map,ladder,queue,detail" });
    LOOKS.push({ name: `${name}-end`, hash: `lang=${lang}&dark=${1 - dark}&lecture=${lecture}`, panes: "map,ladder,mailboxes,detail", isEnd: true });
  }
/* What a lesson is remembered by, the first that it has: trouble, then a message on its way. */
const MOMENTS = ["mail.bounced", "queue.defer", "tcp.timeout", "smtp.content", "mail.delivered"];

function pageOf(lesson) {
  const html = join(folder, `${lesson}.html`), trace = join(folder, `${lesson}.ndjson`);
  execFileSync(program, ["run", "--quiet", "--level", "protocol", "--trace", trace, join(scenarios, lesson, "scenario.yaml")]);
  execFileSync(program, ["view", "--no-open", "--output", html, join(scenarios, lesson, "scenario.yaml")], { stdio: "ignore" });
  const records = readFileSync(trace, "utf8").trim().split("\n").slice(1).map((line) => JSON.parse(line));
  const kind = MOMENTS.find((k) => records.some((r) => r.kind === k));
  return { html, records, seq: (records.find((r) => r.kind === kind) ?? records[0]).seq };
}

async function shoot(context, url, size, file, { guess = true, scale = "css" } = {}) {
  const page = await context.newPage();
  await page.setViewportSize(size);
  await page.goto(url);
  await page.waitForSelector("main");
  if (guess && (await page.locator('[id^="tab-"][id$="-predict"]').count()) > 0) await page.locator('[id^="tab-"][id$="-predict"]').first().click();
  if (guess && (await page.locator(".predict .skip").count()) > 0) {
    await page.locator(".predict .skip").click();
    await page.waitForSelector(".predict .answer");
    /* The guess is over; now to the moment with the panes that show it. */
    await page.evaluate((hash) => { location.hash = hash; }, new URL(url).hash.replace(/^(?!.*panes=).*$/, "$&&panes=map,ladder,queue,detail"));
    await page.waitForTimeout(300);
  }
  await page.waitForTimeout(200);
  await page.screenshot({ path: file, scale });
  await page.close();
}

const context = await chromium.launchPersistentContext(join(folder, "profile"), { executablePath: "/usr/bin/chromium", headless: true, args: FLAGS });
if (isReadme) {
  const { html, records } = pageOf("05-receiver-down");
  const { seq } = records.filter((r) => r.kind === "queue.defer" && r.mail === "from-alice").at(1);
  await shoot(context, `file://${html}#lang=en&dark=0&at=${seq}&follow=mail&mail=from-alice&panes=map,ladder,queue,detail`, SIZES[0], target);
} else {
  mkdirSync(target, { recursive: true });
  const lessons = readdirSync(scenarios, { withFileTypes: true }).filter((d) => d.isDirectory() && (only.length === 0 || only.some((o) => d.name.startsWith(o)))).map((d) => d.name).sort();
  for (const lesson of lessons) {
    const { html, records, seq } = pageOf(lesson);
    for (const size of SIZES)
      for (const look of LOOKS) await shoot(context, `file://${html}#${look.hash}&at=${look.isEnd ? records.at(-1).seq : seq}&panes=${look.panes}`, size, join(target, `${lesson}-${size.width}-${look.name}.png`));
    await shoot(context, `file://${html}#lang=en&dark=0`, SIZES[0], join(target, `${lesson}-begin.png`), { guess: false });
    console.log(lesson);
  }
}
await context.close();
rmSync(folder, { recursive: true, force: true });
