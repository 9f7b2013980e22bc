// SPDX-License-Identifier: Apache-2.0
import { h } from "../dom.js";
import { stretch, utc } from "../format.js";
import { sum } from "../model.js";
import { spoken, t, word } from "../words.js";

const states = ["fail", "unknown", "warn", "pass"];
export const stateWord = (state) => word("state", state);

/** The answer in the page's language; in English the program's own. */
export function headline(page) {
  if (spoken() === "en") return page.verdict.headline;
  const { states: counts, links, state } = page.verdict;
  const named = (wanted) => {
    const names = page.hosts.filter((host) => host.state === wanted).map((host) => host.name);
    const shown = names.slice(0, 3).join(", ");
    return counts[wanted] > 3 ? t("and_more", shown, counts[wanted] - 3) : shown;
  };
  return t("headline", { counts, total: sum(states, (one) => counts[one]), named, links: links.length, state });
}

export function hostButton(ctx, name) {
  const known = ctx.page.hosts.some((host) => host.name === name);
  if (!known) return h("span", { class: "name" }, name);
  return h(
    "button",
    {
      type: "button",
      class: "host",
      "aria-pressed": ctx.hostName === name ? "true" : "false",
      title: t("show_host", name),
      click: () => ctx.setHost(ctx.hostName === name ? null : name),
    },
    name,
  );
}

function facts({ run }) {
  const parts = [
    `${t("plan")} ${run.plan}`,
    t("ranks_on_hosts", run.ranks, run.hosts),
    ...run.models,
    stretch(run.finished - run.started),
    utc(run.started),
    run.id,
  ];
  return h(
    "p",
    { class: "facts" },
    parts.filter(Boolean).map((part) => h("span", {}, part)),
  );
}

function bar(counts) {
  const total = sum(states, (state) => counts[state]);
  const element = h("div", { class: "states", "aria-hidden": "true" });
  for (const state of states) {
    if (!counts[state]) continue;
    const part = h("span", { class: `state-${state}` });
    part.style.flexGrow = String(Math.max(counts[state], total / 60));
    element.append(part);
  }
  return element;
}

function countList(counts) {
  return h(
    "ul",
    { class: "counts" },
    states.map((state) =>
      h(
        "li",
        { class: counts[state] ? null : "none" },
        h("span", { class: `mark state-${state}`, "aria-hidden": "true" }),
        h("b", {}, counts[state].toLocaleString("en-US")),
        ` ${stateWord(state)}`,
      ),
    ),
  );
}

function evidence(one) {
  const rank = one.rank >= 0 ? `${t("rank")} ${one.rank} · ` : "";
  return h(
    "li",
    {},
    h("span", { class: `tag state-${one.state}` }, word("judgement", one.judgement)),
    rank,
    h("span", { lang: "en" }, one.text),
  );
}

function evidenceList(all, first) {
  const list = (some) => h("ul", { class: "evidence" }, some.map(evidence));
  const rest = all.slice(first);
  return [
    list(all.slice(0, first)),
    rest.length
      ? h("details", { class: "lines" }, h("summary", {}, t("more_evidence", rest.length)), list(rest))
      : null,
  ];
}

function culprits(ctx) {
  const order = { fail: 0, unknown: 1, warn: 2, pass: 3 };
  const accused = ctx.page.hosts
    .filter((host) => host.state !== "pass" || host.flaky)
    .sort((a, b) => order[a.state] - order[b.state]);
  const shown = ctx.hostName ? ctx.page.hosts.filter((host) => host.name === ctx.hostName) : accused.slice(0, 12);
  const items = shown.map((host) =>
    h(
      "li",
      { class: "culprit" },
      h(
        "div",
        { class: "who" },
        h("span", { class: `tag state-${host.state}` }, stateWord(host.state)),
        hostButton(ctx, host.name),
        host.flaky ? h("span", { class: "aside" }, t("flaky")) : null,
      ),
      host.evidence?.length
        ? evidenceList(host.evidence, ctx.hostName ? host.evidence.length : 3)
        : h("p", { class: "aside", lang: host.reason ? "en" : null }, host.reason || t("nothing_against")),
    ),
  );
  const more = accused.length - shown.length;
  return [
    items.length ? h("ul", { class: "culprits" }, items) : null,
    !ctx.hostName && more > 0 ? h("p", { class: "aside" }, t("more_hosts", more)) : null,
  ];
}

function badLinks({ links }) {
  if (!links.length) return null;
  return h(
    "ul",
    { class: "culprits" },
    links
      .slice(0, 12)
      .map((link) =>
        h(
          "li",
          { class: "culprit" },
          h(
            "div",
            { class: "who" },
            h("span", { class: `tag state-${link.state}` }, stateWord(link.state)),
            `${link.from} → ${link.to}`,
          ),
          h("p", { class: "aside", lang: "en" }, link.text),
        ),
      ),
  );
}

function lines(title, all, open = false) {
  if (!all.length) return null;
  return h(
    "details",
    { class: "lines", open },
    h("summary", {}, `${title} (${all.length})`),
    h(
      "ul",
      {},
      all.map((line) => h("li", { lang: "en" }, line)),
    ),
  );
}

const severities = ["failure", "warning", "note"];

function findings({ findings: all }) {
  if (!all.length) return null;
  const sorted = [...all].sort((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
  return h(
    "ul",
    { class: "findings" },
    sorted
      .slice(0, 30)
      .map((one) =>
        h(
          "li",
          {},
          h("span", { class: `tag severity-${one.severity}` }, word("finding", one.kind)),
          h("span", { lang: "en" }, one.text),
        ),
      ),
  );
}

/** Records, in one line: how many are good, and how many say little. */
export function recordLine(page) {
  const questions = page.questions;
  const of = (key) => sum(questions, (question) => question[key]);
  const all = of("ok") + of("wrong") + of("failed") + of("skipped");
  return [
    t("records_good", of("ok"), all, of("checked")),
    of("wrong") ? t("records_wrong", of("wrong")) : null,
    of("failed") ? t("records_failed", of("failed")) : null,
    of("skipped") ? t("records_skipped", of("skipped")) : null,
    t("records_noisy", of("noisy"), all),
    page.run.complete ? null : t("incomplete", page.run.incomplete_reason),
  ]
    .filter(Boolean)
    .join(" · ");
}

export function verdict(ctx) {
  const { page } = ctx;
  const { verdict: judged } = page;
  const rests = [
    judged.spec && `${t("spec")}: ${judged.spec}`,
    judged.baseline && `${t("baseline")}: ${judged.baseline}`,
    judged.thresholds && `${t("thresholds")}: ${judged.thresholds}`,
  ].filter(Boolean);
  return h(
    "header",
    { class: `verdict ${judged.state}`, id: "verdict" },
    h(
      "p",
      { class: "eyebrow" },
      h("span", { class: `tag state-${judged.state}` }, stateWord(judged.state)),
      t("verdict"),
    ),
    h("h1", {}, headline(page)),
    facts(page),
    bar(judged.states),
    countList(judged.states),
    culprits(ctx),
    ctx.hostName ? null : badLinks(judged),
    findings(judged),
    h("p", { class: "aside" }, recordLine(page)),
    lines(t("lost"), page.lost, true),
    lines(t("cut"), page.cut),
    lines(t("rests_on"), [...rests, ...judged.notes]),
  );
}
