// SPDX-License-Identifier: Apache-2.0
// Two runs: the ratio of each question with its interval.
import { chart } from "../chart.js";
import { h } from "../dom.js";
import { figure, legend } from "../figure.js";
import { plainTick, pretty } from "../format.js";
import { titleOf } from "../model.js";
import * as marks from "../plot.js";
import { t } from "../words.js";
import { headline } from "./verdict.js";

const most = 60;
const colourOf = { better: "var(--accent)", worse: "var(--fail)", none: "var(--soft)", unknown: "var(--soft)" };

/** Speed of the second run over that of the first: of times it is the other way round. */
function speed(one) {
  const turn = one.figure === "duration";
  const flip = ([low, high]) => (turn ? [1 / high, 1 / low] : [low, high]);
  return {
    ...one,
    title: titleOf(one),
    speed: turn ? 1 / one.ratio : one.ratio,
    interval: one.ci ? flip(one.ci) : undefined,
  };
}

const changeOf = (ratio) =>
  `${ratio >= 1 ? "+" : "−"}${(100 * Math.abs(ratio - 1)).toFixed(Math.abs(ratio - 1) < 0.0995 ? 1 : 0)} %`;

/** Ratios that read well, few enough for the axis. */
function ticksWithin(limit) {
  const near = [0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.25];
  const far = [0.5, 0.7, 1, 1.4, 2];
  const farthest = [1 / 16, 1 / 4, 1, 4, 16];
  const all = limit < 1.4 ? near : limit < 3 ? far : farthest;
  return all.filter((tick) => tick >= 1 / limit && tick <= limit);
}

function draw(rows, width) {
  const bounds = rows.flatMap((one) => one.interval ?? [one.speed]);
  const limit = Math.min(16, Math.max(1.1, ...bounds.map((value) => Math.max(value, 1 / value))));
  const clamp = (value) => Math.min(limit, Math.max(1 / limit, value));
  const ticks = ticksWithin(limit);
  const narrow = width < 560;
  const name = (one) => (narrow ? one.title.slice(0, 24) : one.title);
  const shown = rows.map((one, i) => ({ ...one, place: `${i}`, name: name(one) }));
  return chart({
    width,
    height: 40 + 19 * shown.length,
    marginLeft: narrow ? 150 : 300,
    marginRight: 20,
    marginTop: 26,
    x: {
      type: "log",
      domain: [1 / limit, limit],
      ticks: ticks.filter((_, i) => !narrow || i % 2 === 0),
      tickFormat: (value) => (value === 1 || limit >= 3 ? `${plainTick(value)} ×` : changeOf(value)),
      axis: "top",
    },
    y: { type: "band", domain: shown.map((one) => one.place), axis: null },
    marks: [
      marks.gridX({ ticks }),
      marks.ruleX([1], { stroke: "var(--ink)" }),
      marks.text(shown, {
        y: "place",
        x: () => 1 / limit,
        text: "name",
        textAnchor: "end",
        dx: -10,
        fill: (one) => (one.change === "none" ? "var(--muted)" : "var(--ink)"),
      }),
      marks.link(
        shown.filter((one) => one.interval),
        {
          y: "place",
          x1: (one) => clamp(one.interval[0]),
          x2: (one) => clamp(one.interval[1]),
          stroke: (one) => colourOf[one.change],
          strokeWidth: 2,
        },
      ),
      marks.dot(shown, { y: "place", x: (one) => clamp(one.speed), r: 3.5, fill: (one) => colourOf[one.change] }),
      marks.tip(shown, marks.pointerY({ y: "place", x: (one) => clamp(one.speed), title: tipOf })),
    ],
  });
}

const tipOf = (one) =>
  [
    one.title,
    `${pretty(one.before, one.figure)} → ${pretty(one.after, one.figure)}`,
    one.interval
      ? `${changeOf(one.speed)}  [${changeOf(one.interval[0])}, ${changeOf(one.interval[1])}]`
      : changeOf(one.speed),
    t(`change_${one.change}`),
  ].join("\n");

export function compare(ctx) {
  const { comparison, pages, names } = ctx.data;
  if (!comparison) return null;
  const all = comparison.differences.map(speed);
  const count = (change) => all.filter((one) => one.change === change).length;
  const differ = all.filter((one) => one.change === "better" || one.change === "worse");
  const shown = all.length > most ? [...differ, ...all.filter((one) => !differ.includes(one))].slice(0, most) : all;
  const columns = [
    { label: t("question") },
    { label: "A", number: true },
    { label: "B", number: true },
    { label: t("speed_ratio"), number: true },
    { label: t("interval"), number: true },
    { label: t("places"), number: true },
    { label: t("verdict") },
  ];
  const rows = () =>
    all.map((one) => [
      one.title,
      pretty(one.before, one.figure),
      pretty(one.after, one.figure),
      one.speed.toPrecision(4),
      one.interval ? `${one.interval[0].toPrecision(4)} … ${one.interval[1].toPrecision(4)}` : "–",
      one.places,
      t(`change_${one.change}`),
    ]);
  const title = differ.length
    ? t("differ", count("better"), count("worse"), all.length)
    : t("no_difference", all.length);
  const runs = h(
    "div",
    { class: "sides" },
    pages.map((page, i) =>
      h("div", {}, h("p", { class: "eyebrow" }, `${"AB"[i]} · ${names[i]}`), h("p", {}, headline(page))),
    ),
  );
  const one =
    all.length === 0
      ? null
      : figure({
          id: "compare-figure",
          title,
          note: t("compare_note", comparison.same_hosts),
          draw: (width) => draw(shown, width),
          columns,
          rows,
          legend: legend([
            { colour: colourOf.better, label: t("change_better"), shape: "dot" },
            { colour: colourOf.worse, label: t("change_worse"), shape: "dot" },
            { colour: colourOf.none, label: t("change_none"), shape: "dot" },
          ]),
        });
  const missing = comparison.only_before + comparison.only_after;
  return h(
    "section",
    { id: "compare" },
    h("h2", {}, t("comparison")),
    runs,
    one,
    missing || !all.length
      ? h("p", { class: "aside" }, t("only", comparison.only_before, comparison.only_after))
      : null,
  );
}
