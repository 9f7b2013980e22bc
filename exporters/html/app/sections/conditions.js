// SPDX-License-Identifier: Apache-2.0
// How the devices were while the records were timed, over the run.
import { chart } from "../chart.js";
import { figure, legend } from "../figure.js";
import { pretty, siTick, unitOf } from "../format.js";
import { figureOf, ofHost, titleOf } from "../model.js";
import * as marks from "../plot.js";
import { t, word } from "../words.js";

function pointsOf(ctx, name) {
  return ctx.page.questions
    .filter((question) => question.began !== undefined && figureOf(question, name))
    .map((question) => {
      const own = figureOf(question, name);
      return {
        question,
        own,
        x: (question.began + question.ended) / 2,
        value: own.median,
        low: own.spread[1],
        high: own.spread[2],
        least: own.spread[0],
        greatest: own.spread[3],
        host: ofHost(own, ctx.host),
      };
    })
    .sort((a, b) => a.x - b.x);
}

const troubles = ({ doubts = {} }) => Object.keys(doubts).filter((kind) => kind !== "rehearsal");

function draw(points, name, width) {
  const values = points.flatMap((point) => [point.least, point.greatest, point.host]).filter(Number.isFinite);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = Math.max((high - low) * 0.12, high * 0.02);
  const hosted = points.filter((point) => point.host !== undefined);
  const marked = points.filter((point) => troubles(point.question).length);
  return chart({
    width,
    height: 190,
    marginLeft: 56,
    marginBottom: 28,
    x: { tickFormat: (value) => `${siTick(value)} s`, ticks: Math.max(3, Math.floor(width / 110)) },
    y: { domain: [low - pad, high + pad], ticks: 5, tickFormat: siTick },
    marks: [
      marks.gridY({ ticks: 5 }),
      marks.ruleX(marked, { x: "x", stroke: "var(--fail)", strokeOpacity: 0.35, strokeWidth: 3 }),
      marks.areaY(points, { x: "x", y1: "low", y2: "high", fill: "var(--series-0)", fillOpacity: 0.18 }),
      marks.line(points, {
        x: "x",
        y: "value",
        stroke: "var(--series-0)",
        strokeWidth: 1.8,
        strokeOpacity: hosted.length ? 0.45 : 1,
      }),
      marks.dot(points, { x: "x", y: "value", r: 2.4, fill: "var(--series-0)" }),
      marks.line(hosted, { x: "x", y: "host", stroke: "var(--accent)", strokeWidth: 2.4 }),
      marks.dot(hosted, { x: "x", y: "host", r: 3, fill: "var(--accent)" }),
      marks.tip(points, marks.pointerX({ x: "x", y: "value", title: (point) => tipOf(point, name) })),
    ],
  });
}

function tipOf(point, name) {
  const lines = [titleOf(point.question), pretty(point.value, name)];
  if (point.own.spread[4] > 1) lines.push(`${pretty(point.low, name)} … ${pretty(point.high, name)}`);
  if (point.host !== undefined) lines.push(`▸ ${pretty(point.host, name)}`);
  for (const kind of troubles(point.question)) lines.push(`${point.question.doubts[kind]} × ${word("doubt", kind)}`);
  return lines.join("\n");
}

export function conditions(ctx) {
  const figures = [];
  for (const name of ["sm_clock", "power", "temperature"]) {
    const points = pointsOf(ctx, name);
    if (!points.length) continue;
    const lowest = points.reduce((a, b) => (b.least < a.least ? b : a));
    const highest = points.reduce((a, b) => (b.greatest > a.greatest ? b : a));
    const marked = points.filter((point) => troubles(point.question).length).length;
    const columns = [
      { label: t("time_axis"), number: true },
      { label: t("question") },
      { label: t("median"), number: true },
      { label: t("most"), number: true },
      { label: t("least"), number: true },
      { label: t("greatest"), number: true },
      { label: t("worst_group") },
      { label: t("host"), number: true },
      { label: t("remarks") },
    ];
    figures.push(
      figure({
        id: `condition-${name}`,
        title: t(
          "condition_title",
          word("figure", name),
          pretty(lowest.least, name),
          pretty(highest.greatest, name),
          marked,
        ),
        note: t("condition_note", unitOf(name)),
        draw: (width) => draw(points, name, width),
        columns,
        rows: () =>
          points.map((point) => [
            point.x.toFixed(1),
            titleOf(point.question),
            pretty(point.value, name),
            `${pretty(point.low, name)} … ${pretty(point.high, name)}`,
            pretty(point.least, name),
            pretty(point.greatest, name),
            point.own.worst_host ? `${point.own.worst_host} ${t("rank")} ${point.own.worst_rank}` : "",
            ctx.host >= 0 ? pretty(point.host, name) : "",
            troubles(point.question)
              .map((kind) => word("doubt", kind))
              .join(", "),
          ]),
        legend: legend([
          { colour: "var(--series-0)", label: t("legend_median") },
          { colour: "var(--series-0)", label: t("legend_most"), shape: "band" },
          ...(marked ? [{ colour: "var(--fail)", label: t("legend_trouble"), shape: "band" }] : []),
          ...(ctx.host >= 0 ? [{ colour: "var(--accent)", label: ctx.hostName }] : []),
        ]),
      }),
    );
  }
  return figures;
}
