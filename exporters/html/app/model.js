// SPDX-License-Identifier: Apache-2.0
// Reading aids for the data that the page was made with (exporters/html/page.hpp).

import { pretty, size } from "./format.js";

export const figureOf = (question, name) => question.figures.find((figure) => figure.name === name);

/** The rate where there is one, else the duration: what a question is judged by. */
export const mainOf = (question) =>
  ["flops", "bus_bandwidth", "bandwidth", "duration"].map((name) => figureOf(question, name)).find(Boolean);

export const lowIsGood = (name) => name === "duration";

/** Value of a host in a figure; undefined where it has none. */
export function ofHost(figure, host) {
  const value = host >= 0 ? figure?.by_host?.[host] : undefined;
  return value ?? undefined;
}

/** What is shown of a question: the chosen host's value, if it has one that may be used; without a host the median. */
export function valueOf(ctx, question, name) {
  const figure = figureOf(question, name);
  return ctx.host >= 0 ? ofHost(figure, ctx.host) : figure?.median;
}

const plain = (value) => String(value);

/** "1024" for a square product, "8K×28K×8K" otherwise. */
export function shapeOf({ m, n, k }) {
  return m === n && n === k ? plain(m) : [m, n, k].map(size).join("×");
}

/** What tells a question from the others of its operation. */
export function detailOf(question, without = []) {
  const { m, n, k, dtype, out, size_bytes, in_place, ...rest } = question.labels;
  const parts = [];
  if (dtype !== undefined && !without.includes("dtype")) parts.push(plain(dtype));
  if (m !== undefined) parts.push(shapeOf({ m, n, k }));
  if (size_bytes !== undefined && !without.includes("size_bytes")) parts.push(size(size_bytes));
  if (in_place === 1 && !without.includes("in_place")) parts.push("in place");
  for (const [key, value] of Object.entries(rest))
    if (!without.includes(key) && value !== "host" && !(key === "root" && value === 0)) parts.push(`${key}=${value}`);
  return parts.join(" ");
}

export const titleOf = (question) =>
  [question.operation, detailOf(question), question.backend, question.group === "rank" ? "" : question.group]
    .filter(Boolean)
    .join(" · ");

export const isDoubtful = (question) => Boolean(question.doubtful);

/** Lists of items under the same key, in the order in which the keys come. */
export function groupBy(items, key) {
  const groups = new Map();
  for (const item of items) {
    const name = key(item);
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(item);
  }
  return groups;
}

/** The same question of another run's page. */
export function counterpart(page, question) {
  if (!page) return undefined;
  const name = keyOf(question);
  page.byKey ??= new Map(page.questions.map((one) => [keyOf(one), one]));
  return page.byKey.get(name);
}
export const keyOf = (question) =>
  JSON.stringify([question.probe, question.operation, question.backend, question.group, question.labels]);

/** "≥ 389 GB/s (whose figure it is)", each once. */
export function floorsOf(questions) {
  const all = questions
    .filter((one) => one.expected)
    .map(({ expected }) => `${pretty(expected.least, expected.figure)} (${expected.source})`);
  return [...new Set(all)].join("; ");
}

export const sum = (items, of) => items.reduce((total, item) => total + (of(item) ?? 0), 0);
