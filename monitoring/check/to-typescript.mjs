// SPDX-License-Identifier: Apache-2.0
// node to-typescript.mjs DASHBOARD.json … > check.ts: the dashboards as typed constants, for tsc to judge.
import { readFileSync } from "node:fs";

// Fields of the data source, which the schema's core types do not know.
const ofDataSource = { annotation: ["expr", "titleFormat", "textFormat", "useValueForTime", "step"], variable: ["definition"] };

const kinds = { stat: "stat", bargauge: "bargauge", timeseries: "timeseries", "state-timeline": "statetimeline", table: "table" };
const files = { stat: "Stat", bargauge: "BarGauge", timeseries: "TimeSeries", statetimeline: "StateTimeline", table: "Table" };
const withFields = new Set(["timeseries", "statetimeline", "table"]);

const without = (object, names) => Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));

console.log(`import type * as schema from "@grafana/schema";`);
for (const kind of Object.values(kinds))
  console.log(`import type * as ${kind} from "@grafana/schema/dist/esm/raw/composable/${kind}/panelcfg/x/${files[kind]}PanelCfg_types.gen.d.ts";`);
// In JSON an enumeration is its value.
console.log(`type Plain<T> = T extends string ? \`\${T}\` : T extends number | boolean | null | undefined ? T
  : T extends Array<infer U> ? Array<Plain<U>> : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;`);

let count = 0;
for (const path of process.argv.slice(2)) {
  const board = JSON.parse(readFileSync(path, "utf8"));
  for (const panel of board.panels) {
    if (panel.type === "row") continue;
    const kind = kinds[panel.type];
    if (!kind) throw new Error(`${path}: no types for panels of type ${panel.type}`);
    const name = `${board.uid}, ${panel.title}`;
    const typed = (type, value) => console.log(`// ${name}\nexport const x${count++}: ${type} = ${JSON.stringify(value, null, 1)};`);
    typed(`Partial<Plain<${kind}.Options>>`, panel.options);
    typed(withFields.has(kind) ? `Partial<Plain<${kind}.FieldConfig>>` : "Record<string, never>", panel.fieldConfig.defaults.custom);
    typed(`Plain<Omit<schema.FieldConfig, "custom">>`, without(panel.fieldConfig.defaults, ["custom"]));
  }
  board.annotations.list = board.annotations.list.map((one) => without(one, ofDataSource.annotation));
  board.templating.list = board.templating.list.map((one) => without(one, ofDataSource.variable));
  console.log(`// ${board.uid}\nexport const x${count++}: Plain<schema.Dashboard> = ${JSON.stringify(board, null, 1)};`);
}
