// SPDX-License-Identifier: Apache-2.0
import * as Plot from "@observablehq/plot";

/** Colours are variables of the style sheet, so that theme and printing need no new drawing. */
export const colours = Array.from({ length: 8 }, (_, i) => `var(--series-${i})`);
export const heat = (step) => `var(--heat-${step})`;
export const heatText = (step) => `var(--heat-text-${step})`;
export const bad = (step) => `var(--bad-${step})`;
export const badText = (step) => `var(--bad-text-${step})`;

/** A chart that needs neither a style element of its own, which the page's policy would refuse, nor a title: the figure
 * around it has one. */
export function chart(options) {
  const svg = Plot.plot({
    className: "chart",
    marginTop: 12,
    marginRight: 12,
    ...options,
    style: undefined,
    x: { label: null, ...options.x },
    y: { label: null, ...options.y },
  });
  for (const style of svg.querySelectorAll("style")) style.remove();
  svg.setAttribute("aria-hidden", "true"); // the figure says it in words, and its table in numbers
  svg.setAttribute("focusable", "false");
  return svg;
}

/** Logarithmic where the values span more than a decade; from 0 otherwise. */
export function rateScale(values, tickFormat, ticks = 5) {
  const good = values.filter((value) => value > 0);
  const low = Math.min(...good);
  const high = Math.max(...good);
  if (!good.length) return { tickFormat };
  if (high / low < 12) return { domain: [0, high * 1.08], nice: true, ticks, tickFormat };
  return { type: "log", domain: [low / 1.3, high * 1.3], ticks: decades(low / 1.3, high * 1.3, ticks + 2), tickFormat };
}

/** Linear, from 0. Bands count up to twice the highest value: one that says nothing must not flatten all others. */
export function fromZero(values, bands, tickFormat) {
  const most = Math.max(...values.filter(Number.isFinite));
  const highest = Math.max(most, ...bands.filter((value) => value <= 2 * most));
  return { domain: [0, highest * 1.06], nice: true, ticks: 4, tickFormat };
}

/** Logarithmic, whatever the values span; bands count up to ten times what the values do. */
export function logScale(values, bands, tickFormat) {
  const good = values.filter((value) => value > 0);
  const [low, high] = [Math.min(...good), Math.max(...good)];
  const near = bands.filter((value) => value >= low / 10 && value <= high * 10);
  const domain = [Math.min(low, ...near) / 1.3, Math.max(high, ...near) * 1.3];
  return { type: "log", domain, ticks: decades(...domain), tickFormat };
}

/** Powers of ten, and 3 between them where there are few. */
export function decades(low, high, most = 7) {
  const ticks = [];
  const few = Math.log10(high / low) < 2.5;
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); ++power)
    for (const step of few ? [1, 3] : [1]) {
      const tick = step * 10 ** power;
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  const every = Math.ceil(ticks.length / most);
  return ticks.filter((_, i) => i % every === 0);
}

/** How many ticks a width has room for. */
export const ticksFor = (width) => Math.max(2, Math.floor(width / 100));

/** Places for labels so that none is over another: moved as little as needed, in their order. */
export function spreadOut(places, gap) {
  const order = places.map((_, i) => i).sort((a, b) => places[a] - places[b]);
  const result = [...places];
  for (let i = 1; i < order.length; ++i) result[order[i]] = Math.max(result[order[i]], result[order[i - 1]] + gap);
  return result;
}
