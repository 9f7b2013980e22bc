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
  return {
    data, page, other: data.pages.length > 1 ? data.pages[1 - state.run] : undefined,
    hostName: state.host, host: page.hosts.findIndex((host) => host.name === state.host),
    setHost: (name) => update({ host: name }),
  };
}

/** A row of choices of which one is on. */
function choice(label, options, current, choose) {
  return h("div", { class: "choice", role: "group", "aria-label": label },
    options.map(([value, text]) => h("button", { type: "button", "aria-pressed": value === current ? "true" : "false", click: () => choose(value) }, text)));
}

function bar(ctx) {
  const filter = state.host
    ? h("button", { type: "button", class: "filter", id: "filter", click: () => update({ host: null }) }, t("filtered", state.host), h("span", { "aria-hidden": "true" }, " ✕"))
    : h("span", { class: "filter none" }, ctx.page.hosts.length > 1 ? t("click_host") : "");
  return h("nav", { class: "bar", "aria-label": t("controls") }, h("span", { class: "brand" }, "maru"), filter,
    data.pages.length > 1 ? choice(t("runs"), [[0, `A ${data.names[0]}`], [1, `B ${data.names[1]}`]], state.run, (run) => update({ run })) : null,
    choice(t("theme"), themes.map((theme) => [theme, t(`theme_${theme}`)]), state.theme, (theme) => update({ theme })),
    choice(t("language"), languages.map((language) => [language, word("language", language)]), spoken(), (language) => { speak(language); update({}); }));
}

function section(id, title, note, figures) {
  const shown = figures.filter(Boolean);
  if (!shown.length) return null;
  return h("section", { id }, h("h2", {}, title), note ? h("p", { class: "note" }, note) : null, h("div", { class: "figures" }, shown));
}

function leftOut({ left_out }) {
  if (!left_out.length) return null;
  return h("p", { class: "aside" }, left_out.map((line) => {
    const [what, shown, all] = line.split(" ");
    return t("left_out", word("what", what), shown, all);
  }).join(" "));
}

function build() {
  const ctx = context();
  return [
    bar(ctx), verdict(ctx), compare(ctx), hosts(ctx),
    section("collectives", t("collectives"), null, curves(ctx)),
    section("compute", t("compute"), null, [...gemm(ctx), ...roofline(ctx)]),
    section("rates", t("memory"), null, ranges(ctx)),
    section("links", t("links"), null, links(ctx)),
    section("lateness", t("lateness"), null, late(ctx)),
    section("conditions", t("conditions"), null, conditions(ctx)),
    section("timeline", t("timeline"), null, timeline(ctx)),
    everything(ctx),
    h("footer", {}, leftOut(ctx.page), h("p", {}, t("made_by", ctx.page.run.version))),
  ].filter(Boolean);
}

const redraw = () => { for (const one of root.querySelectorAll("figure")) one.redraw(); };

const dark = window.matchMedia("(prefers-color-scheme: dark)");
function dress() {
  document.documentElement.dataset.theme = state.theme === "auto" ? (dark.matches ? "dark" : "light") : state.theme;
}

/** Draws the page anew for another state; where the keyboard was and how far one had scrolled stay. */
function update(change) {
  const focused = document.activeElement?.dataset?.host ?? document.activeElement?.textContent;
  const top = window.scrollY;
  Object.assign(state, change);
  dress();
  root.replaceChildren(...build());
  redraw();
  window.scrollTo(0, top);
  for (const button of root.querySelectorAll("button"))
    if (focused && (button.dataset.host === focused || button.textContent === focused)) { button.focus({ preventScroll: true }); break; }
}

dark.addEventListener("change", dress);
speak(data.lang);
update({});

let width = root.clientWidth;
new ResizeObserver(() => {
  if (Math.abs(root.clientWidth - width) < 8) return;
  width = root.clientWidth;
  redraw();
}).observe(root);
