// SPDX-License-Identifier: Apache-2.0
import { copy, h } from "./dom.js";
import { t } from "./words.js";

/** A table whose numbers line up. `columns` are {label, number}; cells are text, or nodes. */
export function table(columns, rows, caption) {
  const cell = (tag, column, content) =>
    h(tag, { class: column.number ? "number" : null, scope: tag === "th" ? "col" : null }, content);
  return h(
    "table",
    {},
    caption ? h("caption", { class: "offscreen" }, caption) : null,
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        columns.map((column) => cell("th", column, column.label)),
      ),
    ),
    h(
      "tbody",
      {},
      rows.map((row) =>
        h(
          "tr",
          {},
          row.map((content, i) => cell("td", columns[i], content ?? "")),
        ),
      ),
    ),
  );
}

const asText = (content) => (content instanceof Node ? content.textContent : String(content ?? ""));
export const tabbed = (columns, rows) =>
  [columns.map((column) => column.label), ...rows.map((row) => row.map(asText))]
    .map((row) => row.join("\t"))
    .join("\n");

function copyButton(columns, rows) {
  const button = h("button", { type: "button", class: "quiet" }, t("copy"));
  button.addEventListener("click", async () => {
    button.textContent = (await copy(tabbed(columns, rows()))) ? t("copied") : t("not_copied");
    setTimeout(() => (button.textContent = t("copy")), 1500);
  });
  return button;
}

/** The table under a figure, made when it is opened: most are not. */
function tableView(columns, rows, title) {
  const details = h("details", { class: "table-view" }, h("summary", {}, t("table")));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1)
      details.append(
        h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title }, table(columns, rows(), title)),
      );
  });
  return details;
}

/** Arrow keys read the figure's rows out, one after another. */
function readable(box, columns, rows, readout) {
  let at = -1;
  box.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = rows();
    if (!all.length) return;
    at = (at + step + all.length) % all.length;
    readout.textContent = all[at]
      .map((content, i) => (asText(content) ? `${columns[i].label} ${asText(content)}` : ""))
      .filter(Boolean)
      .join(" · ");
  });
  box.addEventListener("blur", () => (readout.textContent = ""));
}

/**
 * A figure: its title states what it shows, `note` how to read it, `draw(width)` gives nodes for a width, and
 * `columns`/`rows()` are its numbers.
 */
export function figure({ id, title, note, draw, columns, rows, legend }) {
  const readout = h("p", { class: "readout", "aria-live": "polite" });
  const box = h("div", {
    class: "plot",
    tabindex: 0,
    role: "img",
    "aria-label": `${title}. ${note ?? ""} ${t("keys")}`,
  });
  const element = h(
    "figure",
    { class: "figure", id },
    h("figcaption", {}, h("h3", {}, title), note ? h("p", { class: "note" }, note) : null),
    legend ?? null,
    box,
    readout,
    h("div", { class: "tools" }, tableView(columns, rows, title), copyButton(columns, rows)),
  );
  readable(box, columns, rows, readout);
  element.redraw = (wanted) => {
    const width = Math.max(280, Math.floor(wanted ?? (box.clientWidth || 640)));
    box.replaceChildren(...[draw(width)].flat());
  };
  return element;
}

/** Swatches with words; `shape` is "line", "dash", "band" or "dot". */
export function legend(entries) {
  return h(
    "ul",
    { class: "legend" },
    entries.map(({ colour, label, shape = "line" }) => {
      const swatch = h("span", { class: `swatch ${shape}`, "aria-hidden": "true" });
      swatch.style.setProperty("--swatch", colour);
      return h("li", {}, swatch, label);
    }),
  );
}
