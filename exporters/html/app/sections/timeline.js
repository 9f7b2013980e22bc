// SPDX-License-Identifier: Apache-2.0
import { chart } from "../chart.js";
import { figure, legend } from "../figure.js";
import { siTick, stretch } from "../format.js";
import { groupBy, titleOf } from "../model.js";
import * as marks from "../plot.js";
import { t } from "../words.js";

const most = 32;

/** Seconds in which something was timed: groups may be timed at once. */
function covered(spans) {
  let [total, end] = [0, 0];
  for (const span of [...spans].sort((a, b) => a.began - b.began)) {
    total += Math.max(0, span.ended - Math.max(end, span.began));
    end = Math.max(end, span.ended);
  }
  return total;
}

const stateOf = (question) =>
  question.wrong || question.failed ? "wrong" : question.doubts ? "doubtful" : question.noisy ? "noisy" : "good";
const colourOf = { good: "var(--series-0)", noisy: "var(--series-1)", doubtful: "var(--warn)", wrong: "var(--fail)" };

function draw(spans, rows, width) {
  const end = Math.max(...spans.map((span) => span.ended));
  const least = end / Math.max(width, 1); // a pixel
  return chart({
    width,
    height: 44 + 20 * rows.length,
    marginLeft: Math.min(210, width * 0.38),
    marginTop: 24,
    x: {
      axis: "top",
      domain: [0, end],
      tickFormat: (value) => `${siTick(value)} s`,
      ticks: Math.max(3, Math.floor(width / 120)),
    },
    y: { type: "band", domain: rows, tickSize: 0, padding: 0.25 },
    marks: [
      marks.gridX({ ticks: Math.max(3, Math.floor(width / 120)) }),
      marks.barX(spans, {
        y: "row",
        x1: "began",
        x2: (span) => Math.max(span.ended, span.began + 2 * least),
        fill: (span) => colourOf[span.state],
        rx: 1,
      }),
      marks.tip(
        spans,
        marks.pointer({
          y: "row",
          x: (span) => (span.began + span.ended) / 2,
          title: (span) =>
            `${titleOf(span.question)}\n${siTick(span.began)} s · ${stretch(span.ended - span.began)}\n${t(`span_${span.state}`)}`,
        }),
      ),
    ],
  });
}

export function timeline(ctx) {
  const timed = ctx.page.questions.filter((question) => question.began !== undefined);
  if (!timed.length) return [];
  const fine = groupBy(timed, (question) => `${question.probe} ${question.operation}`);
  const rowOf =
    fine.size <= most ? (question) => `${question.probe} ${question.operation}` : (question) => question.probe;
  const spans = timed.map((question) => ({
    question,
    row: rowOf(question),
    began: question.began,
    ended: question.ended,
    state: stateOf(question),
  }));
  const rows = [...new Set(spans.map((span) => span.row))].slice(0, most);
  const measured = covered(spans);
  const present = [...new Set(spans.map((span) => span.state))];
  const columns = [
    { label: t("probe") },
    { label: t("question") },
    { label: t("began"), number: true },
    { label: t("lasted"), number: true },
    { label: t("remarks") },
  ];
  return [
    figure({
      id: "timeline-figure",
      title: t(
        "timeline_title",
        stretch(measured),
        stretch(ctx.page.run.finished - ctx.page.run.started),
        spans.length,
      ),
      note: t("timeline_note"),
      draw: (width) => draw(spans, rows, width),
      columns,
      rows: () =>
        spans.map((span) => [
          span.row,
          titleOf(span.question),
          `${span.began.toFixed(2)} s`,
          stretch(span.ended - span.began),
          t(`span_${span.state}`),
        ]),
      legend: legend(present.map((state) => ({ colour: colourOf[state], label: t(`span_${state}`), shape: "box" }))),
    }),
  ];
}
