/* The pages of all lessons in real Chromium: what each pane shows is held against the trace.
 * node test/e2e.mjs MAILSIM FOLDER [LESSON…]; SLOWER=10 before it plays a page on a processor ten times slower. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [program, scenarios, ...only] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "mailsim-viewer-"));
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const STEPS = 6;
const MOST_LISTED = 500; /* rows of a table; what is left out is said */
const MOST_RECORDS = 100000; /* that a page holds unless it is asked for more */
const UNITS = { segment: ["1", "2", "3", "4"], protocol: ["2", "3", "4"], mail: ["3", "4"] };

const context = await chromium.launchPersistentContext(join(folder, "profile"), { executablePath: "/usr/bin/chromium", headless: true, args: FLAGS, viewport: { width: 1280, height: 720 }, locale: "en-US" });

async function open(lesson, hash) {
  const page = await context.newPage();
  const complaints = [];
  if (process.env.SLOWER) await (await context.newCDPSession(page)).send("Emulation.setCPUThrottlingRate", { rate: Number(process.env.SLOWER) });
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && complaints.push(m.text()));
  page.on("pageerror", (e) => complaints.push(String(e)));
  page.on("request", (r) => !/^(file|data):/.test(r.url()) && complaints.push(`asks the network: ${r.url()}`));
  await page.goto(`file://${join(folder, `${lesson}.html`)}#${hash}`);
  await page.waitForSelector("main");
  return { page, complaints };
}

/* The records of the finest level that a page holds of itself, and that level. */
function traceOf(lesson) {
  const file = join(folder, `${lesson}.ndjson`);
  execFileSync(program, ["view", "--no-open", "--output", join(folder, `${lesson}.html`), join(scenarios, lesson, "scenario.yaml")], { stdio: "ignore" });
  for (const level of ["segment", "protocol", "mail"]) {
    execFileSync(program, ["run", "--quiet", "--level", level, "--trace", file, join(scenarios, lesson, "scenario.yaml")]);
    const records = readFileSync(file, "utf8").trim().split("\n").slice(1).map((line) => JSON.parse(line));
    if (records.length <= MOST_RECORDS || level === "mail") return { records, level };
  }
}

/* Until what was done is drawn and its effects, which Preact runs in a task after the frame, are over. */
const settle = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)))));
/* Goes where a teacher's link leads, and comes back when the page has drawn it. The page hears of its new address only in a
 * task of its own, which a key that is pressed at once would overtake; and it hears of a change alone, so each visit is one. */
let visits = 0;
const visit = (page, hash) => page.evaluate((to) => new Promise((heard) => {
  addEventListener("hashchange", heard, { once: true });
  location.hash = to;
}).then(() => undefined), `${hash}&visit=${++visits}`).then(() => settle(page));
/* What is seen, without what says only where the scroll bars stand. */
async function snapshot(page) {
  await settle(page);
  return page.evaluate(() => ["#clock", "#status", ".map", ".two .panel", ".five .panel", ".event.picked"].map((s) => document.querySelector(s)?.textContent ?? s)
    .concat(document.querySelector(".event.picked")?.getAttribute("data-seq") ?? "none").join("\n"));
}
const text = (page, selector) => page.locator(selector).first().textContent();
const tick = (page, key) => page.keyboard.press(key).then(() => settle(page));

