// SPDX-License-Identifier: Apache-2.0
import { chart, ticksFor } from "../chart.js";
import { h } from "../dom.js";
import { figure } from "../figure.js";
import { percent, pretty, timeTick } from "../format.js";
import * as marks from "../plot.js";
import { t } from "../words.js";

const most = 24;

function draw(rows, width) {
  const shown = rows.slice(0, most).map((row) => ({ ...row, label: `${t("rank")} ${row.rank} · ${row.host}` }));
  return chart({
    width,
    height: 40 + 24 * shown.length,
    marginLeft: Math.min(200, width * 0.4),
    marginTop: 24,
    marginRight: 30,
    x: {
      axis: "top",
      domain: [0, Math.max(...shown.map((row) => row.lateness + row.error)) * 1.05],
      tickFormat: timeTick,
      ticks: ticksFor(width * 0.6),
    },
    y: { type: "band", domain: shown.map((row) => row.label), tickSize: 0, padding: 0.35 },
    marks: [
      marks.gridX({ ticks: ticksFor(width * 0.6) }),
      marks.barX(shown, {
        y: "label",
        x: "lateness",
        fill: (row) => (row.share >= 0.5 ? "var(--fail)" : "var(--series-0)"),
        fillOpacity: 0.85,
      }),
      marks.link(shown, {
        y: "label",
        x1: (row) => Math.max(0, row.lateness - row.error),
        x2: (row) => row.lateness + row.error,
        stroke: "var(--ink)",
        strokeWidth: 1.5,
      }),
      marks.tip(
        shown,
        marks.pointerY({
          y: "label",
          x: "lateness",
          title: (row) =>
            `${row.label}\n${pretty(row.lateness, "duration")} ± ${pretty(row.error, "duration")}\n${t("last_in", percent(row.share), row.records)}`,
        }),
      ),
    ],
  });
}

export function late(ctx) {
  const { late: all, late_count: count, arrivals, run } = ctx.page;
  if (!arrivals) return [];
  const rows = all.filter((row) => !ctx.hostName || row.host === ctx.hostName);
  if (!rows.length)
    return [
      h("p", { class: "aside" }, t("nobody_late", arrivals, pretty(run.clock_error, "duration"), ctx.hostName ?? "")),
    ];
  const columns = [
    { label: t("rank"), number: true },
    { label: t("host") },
    { label: t("lateness"), number: true },
    { label: "±", number: true },
    { label: t("share_last"), number: true },
    { label: t("records"), number: true },
  ];
  return [
    figure({
      id: "late",
      title: t(
        "late_title",
        rows[0].rank,
        rows[0].host,
        pretty(rows[0].lateness, "duration"),
        rows[0].records,
        arrivals,
      ),
      note: t("late_note", count > all.length ? t("first_of", all.length, count) : ""),
      draw: (width) => draw(rows, width),
      columns,
      rows: () =>
        rows.map((row) => [
          row.rank,
          row.host,
          pretty(row.lateness, "duration"),
          pretty(row.error, "duration"),
          percent(row.share),
          row.records,
        ]),
    }),
  ];
}
