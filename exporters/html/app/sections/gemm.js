// SPDX-License-Identifier: Apache-2.0
// Rates of matrix products over types and shapes.
import { chart, heat, heatText } from "../chart.js";
import { figure, legend } from "../figure.js";
import { digits, halfWidth, percent, pretty } from "../format.js";
import { figureOf, groupBy, ofHost, shapeOf, valueOf } from "../model.js";
import * as marks from "../plot.js";
import { t } from "../words.js";

const steps = [0.3, 0.5, 0.65, 0.8, 0.9, 0.97];
const stepOf = (part) => steps.filter((bound) => part >= bound).length;
const mostShapes = 24;

const isProduct = (question) =>
  question.labels.m !== undefined && figureOf(question, "flops") && question.operation.startsWith("gemm");
const volume = ({ m, n, k }) => m * n * k;

/** One row for a type and backend; the part is of the fastest shape in the row. */
function cellsOf(ctx, questions) {
  const rows = groupBy(questions, (question) => `${question.labels.dtype} ${question.backend}`);
  const cells = [];
  for (const [row, own] of rows) {
    const best = Math.max(...own.map((question) => figureOf(question, "flops").median));
    for (const question of own) {
      const value = valueOf(ctx, question, "flops");
      cells.push({ row, question, shape: shapeOf(question.labels), value, part: value / best });
    }
  }
  return cells;
}

function draw(ctx, cells, shapes, width) {
  const rows = [...new Set(cells.map((cell) => cell.row))];
  const left = 110;
  const room = (width - left - 12) / shapes.length;
  const wide = shapes.length === 1 ? Math.min(room, 220) : room;
  const inside = wide >= 46;
  return chart({
    width: Math.min(width, left + 12 + wide * shapes.length),
    height: 34 + 34 * rows.length,
    marginLeft: left,
    marginTop: 26,
    marginBottom: 4,
    x: {
      type: "band",
      domain: shapes,
      axis: "top",
      tickSize: 0,
      padding: 0.04,
      tickFormat: (shape) => (shape.length * 7.5 + 4 > wide ? "" : shape),
    },
    y: { type: "band", domain: rows, tickSize: 0, padding: 0.08 },
    marks: [
      marks.cell(cells, {
        x: "shape",
        y: "row",
        fill: (cell) => (cell.value === undefined ? "var(--wash)" : heat(stepOf(cell.part))),
        rx: 2,
      }),
      inside
        ? marks.text(cells, {
            x: "shape",
            y: "row",
            text: (cell) => digits(cell.value / scaleOf(cells).factor),
            fill: (cell) => (cell.value === undefined ? "var(--muted)" : heatText(stepOf(cell.part))),
          })
        : null,
      marks.tip(cells, marks.pointer({ x: "shape", y: "row", title: (cell) => tipOf(ctx, cell) })),
    ],
  });
}

function scaleOf(cells) {
  const most = Math.max(...cells.map((cell) => cell.value ?? 0));
  return most >= 2e12 ? { factor: 1e12, unit: "TFLOP/s" } : { factor: 1e9, unit: "GFLOP/s" };
}

function tipOf(ctx, { row, question, shape, value, part }) {
  const own = figureOf(question, "flops");
  const lines = [
    `${row} · ${shape}`,
    `${pretty(value, "flops")} ${ctx.host < 0 ? halfWidth(own) : ""}`,
    t("of_best", percent(part)),
  ];
  if (own.spread[4] > 1)
    lines.push(
      `${pretty(own.spread[1], "flops")} … ${pretty(own.spread[2], "flops")}`,
      t("worst", own.worst_host, own.worst_rank),
    );
  if (question.expected) lines.push(`${t("floor")} ${pretty(question.expected.least, "flops")}`);
  return lines.join("\n");
}

export function gemm(ctx) {
  const all = cellsOf(ctx, ctx.page.questions.filter(isProduct));
  if (!all.length) return [];
  const largest = [...new Map(all.map((cell) => [cell.shape, volume(cell.question.labels)]))]
    .sort((a, b) => a[1] - b[1])
    .map(([shape]) => shape);
  const shapes = largest.slice(-mostShapes);
  const cells = all.filter((cell) => shapes.includes(cell.shape));
  const best = cells.reduce((a, b) => ((b.value ?? 0) > (a.value ?? 0) ? b : a));
  const columns = [
    { label: t("type") },
    { label: t("shape"), number: true },
    { label: t("median"), number: true },
    { label: "±", number: true },
    { label: t("of_fastest"), number: true },
    { label: t("most"), number: true },
    { label: t("worst_group") },
    { label: t("host"), number: true },
    { label: t("floor") },
  ];
  const rows = () =>
    all.map(({ row, question, shape, part }) => {
      const own = figureOf(question, "flops");
      return [
        row,
        shape,
        pretty(own.median, "flops"),
        halfWidth(own),
        percent(part),
        own.spread[4] > 1 ? `${pretty(own.spread[1], "flops")} … ${pretty(own.spread[2], "flops")}` : "",
        own.worst_host ? `${own.worst_host} ${t("rank")} ${own.worst_rank}` : "",
        ctx.host >= 0 ? pretty(ofHost(own, ctx.host), "flops") : "",
        question.expected ? `≥ ${pretty(question.expected.least, "flops")} (${question.expected.source})` : "",
      ];
    });
  const bounds = ["0 %", ...steps.map((step) => percent(step))];
  return [
    figure({
      id: "gemm",
      title:
        best.value === undefined
          ? t("no_usable", ctx.hostName)
          : t("gemm_title", pretty(best.value, "flops"), best.row, best.shape),
      note: t("gemm_note", scaleOf(cells).unit, ctx.hostName ?? ""),
      draw: (width) => draw(ctx, cells, shapes, width),
      columns,
      rows,
      legend: legend(
        shapes.length > 1 ? bounds.map((label, i) => ({ colour: heat(i), label: `≥ ${label}`, shape: "box" })) : [],
      ),
    }),
  ];
}