/* Nothing later may be seen before a person has guessed. */
async function checkGate(page, records) {
  const hasGate = (await page.locator(".predict").count()) > 0;
  if (!hasGate) return;
  /* Neither what is seen nor what is read out, printed or written into the address tells an answer. */
  const { explains, told } = await page.evaluate(() => {
    dispatchEvent(new Event("beforeprint"));
    const attributes = [...document.querySelectorAll("body *")].flatMap((e) => ["aria-label", "aria-valuetext", "title", "value", "placeholder"].map((a) => e.getAttribute(a) ?? ""));
    return { explains: JSON.parse(document.getElementById("meta").textContent).questions.flatMap((q) => Object.values(q.explain)),
      told: [document.getElementById("app").textContent, document.getElementById("sheet").textContent, location.hash, ...attributes].join("\n") };
  });
  for (const explain of explains) assert.ok(!told.includes(explain.trim().slice(0, 30)), `told before the guess: ${explain}`);
  assert.equal(await page.locator("#sheet tbody tr").count() <= 2, true, "print tells what is to come");
  const defer = records.find((r) => r.kind === "queue.defer");
  if (defer) {
    await goTo(page, defer, "&panes=map,ladder,queue,detail");
    assert.ok((await page.locator(".two .countdown").allTextContents()).every((t) => t === "" || t === "?"), "a countdown before the guess");
    assert.equal(await page.locator(".event.wait", { hasText: "until ?" }).count() > 0, true, "the next attempt is told before the guess");
    await visit(page, `at=${records[0].seq}&level=protocol&lang=en&panes=map,ladder,queue,predict`);
    await page.waitForSelector(".predict");
  }
  const listed = await page.locator(".event").count();
  assert.ok(listed <= 1, `${listed} events before the first step`);
  assert.equal(await page.locator(".predict .answer").count(), 0, "the answer shows");
  await tick(page, "End");
  assert.match(await text(page, "#clock"), /^00:00:00/, "End goes past the gate");
  for (const input of await page.locator(".predict input").all()) await input.fill("3");
  await page.locator(".predict input").first().press("Enter");
  await settle(page);
  assert.ok((await page.locator(".predict .answer").count()) > 0, "no answer after the guess");
  assert.ok((await page.locator(".event").count()) > 1);
  await page.keyboard.press("Escape");
  assert.ok(records.length > 1);
}

/* So many steps forward and as many back: the same states, and they differ. */
async function checkSteps(page, unit) {
  await tick(page, unit);
  await tick(page, "Home");
  const seen = [await snapshot(page)];
  for (let k = 0; k < STEPS; k++) {
    await page.keyboard.press(k % 2 ? "PageDown" : "ArrowRight");
    const now = await snapshot(page);
    if (now === seen.at(-1)) break;
    seen.push(now);
  }
  assert.ok(seen.length > 2, `unit ${unit}: ${seen.length - 1} steps`);
  for (let k = seen.length - 2; k > 0; k--) {
    await page.keyboard.press(k % 2 ? "PageUp" : "ArrowLeft");
    assert.equal(await snapshot(page), seen[k], `unit ${unit}: back at step ${k}`);
  }
}

