// SPDX-License-Identifier: Apache-2.0
// The roofline (Williams, Waterman and Patterson 2009) of what was measured: the roof is the best rate of each type,
// the slope the best bandwidth of the memory, and the ridge is where they meet.
import { chart, colours, decades, spreadOut } from "../chart.js";
import { figure, legend } from "../figure.js";
import { digits, plainTick, pretty, siTick } from "../format.js";
import { detailOf, figureOf, groupBy, shapeOf, valueOf } from "../model.js";
import * as marks from "../plot.js";
import { t } from "../words.js";

/** The best bandwidth of the memory that the products work in. */
function slopeOf(ctx, products) {
  const onDevice = products.some(
    (question) => question.labels.space === "device" || !["openblas", "onednn", "naive"].includes(question.backend),
  );
  const inPlace = (question) => (question.labels.space ?? "host") === (onDevice ? "device" : "host");
  const memory = ctx.page.questions.filter(
    (question) => question.probe === "memory" && inPlace(question) && figureOf(question, "bandwidth"),
  );
  return memory
    .map((question) => ({ question, value: valueOf(ctx, question, "bandwidth") }))
    .filter(({ value }) => value > 0)
    .reduce((a, b) => (a && a.value >= b.value ? a : b), undefined);
}

function roofsOf(ctx, products, slope) {
  return [...groupBy(products, (question) => `${question.labels.dtype} ${question.backend}`)].map(([name, own], i) => {
    const points = own.map((question) => ({
      question,
      name,
      x: question.intensity,
      y: valueOf(ctx, question, "flops"),
    }));
    const peak = Math.max(...points.map((point) => point.y));
    return { name, peak, ridge: peak / slope.value, points, colour: colours[i % colours.length] };
  });
}

const labelOf = (roof) => `${roof.name}  ${pretty(roof.peak, "flops")}`;

function draw(roofs, slope, width) {
  const height = Math.max(260, Math.min(400, width * 0.5));
  const xs = roofs.flatMap((roof) => [roof.ridge, ...roof.points.map((point) => point.x)]);
  const x = [Math.min(...xs) / 6, Math.max(...xs) * 2.5];
  const top = Math.max(...roofs.map((roof) => roof.peak)) * 1.8;
  const y = [Math.min(slope.value * x[0], ...roofs.flatMap((roof) => roof.points.map((point) => point.y))) / 1.3, top];
  const [marginTop, marginBottom] = [14, 40];
  const toPixel = (value) =>
    marginTop + (height - marginTop - marginBottom) * (1 - Math.log(value / y[0]) / Math.log(y[1] / y[0]));
  const places = spreadOut(
    roofs.map((roof) => toPixel(roof.peak)),
    15,
  );
  const points = roofs.flatMap((roof) => roof.points.map((point) => ({ ...point, colour: roof.colour })));
  const longest = Math.max(...roofs.map((roof) => labelOf(roof).length));
  const right = width < 520 ? 12 : 16 + 7 * longest;
  const drawn = chart({
    width,
    height,
    marginLeft: 52,
    marginRight: right,
    marginTop,
    marginBottom,
    x: {
      type: "log",
      domain: x,
      ticks: decades(...x),
      tickFormat: plainTick,
      label: t("intensity_axis"),
      labelAnchor: "center",
      labelArrow: "none",
    },
    y: { type: "log", domain: y, ticks: decades(...y), tickFormat: siTick },
    marks: [
      marks.gridX({ ticks: decades(...x) }),
      marks.gridY({ ticks: decades(...y) }),
      marks.line(
        [
          [x[0], slope.value * x[0]],
          [top / slope.value, top],
        ],
        { stroke: "var(--muted)", strokeWidth: 1.5, clip: true },
      ),
      roofs.map((roof) =>
        marks.line(
          [
            [roof.ridge, roof.peak],
            [x[1], roof.peak],
          ],
          { stroke: roof.colour, strokeWidth: 2 },
        ),
      ),
      marks.dot(roofs, {
        x: "ridge",
        y: "peak",
        r: 5,
        stroke: (roof) => roof.colour,
        fill: "var(--paper)",
        strokeWidth: 2,
      }),
      marks.dot(points, { x: "x", y: "y", r: 3, fill: "colour" }),
      right > 100
        ? roofs.map((roof, i) =>
            marks.text([roof], {
              x: () => x[1],
              y: "peak",
              dx: 8,
              dy: places[i] - toPixel(roof.peak),
              textAnchor: "start",
              fill: roof.colour,
              text: labelOf,
            }),
          )
        : null,
      marks.text([[x[0] * 1.25, slope.value * x[0] * 1.25]], {
        textAnchor: "start",
        lineAnchor: "top",
        dx: 10,
        dy: 2,
        fill: "var(--muted)",
        text: () => `${slope.question.operation} ${pretty(slope.value, "bandwidth")}`,
      }),
      marks.tip(
        [
          ...points.map((point) => ({
            x: point.x,
            y: point.y,
            title: `${point.name} ${shapeOf(point.question.labels)}\n${pretty(point.y, "flops")}\n${digits(point.x)} FLOP/B`,
          })),
          ...roofs.map((roof) => ({
            x: roof.ridge,
            y: roof.peak,
            title: `${t("ridge")} ${roof.name}\n${digits(roof.ridge)} FLOP/B`,
          })),
        ],
        marks.pointer({ x: "x", y: "y", title: "title" }),
      ),
    ],
  });
  if (right > 100) return drawn;
  return [legend(roofs.map((roof) => ({ colour: roof.colour, label: labelOf(roof) }))), drawn];
}

export function roofline(ctx) {
  const products = ctx.page.questions.filter(
    (question) =>
      question.operation.startsWith("gemm") && question.intensity > 0 && valueOf(ctx, question, "flops") > 0,
  );
  const slope = products.length ? slopeOf(ctx, products) : undefined;
  if (!slope) return [];
  const roofs = roofsOf(ctx, products, slope);
  const lowest = roofs.reduce((a, b) => (b.ridge < a.ridge ? b : a));
  const highest = roofs.reduce((a, b) => (b.ridge > a.ridge ? b : a));
  const range = lowest === highest ? digits(lowest.ridge) : `${digits(lowest.ridge)} – ${digits(highest.ridge)}`;
  const columns = [
    { label: t("type") },
    { label: t("shape"), number: true },
    { label: t("intensity"), number: true },
    { label: t("rate"), number: true },
    { label: t("roof"), number: true },
    { label: t("ridge"), number: true },
  ];
  return [
    figure({
      id: "roofline",
      title: t("roofline_title", range),
      note: t(
        "roofline_note",
        slope.question.operation,
        pretty(slope.value, "bandwidth"),
        detailOf(slope.question, ["dtype"]),
      ),
      draw: (width) => draw(roofs, slope, width),
      columns,
      rows: () =>
        roofs.flatMap((roof) =>
          roof.points.map((point) => [
            roof.name,
            shapeOf(point.question.labels),
            digits(point.x),
            pretty(point.y, "flops"),
            pretty(roof.peak, "flops"),
            digits(roof.ridge),
          ]),
        ),
    }),
  ];
}
