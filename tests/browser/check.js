// SPDX-License-Identifier: Apache-2.0
// node check.js FOLDER [IMAGES]: opens the pages in FOLDER in a headless browser, as tests/e2e/report_page.sh made them,
// and holds them to what a reader is promised. With IMAGES, pictures are left there.
import { strict as assert } from "node:assert";
import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [folder, images] = process.argv.slice(2);
// The driver is among the page's own packages, whose lock file pins it.
const packages = createRequire(pathToFileURL(join(process.env.MARU_PAGE_PACKAGES, "package.json")));
const { default: puppeteer } = await import(pathToFileURL(packages.resolve("puppeteer-core")));

const browser = await puppeteer.launch({
  executablePath: process.env.MARU_BROWSER,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
});

/** A page that fails the test when it complains, or asks anything of anybody. */
async function open(name, { width = 1200, height = 900, theme = "light" } = {}) {
  const page = await browser.newPage();
  page.trouble = [];
  page.on("console", (message) => page.trouble.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => page.trouble.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => page.trouble.push(`dialog: ${dialog.message()}`));
  page.on("request", (request) => {
    if (request.url() !== url) page.trouble.push(`request: ${request.url()}`);
  });
  const url = pathToFileURL(join(folder, name)).href;
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  await page.evaluateOnNewDocument(() => {
    window.copied = [];
    Object.defineProperty(navigator, "clipboard", {
      value: { writeText: async (text) => void window.copied.push(text) },
    });
  });
  const begin = performance.now();
  await page.goto(url, { waitUntil: "load" });
  await page.waitForSelector("figure svg");
  page.seconds = (performance.now() - begin) / 1000;
  return page;
}

async function done(page) {
  assert.deepEqual(page.trouble, []);
  await page.close();
}

const text = (page, selector) => page.$eval(selector, (element) => element.textContent);
const picture = async (page, name) => images && page.screenshot({ path: join(images, `${name}.png`) });

/** Every figure has a title, a plot with marks in it, and its numbers. */
async function expectFigures(page, least) {
  const figures = await page.$$eval("figure", (all) =>
    all.map((one) => ({
      id: one.id,
      title: one.querySelector("h3").textContent,
      label: one.querySelector(".plot").getAttribute("aria-label"),
      marks: [
        ...one.querySelectorAll(
          "svg [aria-label]:not([aria-label*=axis]):not([aria-label*=grid]) :is(path, rect, circle, line)",
        ),
      ].length,
      nan: one.querySelector("svg").outerHTML.includes("NaN"),
    })),
  );
  assert.ok(figures.length >= least, `${figures.length} figures`);
  for (const one of figures) {
    assert.ok(one.marks > 0, `${one.id} has no marks`);
    assert.ok(
      one.title && !one.title.includes("undefined") && one.label.includes(one.title),
      `${one.id}: ${one.title}`,
    );
    assert.ok(!one.nan, `${one.id} has a mark without a place`);
  }
  return figures.map((one) => one.id);
}