/* The kinds that the level protocol shows; the tests are called from the top of the tree. */
const PROTOCOL = new Set([...readFileSync("sim/trace/kinds.def", "utf8").matchAll(/^KIND\(\w+,\s*"([^"]+)",\s*(MAIL|PROTOCOL),/gm)].map((m) => m[1]));

/* Goes to a record by the address, as a teacher's link does. */
async function goTo(page, record, extra = "") {
  await visit(page, `at=${record.seq}&level=segment&lang=en${extra}`);
  await page.waitForFunction((seq) => document.querySelector(".event.picked")?.getAttribute("data-seq") === String(seq), record.seq);
}

async function checkPanes(page, records) {
  const defer = records.filter((r) => r.kind === "queue.defer").at(-1);
  if (defer) {
    await goTo(page, defer, "&panes=map,ladder,queue,detail");
    const row = page.locator(".two .data tbody tr", { hasText: defer.mail }).filter({ hasText: defer.reason.slice(0, 20) }).first();
    assert.match(await row.textContent(), /waits/, "the queue table");
    assert.ok((await row.locator(".countdown").textContent()).length > 1, "no countdown");
  }
  const stored = records.find((r) => r.kind === "mailbox.store");
  if (stored) {
    await goTo(page, stored, "&panes=map,ladder,mailboxes,detail");
    assert.equal(await page.locator(".two .data tbody tr", { hasText: stored.user }).filter({ hasText: stored.mail }).count() > 0, true, "the mailbox");
    await page.locator(".two .go", { hasText: stored.mail }).first().click();
    assert.ok((await page.locator(".event.own").count()) > 0, "selecting a mail is not seen in the list");
  }
  await checkInventory(page, records);
  await checkMails(page, records);
  const down = records.find((r) => /^host\.(crash|power_off)$/.test(r.kind));
  if (down) {
    await goTo(page, down);
    assert.ok((await page.locator(".map .node.off").getAttribute("aria-label")).startsWith(down.host), "what is down on the map");
  }
  const state = records.find((r) => r.kind === "smtp.state");
  if (state) {
    await goTo(page, state, "&panes=map,ladder,queue,states");
    assert.equal(await text(page, ".states .state.lit text"), state.to, "the current state");
  }
  const line = records.find((r) => r.kind === "smtp.command");
  if (line) await checkLine(page, records, line);
}

/* At the end queues and mailboxes hold what the trace's last records found on the disks. */
async function checkInventory(page, records) {
  const held = (place) => records.filter((r) => r.kind === "store.inventory" && r.final && r.place === place).map((r) => r.mail).sort();
  for (const [pane, place] of [["queue", "queue"], ["mailboxes", "mailbox"]]) {
    await goTo(page, records.at(-1), `&panes=map,ladder,${pane},detail`);
    const listed = await page.locator(".two .data tbody .go").allTextContents(), expected = held(place);
    if (expected.length <= MOST_LISTED) assert.deepEqual(listed.sort(), expected, `${pane} at the end`);
  }
}

/* What became of each mail, by the last record that says so. */
const FATES = { "agent.compose": "written", "agent.sent": "taken over", "mail.accepted": "accepted", "queue.defer": "waits", "mail.relayed": "relayed", "mail.delivered": "delivered", "agent.receive": "fetched",
  "agent.wait": "waits", "agent.failed": "refused", "agent.lost": "lost", "agent.read": "read", "mail.bounced": "bounced", "mail.expired": "expired", "mail.discarded": "discarded", "mail.uncertain": "uncertain" };
async function checkMails(page, records) {
  await goTo(page, records.at(-1), "&panes=map,ladder,mails,detail");
  const fates = new Map();
  for (const r of records) if (r.mail && (FATES[r.kind] || !fates.has(r.mail)) && !(r.kind === "mail.relayed" && /delivered|fetched|read/.test(fates.get(r.mail)))) fates.set(r.mail, FATES[r.kind] ?? "");
  const kept = new Set(records.filter((r) => r.kind === "store.inventory" && r.final).map((r) => r.mail));
  for (const [mail, fate] of fates) if (/taken over|accepted|relayed/.test(fate) && !kept.has(mail)) fates.set(mail, "lost");
  const rows = await page.locator(".two .data tbody tr").evaluateAll((all) => all.map((row) => [row.querySelector(".go").textContent, row.children[1].textContent]));
  assert.equal(rows.length, Math.min(fates.size, MOST_LISTED));
  for (const [mail, fate] of rows) assert.ok(fate.includes(fates.get(mail)), `${mail}: ${fate}, not ${fates.get(mail)}`);
  /* A machine that is selected on the map is lit in the list. */
  const server = page.locator(".map .node.server").first();
  const host = (await server.getAttribute("aria-label")).split(":")[0];
  await server.focus(); // as the tab key does
  await page.keyboard.press("Enter");
  await settle(page);
  const lit = await page.locator(".event.at-host").evaluateAll((all) => all.map((e) => Number(e.dataset.seq)));
  assert.ok(lit.every((seq) => records.find((r) => r.seq === seq).host === host), "lit events of another machine");
  assert.equal(lit.length, await page.locator(".event").evaluateAll((all, seqs) => all.filter((e) => seqs.includes(Number(e.dataset.seq))).length, records.filter((r) => r.host === host).map((r) => r.seq)));
  assert.equal(await page.locator(".rail.picked").count() <= 1, true);
}

async function checkLine(page, records, line) {
  await goTo(page, line, "&panes=map,ladder,queue,detail");
  assert.ok((await text(page, ".row.picked .say")).startsWith(line["smtp.command_line"].slice(0, 12)), "the ladder");
  assert.match(await text(page, ".map .caption"), new RegExp(line["smtp.command_line"].slice(0, 4)), "the map");
  const fields = await page.locator(".five .fields:not(.parts)").first().textContent();
  assert.ok(fields.includes(line["smtp.command_line"]), "the fields");
  const segment = records.find((r) => r.kind === "tcp.send" && r["tcp.len"] > 0 && r.host === line.host && r.seq > line.seq);
  await goTo(page, segment, "&panes=map,ladder,queue,detail");
  assert.match(await text(page, ".headers"), /IPv4 · time to live64/);
  assert.ok((await text(page, ".hex")).replace(/\s/g, "").length > 100, "no octets");
  await checkOctets(page, records, line);
  await goTo(page, segment, "&panes=map,ladder,queue,detail");
  await page.locator(".headers .go", { hasText: "TCP · flags" }).click();
  assert.equal(await page.locator(".hex .lit").count(), 2, "a field's octet, in hexadecimal and as a character");
  await page.locator(".chain .go").first().click();
  await settle(page);
  assert.notEqual(await page.locator(".event.picked").getAttribute("data-seq"), String(segment.seq), "Why? leads nowhere");
}

/* From a line to its segment and its octets there, from an octet to its name, and back to the line. */
async function checkOctets(page, records, line) {
  await goTo(page, line, "&panes=map,ladder,queue,detail");
  assert.equal((await page.locator(".hex .char.lit").allTextContents()).join(""), `${line["smtp.command_line"]}··`.slice(0, 400), "the line's octets are lit as characters");
  const linked = await page.locator(".event.linked").evaluateAll((rows) => rows.map((r) => Number(r.dataset.seq)));
  const sent = records.filter((r) => linked.includes(r.seq) && r.kind === "tcp.send");
  assert.ok(sent.length > 0 && sent.every((r) => r.host === line.host && r["tcp.len"] > 0), `lit with the line: ${linked}`);
  assert.ok((await page.locator(".row.linked").count()) > 0, "the ladder lights no segment");
  await goTo(page, sent[0]);
  assert.ok((await page.locator(".event.linked").evaluateAll((rows) => rows.map((r) => Number(r.dataset.seq)))).includes(line.seq), "the segment does not light its line");
  assert.match(await text(page, ".headers"), /SMTP · command/);
  await page.locator(".hex").focus();
  for (const key of ["ArrowRight", "ArrowDown", "ArrowRight"]) await page.keyboard.press(key);
  await settle(page);
  assert.match(await text(page, ".octet-name"), /^17: 0x\w\w IPv4 · total length/, "an octet is named by keyboard");
  await page.locator(".headers .to-line").first().click();
  await settle(page);
  assert.equal(await page.locator(".event.picked").getAttribute("data-seq"), String(line.seq), "back to the line");
}

/* The ladder by keyboard, and by each time axis: to scale its rows are not as far apart as by step. */
async function checkLadder(page) {
  await visit(page, "level=protocol&lang=en&at=1&panes=map,ladder,queue,detail&axis=step");
  await tick(page, "Home");
  await page.locator(".ladder").focus();
  const seqs = [];
  for (const key of ["ArrowDown", "ArrowDown", "ArrowUp"]) {
    await tick(page, key);
    seqs.push(Number(await page.locator(".event.picked").getAttribute("data-seq")));
    assert.equal(await page.locator(".row.picked").count(), 1, "no row of the ladder is picked");
  }
  assert.ok(seqs[1] > seqs[0] && seqs[2] === seqs[0], `the ladder by keyboard: ${seqs}`);
  const distances = () => page.evaluate(() => {
    const ys = [...document.querySelectorAll(".row .strip")].map((r) => Number(r.getAttribute("y")));
    return ys.slice(1).map((y, k) => Math.round(y - ys[k]));
  });
  const found = {};
  for (const axis of ["step", "gaps", "linear"]) {
    await visit(page, `level=protocol&lang=en&at=1&panes=map,ladder,queue,detail&axis=${axis}`);
    await page.waitForFunction((a) => document.querySelector(".transport select[aria-label='Time axis']").value === a, axis);
    await settle(page);
    found[axis] = await distances();
  }
  assert.ok(Math.max(...found.step) - Math.min(...found.step) <= 1, `by step: ${found.step}`);
  assert.ok(new Set(found.gaps).size > 1, `with gaps: ${found.gaps}`);
  assert.notDeepEqual(found.linear, found.step, "to scale");
}

/* A part of the address, once it is as wanted: it is written a little after the view has changed. */
const address = (page, key, has) => page.waitForFunction(([k, wanted]) => new URLSearchParams(location.hash.slice(1)).has(k) === wanted, [key, has])
  .then(() => page.evaluate((k) => new URLSearchParams(location.hash.slice(1)).get(k), key));

/* Each key does what the help says, and the tab key comes to every pane. */
async function checkKeys(page, records) {
  const line = records.find((r) => r.kind === "smtp.content");
  await goTo(page, line, "&panes=map,ladder,queue,states");
  const value = (label) => page.evaluate((l) => document.querySelector(`.transport select[aria-label="${l}"]`).value, label);
  await page.locator("header h1").click();
  for (const [key, label, wanted] of [["a", "Time axis", "linear"], ["a", "Time axis", "step"], ["a", "Time axis", "gaps"], ["+", "Speed", "2"], ["-", "Speed", "1"], ["3", "Step by", "queue"], ["4", "Step by", "message"], ["2", "Step by", "line"]]) {
    await tick(page, key);
    assert.equal(await value(label), wanted, `key ${key}`);
  }
  for (const [key, id] of [["w", "why"], ["n", "next"]]) {
    await tick(page, key);
    assert.equal(await page.locator(`#${id}`).count(), 1, `key ${key}`);
  }
  await tick(page, "m");
  assert.ok((await page.locator(".event").count()) > 0 && (await page.locator(".event:not(.own)").count()) === 0, "key m follows the mail");
  await tick(page, "c");
  assert.equal(await page.locator(".bar button[aria-pressed=true]", { hasText: "Connection" }).count(), 1, "key c follows the connection");
  const ends = new Set([line.connection, ...records.filter((r) => r.kind === "tcp.established" && r.remote === line.host).map((r) => r.connection)]);
  const followed = await page.locator(".event").evaluateAll((rows) => rows.map((r) => Number(r.dataset.seq)));
  assert.ok(followed.length > 0 && records.filter((r) => followed.includes(r.seq)).every((r) => ends.has(r.connection)), "what is followed is of the connection's two ends");
  await tick(page, "Escape");
  await address(page, "follow", false); // Escape shows everything
  await tick(page, "/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "filter");
  await page.keyboard.type("smtp.content");
  await settle(page);
  const kinds = await page.locator(".event").evaluateAll((rows) => rows.map((r) => Number(r.dataset.seq)));
  assert.deepEqual([...new Set(kinds.map((seq) => records.find((r) => r.seq === seq).kind))], ["smtp.content"], "the filter");
  await tick(page, "Escape");
  await tick(page, " ");
  assert.equal(await page.locator("#play").getAttribute("aria-label"), "Pause", "space plays");
  const before = await text(page, "#clock");
  await page.waitForFunction((t) => document.querySelector("#clock").textContent !== t, before);
  const rows = await page.locator(".event.picked").getAttribute("aria-posinset");
  await page.waitForFunction((n) => Number(document.querySelector(".event.picked").getAttribute("aria-posinset")) > n + 5, Number(rows)); // and does not stop where several things happen at once
  await tick(page, " ");
  assert.equal(await page.locator("#play").getAttribute("aria-label"), "Play", "space pauses");
  await tick(page, "?");
  assert.equal(await page.locator(".keys").count(), 1);
  await tick(page, "?");
  await goTo(page, line, "&panes=map,ladder,queue,notes");
  await page.locator("#lecture").focus();
  const reached = new Set();
  for (let k = 0; k < 60; k++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => { const e = document.activeElement; return e.closest(".map") ? "map" : e.id || [...e.classList].filter((c) => ["ladder", "list", "axis"].includes(c))[0] || e.closest(".slot")?.classList[1] || ""; }));
  }
  for (const place of ["map", "ladder", "list", "axis", "filter", "theme", "play", "two", "five"]) assert.ok(reached.has(place), `the tab key does not come to ${place}: ${[...reached]}`);
}

/* A note is kept in the address, and leads back to its moment. */
async function checkNotes(page, records) {
  const [there, elsewhere] = [records[Math.floor(records.length / 3)], records[Math.floor(records.length / 2)]];
  await goTo(page, there, "&panes=map,ladder,queue,notes");
  await page.locator("textarea").fill("look here & there");
  await page.locator(".five button", { hasText: "Keep the note" }).click();
  const note = await address(page, "note", true);
  assert.equal(note, `${there.seq}:look here & there`);
  await goTo(page, elsewhere, `&panes=map,ladder,queue,notes&note=${encodeURIComponent(note)}`);
  await page.locator(".five .go", { hasText: "look here & there" }).click();
  await settle(page);
  assert.equal(await page.locator(".event.picked").getAttribute("data-seq"), String(there.seq), "a note leads to its moment");
}

/* What the charts say of the moment, as a screen reader has it. */
async function checkCharts(page, records) {
  const moment = records.filter((r) => r.kind === "queue.enter").at(-1);
  if (!moment) return;
  await goTo(page, moment, "&panes=map,ladder,charts,detail");
  await page.waitForSelector(".uplot canvas");
  const lengths = new Map();
  for (const r of records.filter((one) => one.seq <= moment.seq)) {
    if (/^queue\.(enter|remove|recover)$/.test(r.kind)) lengths.set(r.host, r.length);
    if (r.kind === "host.restart" && lengths.has(r.host)) lengths.set(r.host, 0);
  }
  const said = await page.locator(".chart").first().getAttribute("aria-label");
  for (const [host, length] of lengths) assert.ok(`${said},`.includes(`${host.replace(/\.example$/, "")} ${length},`), `${host} ${length}: ${said}`);
  const again = records.filter((r) => r.kind === "tcp.send" && r.seq <= moment.seq && /retrans/.test(r.reason)).length;
  assert.match(await page.locator(".chart").last().getAttribute("aria-label"), new RegExp(` ${again}$`), "retransmissions");
}

async function checkAxe(page, what) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 2).map((n) => n.target.join(" ")).join(", ")}`), [], what);
}

/* Names that lie on one another or stand out of their pane, and dots under words, at two sizes and in both modes. */
async function checkRoom(page, records) {
  const at = records.find((r) => r.kind === "queue.defer" || r.kind === "mail.bounced") ?? records.at(Math.floor(records.length / 2));
  for (const [width, height] of [[1280, 720], [1920, 1080]])
    for (const lecture of [0, 1]) {
      await page.setViewportSize({ width, height });
      await visit(page, `at=${at.seq}&level=protocol&lang=en&lecture=${lecture}&panes=map,ladder,queue,detail`);
      await page.waitForFunction((mode) => document.documentElement.dataset.lecture === String(mode) && document.querySelector(".row.picked"), lecture);
      await settle(page);
      const crowded = await page.evaluate(() => {
        const found = [], over = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4;
        for (const selector of [".map .node > text", ".ladder-head text"]) {
          const texts = [...document.querySelectorAll(selector)], pane = document.querySelector(selector)?.closest("svg").getBoundingClientRect();
          const boxes = texts.map((t) => t.getBoundingClientRect());
          boxes.forEach((a, k) => {
            if (a.left < pane.left - 1 || a.right > pane.right + 1) found.push(`${selector}: ${texts[k].textContent} is cut`);
            boxes.forEach((b, n) => { if (n > k && over(a, b)) found.push(`${selector}: ${texts[k].textContent} on ${texts[n].textContent}`); });
          });
        }
        for (const row of document.querySelectorAll(".row")) {
          const say = row.querySelector(".say")?.getBoundingClientRect(), dot = row.querySelector("circle")?.getBoundingClientRect();
          if (say && dot && over(say, dot)) found.push(`a dot under ${row.textContent}`);
        }
        return found;
      });
      assert.deepEqual(crowded, [], `${width}×${height}${lecture ? ", lecture" : ""}`);
    }
  await page.setViewportSize({ width: 1280, height: 720 });
}

async function checkLooks(page) {
  for (const key of ["#language", "#theme", "#lecture"]) {
    await page.click(key);
    await settle(page);
    await checkAxe(page, `after ${key}`);
  }
  const size = await page.evaluate(() => ({ type: parseFloat(getComputedStyle(document.querySelector(".row .say")).fontSize), panes: document.querySelectorAll("main > .slot").length, lang: document.documentElement.lang, over: document.documentElement.scrollWidth - innerWidth }));
  assert.deepEqual([size.panes, size.lang], [2, "ko"]);
  assert.ok(size.type >= 20, `type of ${size.type} px in lecture mode`);
  assert.ok(size.over <= 0, "the page is wider than the window");
  for (const key of ["#lecture", "#theme", "#language"]) await page.click(key);
}

async function checkLesson(lesson) {
  const { records, level } = traceOf(lesson);
  const { page, complaints } = await open(lesson, "lang=en");
  await checkAxe(page, "at first");
  await checkGate(page, records);
  for (const unit of UNITS[level]) await checkSteps(page, unit);
  await goTo(page, records.at(-1));
  assert.equal(await page.locator(".event.picked").getAttribute("aria-posinset"), String(records.length), "the list holds every record");
  if (level !== "mail") {
    await visit(page, "level=protocol&lang=en&at=1");
    await tick(page, "End");
    assert.equal(Number(await page.locator(".event.picked").getAttribute("aria-posinset")), records.filter((r) => PROTOCOL.has(r.kind)).length, "the level protocol");
  }
  await checkPanes(page, records);
  await checkCharts(page, records);
  await checkNotes(page, records);
  if (level === "segment") await checkKeys(page, records);
  await checkLadder(page);
  await checkRoom(page, records);
  await visit(page, "level=protocol&lang=en&at=1&panes=map,ladder,charts,detail");
  await page.waitForSelector(".uplot canvas");
  await checkLooks(page);
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  assert.ok((await page.locator("#sheet tbody tr").count()) > 20, "nothing to print");
  assert.deepEqual(complaints, []);
  await page.close();
}

let failed = 0;
const lessons = readdirSync(scenarios, { withFileTypes: true }).filter((d) => d.isDirectory() && (only.length === 0 || only.includes(d.name))).map((d) => d.name).sort();
for (const lesson of lessons) {
  try {
    await checkLesson(lesson);
    console.log(`ok      ${lesson}`);
  } catch (error) {
    failed++;
    console.log(`FAILED  ${lesson}`);
    console.log(String(error.stack ?? error).replace(/^/gm, "    "));
  }
}
await context.close();
rmSync(folder, { recursive: true, force: true });
process.exit(failed > 0 ? 1 : 0);
