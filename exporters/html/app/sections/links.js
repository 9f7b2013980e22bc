// SPDX-License-Identifier: Apache-2.0
import { bad, badText, chart } from "../chart.js";
import { figure, legend } from "../figure.js";
import { digits, percent, pretty } from "../format.js";
import * as marks from "../plot.js";
import { t, word } from "../words.js";

const steps = [1.05, 1.1, 1.25, 1.5, 2, 4];
const stepOf = (times) => steps.filter((bound) => times >= bound).length;
const unit = (map) => (map.figure === "latency" ? "duration" : "bandwidth");

/** How many times worse than the usual; 1 and less is usual or better. */
const worse = (map, value) => (map.figure === "latency" ? value / map.usual : map.usual / value);

function cellsOf(ctx, map) {
  const ofHost = (row) => map.hosts[row].includes(ctx.hostName);
  return map.cells
    .map(([row, column, value, expected, links = 1, from, to]) => ({
      row,
      column,
      value,
      expected,
      links,
      from: from ?? map.rows[row],
      to: to ?? map.rows[column],
      times: worse(map, value),
    }))
    .filter((cell) => !ctx.hostName || ofHost(cell.row) || ofHost(cell.column));
}

function draw(map, cells, width) {
  const count = map.rows.length;
  const longest = Math.max(...map.rows.map((row) => row.length));
  const left = Math.min(120, 16 + 7 * longest);
  const edge = Math.max(9, Math.min(46, (width - left - 12) / count));
  const inside = edge >= 40;
  const every = Math.ceil(13 / edge);
  const shown = map.rows.map((_, i) => i).filter((i) => i % every === 0);
  const scale = map.figure === "latency" ? 1e-6 : map.usual >= 1e9 ? 1e9 : 1e6;
  return chart({
    width: Math.min(width, left + 12 + edge * count),
    height: left + 8 + edge * count,
    marginLeft: left,
    marginTop: left,
    marginBottom: 8,
    x: {
      type: "band",
      domain: map.rows.map((_, i) => i),
      axis: "top",
      ticks: shown,
      tickFormat: (i) => map.rows[i],
      tickSize: 0,
      tickRotate: -90,
      padding: 0.03,
    },
    y: {
      type: "band",
      domain: map.rows.map((_, i) => i),
      ticks: shown,
      tickFormat: (i) => map.rows[i],
      tickSize: 0,
      padding: 0.03,
    },
    marks: [
      marks.cell(cells, { x: "column", y: "row", fill: (cell) => bad(stepOf(cell.times)) }),
      inside
        ? marks.text(cells, {
            x: "column",
            y: "row",
            text: (cell) => digits(cell.value / scale),
            fill: (cell) => badText(stepOf(cell.times)),
            fontSize: 10,
          })
        : null,
      marks.tip(cells, marks.pointer({ x: "column", y: "row", title: (cell) => tipOf(map, cell) })),
    ],
  });
}

function tipOf(map, cell) {
  const lines = [
    `${cell.from} → ${cell.to}`,
    `${pretty(cell.value, unit(map))} · ${t("usual")} ${pretty(map.usual, unit(map))}`,
    `${t("explained")} ${pretty(cell.expected, unit(map))}`,
  ];
  if (cell.links > 1) lines.push(t("worst_of_links", cell.links));
  return lines.join("\n");
}

function titleOf(map, cells) {
  const first = map.worst[0];
  const worst = cells.reduce((a, b) => (b.times > a.times ? b : a), cells[0]);
  const kind = word("figure", map.figure);
  if (!worst || worst.times < 1.25) return t("links_even", kind, pretty(map.usual, unit(map)));
  if (first && first.explains >= 0.5) return t("links_node", first.name, percent(first.explains), kind);
  return t(
    "links_worst",
    `${worst.from} → ${worst.to}`,
    pretty(worst.value, unit(map)),
    pretty(map.usual, unit(map)),
    kind,
  );
}

export function links(ctx) {
  return ctx.page.links.map((map, i) => {
    const cells = cellsOf(ctx, map);
    const grouped = map.rows.length < map.nodes;
    const columns = [
      { label: t("from") },
      { label: t("to") },
      { label: t("value"), number: true },
      { label: t("usual"), number: true },
      { label: t("explained"), number: true },
      { label: t("links_counted"), number: true },
    ];
    const nodes = map.worst.filter((node) => !ctx.hostName || node.host === ctx.hostName);
    return figure({
      id: `links-${i}`,
      title: titleOf(map, cells),
      note: [
        t("links_note", word("scope", map.scope), map.backend, map.nodes),
        grouped ? t("links_grouped", map.rows.length) : "",
        nodes.length
          ? t(
              "links_nodes",
              nodes
                .slice(0, 3)
                .map((node) => `${node.name} (${percent(node.explains)})`)
                .join(", "),
            )
          : "",
      ]
        .filter(Boolean)
        .join(" "),
      draw: (width) => draw(map, cells, width),
      columns,
      rows: () =>
        cells.map((cell) => [
          cell.from,
          cell.to,
          pretty(cell.value, unit(map)),
          pretty(map.usual, unit(map)),
          pretty(cell.expected, unit(map)),
          cell.links,
        ]),
      legend: legend(
        [t("as_usual"), ...steps.map((step) => `≥ ${step} ×`)].map((label, step) => ({
          colour: bad(step),
          label,
          shape: "box",
        })),
      ),
    });
  });
}