const checks = {
  async "the page opens, says the answer first, and asks nothing of anybody"() {
    const page = await open("fleet.html");
    const ids = await expectFigures(page, 12);
    for (const id of [
      "gemm",
      "roofline",
      "links-0",
      "late",
      "condition-sm_clock",
      "condition-power",
      "timeline-figure",
    ])
      assert.ok(ids.includes(id), id);
    assert.match(await text(page, "h1"), /^3 of 8 nodes fail: gpu-0001, gpu-0002, gpu-0003$/);
    assert.match(await text(page, ".culprits"), /arrives late[\s\S]*peers[\s\S]*transfers slowly/);
    const policy = await page.$eval("meta[http-equiv=Content-Security-Policy]", (meta) => meta.content);
    assert.match(policy, /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'/);
    await picture(page, "report");
    await done(page);
  },

  async "a click on a host shows it in every figure, and another takes it back"() {
    const page = await open("fleet.html");
    const marks = (id) => page.$$eval(`#${id} svg [aria-label=cell] rect`, (all) => all.length);
    const before = await marks("links-0");
    await page.click('.tile[data-host="gpu-0002"]');
    assert.match(await text(page, "#filter"), /gpu-0002/);
    assert.equal(await page.$$eval(".culprit", (all) => all.length), 1);
    assert.match(await text(page, ".culprit"), /gpu-0002/);
    assert.equal(before, 8 * 7);
    assert.equal(await marks("links-0"), 2 * 7);
    for (const id of ["curve-bus_bandwidth-0", "condition-sm_clock", "range-0"])
      assert.match(await page.$eval(`#${id}`, (one) => one.querySelector(".legend").textContent), /gpu-0002/, id);
    for (const id of ["curve-bus_bandwidth-0", "curve-duration-1", "condition-sm_clock", "condition-power", "range-0"])
      assert.ok(await page.$eval(`#${id} svg`, (svg) => svg.outerHTML.includes("var(--accent)")), id);
    assert.match(await text(page, "#gemm .note"), /gpu-0002/);
    const shown = await page.$$eval("#gemm svg [aria-label=text] text", (all) => all.map((one) => one.textContent));
    assert.ok(shown.includes("–") && shown.some((one) => /^\d/.test(one)), "what was throttled is no figure of this host");
    assert.equal(await page.$("#late"), null, "the late rank is on another host");
    await page.$eval("#compute", (element) => element.scrollIntoView());
    await picture(page, "report-host");
    await page.click("#filter");
    assert.equal(await page.$("#filter"), null);
    assert.equal(await marks("links-0"), before);
    assert.ok(await page.$("#late"));
    await done(page);
  },

  async "all of it can be done from the keyboard, and is read out"() {
    const page = await open("fleet.html");
    await page.focus(".tile[tabindex='0']");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    assert.match(await text(page, "#filter"), /gpu-0002/);
    assert.equal(await page.evaluate(() => document.activeElement.dataset.host), "gpu-0002", "the focus stays");
    assert.equal(await page.$$eval(".tile[tabindex='0']", (all) => all.length), 1, "one tab stop for all tiles");
    await page.focus("#gemm .plot");
    await page.keyboard.press("ArrowRight");
    assert.match(await text(page, "#gemm .readout"), /type bf16 .*median .*FLOP\/s/);
    const unnamed = await page.$$eval(
      "button, input, summary, [role=img], [role=group]",
      (all) => all.filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim())).length,
    );
    assert.equal(unnamed, 0);
    const levels = await page.$$eval("h1, h2, h3", (all) => all.map((one) => Number(one.tagName[1])));
    assert.ok(
      levels.every((level, i) => i === 0 || level <= levels[i - 1] + 1),
      "no heading level is left out",
    );
    await done(page);
  },

  async "every figure's numbers are in a table and can be copied"() {
    const page = await open("fleet.html");
    const ids = await page.$$eval("figure", (all) => all.map((one) => one.id));
    for (const id of ids) {
      await page.$eval(`#${id} summary`, (element) => element.click());
      await page.waitForSelector(`#${id} tbody tr`);
      await page.$eval(`#${id} .tools > button`, (element) => element.click());
    }
    const copied = await page.evaluate(() => window.copied);
    assert.equal(copied.length, ids.length);
    for (const [i, one] of copied.entries()) {
      const rows = one.split("\n").map((row) => row.split("\t").length);
      assert.ok(rows.length > 1 && rows.every((columns) => columns === rows[0]), ids[i]);
      assert.match(one, /\d/, ids[i]);
      assert.ok(!/undefined|NaN|\[object/.test(one), ids[i]);
    }
    assert.match(copied[ids.indexOf("gemm")], /bf16 cublaslt\t512\t\d+ TFLOP\/s/);
    await page.$eval("#everything summary", (element) => element.click());
    await page.waitForSelector("#everything tbody tr");
    await done(page);
  },

  async "Korean is Korean"() {
    const page = await open("fleet-ko.html");
    await expectFigures(page, 12);
    assert.equal(await page.evaluate(() => document.documentElement.lang), "ko");
    assert.equal(await text(page, "h1"), "노드 8개 중 3개 불합격: gpu-0001, gpu-0002, gpu-0003");
    const titles = await page.$$eval("h2, figure h3, .note, summary", (all) => all.map((one) => one.textContent));
    for (const title of titles) assert.match(title, /[가-힣]/, title);
    await picture(page, "report-ko");
    await page.$$eval(".choice button", (all) => all.find((one) => one.textContent === "English").click());
    assert.match(await text(page, "h1"), /nodes fail/);
    await done(page);
  },

  async "it is dark where the system is, light where one asks, and legible in both"() {
    const page = await open("fleet.html", { theme: "dark" });
    const brightness = () =>
      page.evaluate(() => {
        const of = (property) =>
          getComputedStyle(document.body)
            [property].match(/\d+/g)
            .slice(0, 3)
            .reduce((sum, part) => sum + Number(part), 0);
        return [of("backgroundColor"), of("color")];
      });
    let [paper, ink] = await brightness();
    assert.ok(paper < 120 && ink > 600, "dark");
    await picture(page, "report-dark");
    await page.$$eval(".choice button", (all) => all.find((one) => one.textContent === "Light").click());
    [paper, ink] = await brightness();
    assert.ok(paper > 700 && ink < 150, "light");
    await done(page);
  },

  async "on A4 no plot is cut"() {
    const page = await open("fleet.html", { theme: "dark" });
    const paper = { width: 688, height: 1017 }; // CSS pixels of A4 within its margins of 14 mm
    await page.emulateMediaType("print");
    await page.setViewport({ ...paper });
    await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
    const cut = await page.$$eval(
      "figure svg",
      (all, { width, height }) =>
        all
          .map((svg) => ({
            id: svg.closest("figure").id,
            box: svg.getBoundingClientRect(),
            inside: getComputedStyle(svg.closest("figure")).breakInside,
            text: Math.max(...[...svg.querySelectorAll("text")].map((one) => one.getBoundingClientRect().right)),
          }))
          .filter(
            ({ box, inside, text }) =>
              box.left < 0 || box.right > width + 1 || text > width + 2 || box.height > height || inside !== "avoid",
          )
          .map(({ id, box, text }) => `${id} ${box.left} ${box.right} ${text}`),
      paper,
    );
    assert.deepEqual(cut, []);
    const tall = await page.$$eval(
      "figure",
      (all, { height }) => all.filter((one) => one.getBoundingClientRect().height > height).map((one) => one.id),
      paper,
    );
    assert.deepEqual(tall, [], "figures higher than a page");
    assert.equal(
      await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
      "rgb(255, 255, 255)",
      "paper is white",
    );
    const pdf = await page.pdf({ format: "A4", preferCSSPageSize: true, printBackground: true });
    assert.ok(pdf.length > 20000);
    await done(page);
  },

  async "on a telephone nothing sticks out"() {
    const page = await open("fleet.html", { width: 390, height: 844 });
    await expectFigures(page, 12);
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 390);
    await picture(page, "report-phone");
    await done(page);
  },

  async "names are text, whatever is in them"() {
    const page = await open("hostile.html");
    assert.equal(await page.$$eval("img, iframe, object, embed, svg script, a, #page script", (all) => all.length), 0);
    assert.match(await text(page, ".tiles"), /<\/script><img src=x onerror=alert\(1\)>/);
    await page.$$eval(".tile", (all) => all[1].click());
    assert.match(await text(page, "#filter"), /"><svg onload=alert\(2\)>/);
    assert.equal(await page.$$eval("script", (all) => all.length), 2);
    await done(page);
  },

  async "two runs: what differs, and what does not beyond noise"() {
    const page = await open("compare.html");
    await expectFigures(page, 13);
    assert.match(await text(page, "#compare h3"), /differ: \d+ faster, \d+ slower in B|No difference beyond noise/);
    assert.match(await text(page, "#compare .legend"), /no difference beyond noise/);
    await page.$eval("#compare", (element) => element.scrollIntoView());
    await picture(page, "report-compare");
    await page.$$eval(".choice button", (all) => all.find((one) => one.textContent.startsWith("A ")).click());
    await expectFigures(page, 13);
    await done(page);
    const same = await open("same.html");
    assert.match(await text(same, "#compare h3"), /^No difference beyond noise in \d+ figures$/);
    await done(same);
  },

  async "one host, nothing but processors"() {
    const page = await open("own.html");
    await expectFigures(page, 3);
    assert.equal(await page.$("#conditions"), null, "no section without data");
    await done(page);
  },

  async "a thousand hosts open in three seconds, in eight megabytes"() {
    const bytes = statSync(join(folder, "large.html")).size;
    assert.ok(bytes < 8e6, `${bytes} bytes`);
    const page = await open("large.html");
    console.log(`  1,000 hosts: ${(bytes / 1e6).toFixed(2)} MB, open after ${page.seconds.toFixed(2)} s`);
    assert.ok(page.seconds < 3 * Number(process.env.MARU_PATIENCE ?? 1), `${page.seconds} s`);
    await expectFigures(page, 10);
    assert.equal(await page.$$eval(".tile", (all) => all.length), 1000);
    assert.ok((await page.$$eval("figure svg *", (all) => all.length)) < 20000);
    const begin = performance.now();
    await page.$eval('.tile[data-host="gpu-0500"]', (tile) => tile.click());
    console.log(`  another host after ${((performance.now() - begin) / 1000).toFixed(2)} s`);
    assert.match(await text(page, "#filter"), /gpu-0500/);
    await picture(page, "report-1000");
    await done(page);
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`ok: ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED: ${name}\n${error.stack}`);
  }
}
await browser.close();
process.exit(failed ? 1 : 0);
