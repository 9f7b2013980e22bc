// SPDX-License-Identifier: Apache-2.0
// Bus bandwidth and time of collectives against the size of the message.
import { chart, colours, fromZero, logScale } from "../chart.js";
import { h } from "../dom.js";
import { figure, legend } from "../figure.js";
import { halfWidth, pretty, siTick, size, timeTick, unitOf } from "../format.js";
import { counterpart, detailOf, figureOf, floorsOf, groupBy, ofHost } from "../model.js";
import * as marks from "../plot.js";
import { t } from "../words.js";

const bySize = (question) =>
  question.probe !== "links" && question.labels.size_bytes !== undefined && figureOf(question, "bus_bandwidth");

/** A point of a curve: the band is the interval of the only group, or where most groups are. */
function pointOf(ctx, question, name) {
  const own = figureOf(question, name);
  const several = own.spread[4] > 1;
  const other = figureOf(counterpart(ctx.other, question) ?? { figures: [] }, name);
  return {
    question,
    figure: own,
    size: question.labels.size_bytes,
    value: own.median,
    low: several ? own.spread[1] : (own.ci?.[0] ?? own.median),
    high: several ? own.spread[2] : (own.ci?.[1] ?? own.median),
    host: ofHost(own, ctx.host),
    other: other?.median,
    expected: question.expected?.figure === name ? question.expected.least : undefined,
    datasheet: name === "bus_bandwidth" ? question.datasheet : undefined,
  };
}

function tipOf(point, name) {
  const lines = [
    `${size(point.size)} · ${pretty(point.value, name)} ${halfWidth(point.figure)}`,
    detailOf(point.question, ["size_bytes"]),
  ];
  if (point.figure.spread[4] > 1) lines.push(`${pretty(point.low, name)} … ${pretty(point.high, name)}`);
  if (point.figure.worst_host) lines.push(t("worst", point.figure.worst_host, point.figure.worst_rank));
  if (point.host !== undefined) lines.push(`▸ ${pretty(point.host, name)}`);
  if (point.expected) lines.push(`${t("floor")} ${pretty(point.expected, name)}`);
  return lines.join("\n");
}

/** What is a curve of its own in every panel: type, in place, root. */
const variantOf = (question) => detailOf(question, ["size_bytes"]);
const variantsOf = (questions) => [...new Set(questions.map(variantOf))];

function panel(ctx, points, name, { width, y, xDomain, xTicks, variants }) {
  const key = (point) => variantOf(point.question);
  const colour = (point) => colours[variants.indexOf(key(point)) % colours.length];
  const hosted = points.filter((point) => point.host !== undefined);
  const faded = ctx.host >= 0 ? 0.45 : 1;
  return chart({
    width,
    height: 190,
    marginLeft: 46,
    marginBottom: 26,
    x: { type: "log", base: 2, domain: xDomain, ticks: xTicks, tickFormat: size },
    y,
    marks: [
      marks.gridY({ ticks: y.ticks }),
      marks.areaY(points, { x: "size", y1: "low", y2: "high", z: key, fill: colour, fillOpacity: 0.16, clip: true }),
      marks.line(
        points.filter((point) => point.other > 0),
        { x: "size", y: "other", z: key, stroke: "var(--soft)", strokeDasharray: "2 3" },
      ),
      marks.line(points, { x: "size", y: "value", z: key, stroke: colour, strokeWidth: 1.8, strokeOpacity: faded }),
      marks.dot(points, { x: "size", y: "value", r: 2.2, fill: colour, fillOpacity: faded }),
      marks.line(
        points.filter((point) => point.datasheet),
        { x: "size", y: "datasheet", z: key, stroke: "var(--soft)", strokeDasharray: "6 3" },
      ),
      marks.dot(
        points.filter((point) => point.expected),
        { x: "size", y: "expected", symbol: "triangle", r: 4, stroke: "var(--fail)", strokeWidth: 1.5 },
      ),
      marks.line(hosted, { x: "size", y: "host", z: key, stroke: "var(--accent)", strokeWidth: 2.4 }),
      marks.dot(hosted, { x: "size", y: "host", r: 3.4, fill: "var(--accent)" }),
      marks.tip(points, marks.pointer({ x: "size", y: "value", title: (point) => tipOf(point, name) })),
    ],
  });
}

