// SPDX-License-Identifier: Apache-2.0
import { h } from "./dom.js";
import { languages, speak, spoken, t, word } from "./words.js";
import { compare } from "./sections/compare.js";
import { conditions } from "./sections/conditions.js";
import { curves } from "./sections/curves.js";
import { everything } from "./sections/everything.js";
import { gemm } from "./sections/gemm.js";
import { hosts } from "./sections/hosts.js";
import { late } from "./sections/late.js";
import { links } from "./sections/links.js";
import { ranges } from "./sections/ranges.js";
import { roofline } from "./sections/roofline.js";
import { timeline } from "./sections/timeline.js";
import { verdict } from "./sections/verdict.js";

const data = JSON.parse(document.getElementById("data").textContent);
const root = document.getElementById("page");
const themes = ["auto", "light", "dark"];
const state = { run: data.pages.length - 1, host: null, theme: "auto" };

function context() {
  const page = data.pages[state.run];
  const host = page.hosts.findIndex((one) => one.name === state.host);
  return {
    data,
    page,
    other: data.pages.length > 1 ? data.pages[1 - state.run] : undefined,
    host,
    hostName: host >= 0 ? state.host : null, // the other run may have other hosts
    setHost: (name) => update({ host: name }),
  };
}

/** A row of choices of which one is on. */
function choice(label, options, current, choose) {
  return h(
    "div",
    { class: "choice", role: "group", "aria-label": label },
    options.map(([value, text]) =>
      h(
        "button",
        { type: "button", "aria-pressed": value === current ? "true" : "false", click: () => choose(value) },
        text,
      ),
    ),
  );
}

function bar(ctx) {
  const filter = ctx.hostName
    ? h(
        "button",
        { type: "button", class: "filter", id: "filter", click: () => update({ host: null }) },
        t("filtered", ctx.hostName),
        h("span", { "aria-hidden": "true" }, " ✕"),
      )
    : h("span", { class: "filter none" }, ctx.page.hosts.length > 1 ? t("click_host") : "");
  return h(
    "nav",
    { class: "bar", "aria-label": t("controls") },
    h("span", { class: "brand" }, "maru"),
    filter,
    data.pages.length > 1
      ? choice(
          t("runs"),
          [
            [0, `A ${data.names[0]}`],
            [1, `B ${data.names[1]}`],
          ],
          state.run,
          (run) => update({ run }),
        )
      : null,
    choice(
      t("theme"),
      themes.map((theme) => [theme, t(`theme_${theme}`)]),
      state.theme,
      (theme) => update({ theme }),
    ),
    choice(
      t("language"),
      languages.map((language) => [language, word("language", language)]),
      spoken(),
      (language) => {
        speak(language);
        update({});
      },
    ),
  );
}

function section(id, title, figures, columns = 1) {
  const shown = figures.filter(Boolean);
  if (!shown.length) return null;
  return h("section", { id }, h("h2", {}, title), h("div", { class: `figures columns-${columns}` }, shown));
}

function leftOut({ left_out }) {
  if (!left_out.length) return null;
  return h(
    "p",
    { class: "aside" },
    left_out
      .map((line) => {
        const [what, shown, all] = line.split(" ");
        return t("left_out", word("what", what), shown, all);
      })
      .join(" "),
  );
}

function build() {
  const ctx = context();
  return [
    bar(ctx),
    verdict(ctx),
    compare(ctx),
    hosts(ctx),
    section("collectives", t("collectives"), curves(ctx)),
    section("compute", t("compute"), [...gemm(ctx), ...roofline(ctx)]),
    section("rates", t("memory"), ranges(ctx)),
    section("links", t("links"), links(ctx), 2),
    section("lateness", t("lateness"), late(ctx)),
    section("conditions", t("conditions"), conditions(ctx), 2),
    section("timeline", t("timeline"), timeline(ctx)),
    everything(ctx),
    h("footer", {}, leftOut(ctx.page), h("p", {}, t("made_by", ctx.page.run.version))),
  ].filter(Boolean);
}

const paper = 680; // pixels that A4 leaves between the margins
const column = 324; // and half of it
function redraw() {
  for (const one of root.querySelectorAll("figure")) one.redraw();
}
function redrawForPaper() {
  for (const one of root.querySelectorAll("figure")) one.redraw(one.closest(".columns-2") ? column : paper);
}

const dark = window.matchMedia("(prefers-color-scheme: dark)");
function dress() {
  document.documentElement.dataset.theme = state.theme === "auto" ? (dark.matches ? "dark" : "light") : state.theme;
}

/** What tells a button from the others, also after the page was drawn anew. */
const buttonName = (button) => `${button.className} ${button.dataset.host ?? button.textContent}`;

/** Draws the page anew for another state; where the keyboard was and how far one had scrolled stay. */
function update(change) {
  const focused = document.activeElement instanceof HTMLButtonElement ? buttonName(document.activeElement) : null;
  const top = window.scrollY;
  Object.assign(state, change);
  dress();
  root.replaceChildren(...build());
  redraw();
  window.scrollTo(0, top);
  const again = [...root.querySelectorAll("button")].find((button) => buttonName(button) === focused);
  again?.focus({ preventScroll: true });
}

dark.addEventListener("change", dress);
speak(data.lang);
update({});

window.addEventListener("beforeprint", redrawForPaper);
window.addEventListener("afterprint", redraw);
let width = root.clientWidth;
new ResizeObserver(() => {
  if (Math.abs(root.clientWidth - width) < 8) return;
  width = root.clientWidth;
  redraw();
}).observe(root);
