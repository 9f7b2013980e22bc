// SPDX-License-Identifier: Apache-2.0
// Rates that depend on nothing that could be an axis: memory, copies between memories. One line each.
import { chart, rateScale, ticksFor } from "../chart.js";
import { figure, legend } from "../figure.js";
import { halfWidth, pretty, siTick } from "../format.js";
import { counterpart, detailOf, figureOf, floorsOf, groupBy, ofHost } from "../model.js";
import * as marks from "../plot.js";
import { t } from "../words.js";

const most = 40;
const name = "bandwidth";

function rowOf(ctx, question) {
  const own = figureOf(question, name);
  const several = own.spread[4] > 1;
  return {
    question,
    own,
    label: `${question.operation} ${detailOf(question, ["dtype"])}`,
    value: own.median,
    low: several ? own.spread[1] : (own.ci?.[0] ?? own.median),
    high: several ? own.spread[2] : (own.ci?.[1] ?? own.median),
    least: own.spread[0],
    greatest: own.spread[3],
    host: ofHost(own, ctx.host),
    expected: question.expected?.figure === name ? question.expected.least : undefined,
    datasheet: question.datasheet,
    other: figureOf(counterpart(ctx.other, question) ?? { figures: [] }, name)?.median,
  };
}

function tipOf(row) {
  const lines = [row.label, `${pretty(row.value, name)} ${halfWidth(row.own)}`];
  if (row.own.spread[4] > 1) lines.push(`${pretty(row.low, name)} … ${pretty(row.high, name)}`);
  if (row.own.worst_host)
    lines.push(`${t("worst", row.own.worst_host, row.own.worst_rank)}: ${pretty(row.least, name)}`);
  if (row.host !== undefined) lines.push(`▸ ${pretty(row.host, name)}`);
  if (row.expected) lines.push(`${t("floor")} ${pretty(row.expected, name)}`);
  if (row.datasheet) lines.push(`${t("datasheet")} ${pretty(row.datasheet, name)}`);
  return lines.join("\n");
}

function draw(rows, width) {
  const left = Math.min(220, width * 0.4);
  const values = rows
    .flatMap((row) => [row.least, row.greatest, row.low, row.high, row.expected, row.datasheet, row.host, row.other])
    .filter(Number.isFinite);
  const x = rateScale(values, siTick, ticksFor(width - left));
  const faded = rows.some((row) => row.host !== undefined) ? 0.45 : 1;
  return chart({
    width,
    height: 40 + 26 * rows.length,
    marginLeft: left,
    marginTop: 24,
    marginRight: 24,
    x: { ...x, axis: "top" },
    y: { type: "band", domain: rows.map((row) => row.label), tickSize: 0 },
    marks: [
      marks.gridX({ ticks: x.ticks }),
      marks.link(rows, { y: "label", x1: "least", x2: "greatest", stroke: "var(--soft)", strokeWidth: 1 }),
      marks.link(rows, {
        y: "label",
        x1: "low",
        x2: "high",
        stroke: "var(--series-0)",
        strokeOpacity: 0.3,
        strokeWidth: 9,
      }),
      marks.dot(rows, { y: "label", x: "value", r: 4.5, fill: "var(--series-0)", fillOpacity: faded }),
      marks.dot(
        rows.filter((row) => row.other),
        { y: "label", x: "other", r: 4, stroke: "var(--soft)", strokeWidth: 1.5 },
      ),
      marks.tickX(
        rows.filter((row) => row.datasheet),
        { y: "label", x: "datasheet", stroke: "var(--soft)", strokeDasharray: "3 2" },
      ),
      marks.tickX(
        rows.filter((row) => row.expected),
        { y: "label", x: "expected", stroke: "var(--fail)", strokeWidth: 2 },
      ),
      marks.dot(
        rows.filter((row) => row.host !== undefined),
        { y: "label", x: "host", r: 5, fill: "var(--accent)", stroke: "var(--paper)" },
      ),
      marks.tip(rows, marks.pointerY({ y: "label", x: "value", title: tipOf })),
    ],
  });
}

export function ranges(ctx) {
  const all = ctx.page.questions.filter(
    (question) => question.probe !== "collectives" && question.probe !== "links" && figureOf(question, name),
  );
  const figures = [];
  for (const [probe, questions] of groupBy(all, (question) => question.probe)) {
    const rows = questions.map((question) => rowOf(ctx, question));
    const shown = rows.slice(0, most);
    const best = rows.reduce((a, b) => (b.value > a.value ? b : a));
    const columns = [
      { label: t("question") },
      { label: t("median"), number: true },
      { label: "±", number: true },
      { label: t("most"), number: true },
      { label: t("least"), number: true },
      { label: t("worst_group") },
      { label: t("host"), number: true },
      { label: t("floor") },
      { label: t("datasheet"), number: true },
    ];
    figures.push(
      figure({
        id: `range-${figures.length}`,
        title: t("range_title", probe, pretty(best.value, name), best.label),
        note: t("range_note", rows.length > shown.length ? t("first_of", shown.length, rows.length) : ""),
        draw: (width) => draw(shown, width),
        columns,
        rows: () =>
          rows.map((row) => [
            row.label,
            pretty(row.value, name),
            halfWidth(row.own),
            row.own.spread[4] > 1 ? `${pretty(row.low, name)} … ${pretty(row.high, name)}` : "",
            pretty(row.least, name),
            row.own.worst_host ? `${row.own.worst_host} ${t("rank")} ${row.own.worst_rank}` : "",
            ctx.host >= 0 ? pretty(row.host, name) : "",
            row.expected ? `≥ ${pretty(row.expected, name)} (${row.question.expected.source})` : "",
            row.datasheet ? pretty(row.datasheet, name) : "",
          ]),
        legend: legend([
          { colour: "var(--series-0)", label: t("legend_median"), shape: "dot" },
          {
            colour: "var(--series-0)",
            label: rows.some((row) => row.own.spread[4] > 1) ? t("legend_most") : t("legend_interval"),
            shape: "band",
          },
          ...(rows.some((row) => row.expected)
            ? [{ colour: "var(--fail)", label: t("legend_floor", floorsOf(questions)) }]
            : []),
          ...(rows.some((row) => row.datasheet)
            ? [{ colour: "var(--soft)", label: t("datasheet"), shape: "dash" }]
            : []),
          ...(ctx.other ? [{ colour: "var(--soft)", label: t("legend_other"), shape: "ring" }] : []),
          ...(ctx.host >= 0 ? [{ colour: "var(--accent)", label: ctx.hostName, shape: "dot" }] : []),
        ]),
      }),
    );
  }
  return figures;
}