function panels(ctx, questions, name, width) {
  const points = questions.map((question) => pointOf(ctx, question, name)).sort((a, b) => a.size - b.size);
  const sizes = points.map((point) => point.size);
  const domain = [Math.min(...sizes), Math.max(...sizes)];
  if (domain[0] === domain[1]) domain.splice(0, 2, domain[0] / 2, domain[1] * 2);
  const operations = groupBy(points, (point) => point.question.operation);
  const columns = Math.max(1, Math.min(operations.size, Math.floor((width + 16) / 246)));
  const each = Math.floor((width - 16 * (columns - 1)) / columns);
  const power = Math.ceil(Math.log2(domain[1] / domain[0]) / (each > 400 ? 8 : 4)) || 1;
  const ticks = [];
  for (let tick = domain[0]; tick <= domain[1]; tick *= 2 ** power) ticks.push(tick);
  const values = points.flatMap((point) => [point.value, point.host, point.expected, point.other, point.datasheet]);
  const bands = points.flatMap((point) => [point.low, point.high]);
  const y = name === "bus_bandwidth" ? fromZero(values, bands, siTick) : logScale(values, bands, timeTick);
  const variants = variantsOf(questions);
  const box = h("div", { class: "panels" });
  box.style.setProperty("--columns", columns);
  for (const [operation, own] of operations)
    box.append(
      h(
        "div",
        {},
        h("p", { class: "panel-title" }, operation, h("span", {}, name === "duration" ? "" : unitOf(name))),
        panel(ctx, own, name, { width: each, y, xDomain: domain, xTicks: ticks, variants }),
      ),
    );
  return box;
}

function rowsOf(ctx, questions, name) {
  return questions.map((question) => {
    const own = figureOf(question, name);
    return [
      question.operation,
      detailOf(question, ["size_bytes"]),
      size(question.labels.size_bytes),
      pretty(own.median, name),
      halfWidth(own),
      own.spread[4] > 1 ? `${pretty(own.spread[1], name)} … ${pretty(own.spread[2], name)}` : "",
      own.worst_host ? `${own.worst_host} ${t("rank")} ${own.worst_rank}` : "",
      ctx.host >= 0 ? pretty(ofHost(own, ctx.host), name) : "",
      question.expected?.figure === name
        ? `≥ ${pretty(question.expected.least, name)} (${question.expected.source})`
        : "",
    ];
  });
}

const columns = () => [
  { label: t("operation") },
  { label: t("type") },
  { label: t("size"), number: true },
  { label: t("median"), number: true },
  { label: "±", number: true },
  { label: t("most"), number: true },
  { label: t("worst_group") },
  { label: t("host"), number: true },
  { label: t("floor") },
];

/** The best that is steady enough to be one, where there is any. */
function titleOf(all, name) {
  const steady = all.filter((question) => !question.noisy);
  const questions = steady.length ? steady : all;
  const best = questions.reduce((a, b) => {
    const [one, two] = [figureOf(a, name).median, figureOf(b, name).median];
    return name === "duration" ? (two < one ? b : a) : two > one ? b : a;
  });
  const value = pretty(figureOf(best, name).median, name);
  return t(name === "duration" ? "latency_title" : "busbw_title", value, best.operation, size(best.labels.size_bytes));
}

export function curves(ctx) {
  const groups = groupBy(
    ctx.page.questions.filter(bySize),
    (question) => `${question.group}|${question.backend}|${question.ranks}`,
  );
  const figures = [];
  for (const [key, questions] of groups) {
    const [kind, backend, ranks] = key.split("|");
    const several = questions.some((question) => figureOf(question, "bus_bandwidth").spread[4] > 1);
    const floors = floorsOf(questions);
    for (const name of ["bus_bandwidth", "duration"]) {
      const variants = variantsOf(questions).slice(0, colours.length);
      const shown = legend([
        ...(variants.length > 1
          ? variants.map((label, i) => ({ colour: colours[i], label }))
          : [{ colour: colours[0], label: t("legend_median") }]),
        { colour: colours[0], label: several ? t("legend_most") : t("legend_interval"), shape: "band" },
        ...(ctx.other ? [{ colour: "var(--soft)", label: t("legend_other"), shape: "dash" }] : []),
        ...(name === "bus_bandwidth" && floors.length
          ? [{ colour: "var(--fail)", label: t("legend_floor", floors), shape: "triangle" }]
          : []),
        ...(ctx.host >= 0
          ? [{ colour: "var(--accent)", label: several ? ctx.hostName : t("not_of_one_host", ctx.hostName) }]
          : []),
      ]);
      figures.push(
        figure({
          id: `curve-${name}-${figures.length}`,
          title: titleOf(questions, name),
          note: t("curve_note", kind, ranks, backend),
          draw: (width) => panels(ctx, questions, name, width),
          columns: columns(),
          rows: () => rowsOf(ctx, questions, name),
          legend: shown,
        }),
      );
    }
  }
  return figures;
}
