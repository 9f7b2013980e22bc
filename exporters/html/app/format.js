// SPDX-License-Identifier: Apache-2.0
// Values are SI in the model; their pretty forms are made here only.

const units = {
  duration: "s",
  flops: "FLOP/s",
  bandwidth: "B/s",
  bus_bandwidth: "B/s",
  sm_clock: "Hz",
  power: "W",
  temperature: "°C",
  energy: "J",
};
const prefixes = [
  [1e15, "P"],
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
  [1, ""],
  [1e-3, "m"],
  [1e-6, "µ"],
  [1e-9, "n"],
];

export const unitOf = (figure) => units[figure] ?? "";

/** Three digits: 0.157, 31.7, 449, 1,161. */
export function digits(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e6)) return value.toExponential(2);
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

const prefixOf = (value) => prefixes.find(([factor]) => Math.abs(value) >= factor * 0.9995) ?? [1, ""];

/** "2.39 GB/s", "164 µs". */
export function si(value, unit) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (unit === "°C") return `${digits(value)} °C`;
  if (value === 0) return `0 ${unit}`.trim();
  const [factor, prefix] = prefixOf(value);
  return `${digits(value / factor)} ${prefix}${unit}`.trim();
}
export const pretty = (value, figure) => si(value, unitOf(figure));

/** Labels of an axis: "100 G" without the unit, which stands in the axis's title. */
export function siTick(value) {
  if (value === 0) return "0";
  const [factor, prefix] = prefixOf(value);
  return `${Number((value / factor).toPrecision(3))}${prefix ? ` ${prefix}` : ""}`;
}

/** Labels of an axis of times: "100 µs". */
export const timeTick = (value) => (value === 0 ? "0" : `${siTick(value)}${siTick(value).includes(" ") ? "" : " "}s`);
/** Labels of an axis without a unit: 0.1, 10. */
export const plainTick = (value) => String(Number(value.toPrecision(3)));

/** "4K": binary, as on the command line. */
export function size(bytes) {
  let value = bytes;
  for (const prefix of ["", "K", "M", "G", "T"]) {
    if (value < 1024 || value % 1 !== 0 || (value % 1024 !== 0 && value < 1048576))
      return `${Number(value.toPrecision(4))}${prefix}`;
    value /= 1024;
  }
  return `${Number(value.toPrecision(4))}P`;
}

export function percent(part, decimals = 0) {
  return Number.isFinite(part) ? `${(100 * part).toFixed(decimals)} %` : "–";
}

/** Half the interval over the value: "± 1.2 %"; empty without an interval. */
export function halfWidth(figure) {
  if (!figure?.ci || !(figure.median > 0)) return "";
  const half = (figure.ci[1] - figure.ci[0]) / 2 / figure.median;
  return `± ${(100 * half).toFixed(half < 0.1 ? 1 : 0)} %`;
}

export function utc(seconds) {
  return Number.isFinite(seconds) && seconds > 0
    ? `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} UTC`
    : "–";
}

export function stretch(seconds) {
  if (!(seconds >= 0)) return "–";
  if (seconds < 120) return `${digits(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
