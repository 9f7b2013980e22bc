// SPDX-License-Identifier: Apache-2.0
// Every question with its figures, as numbers: what no plot shows is here.
import { h } from "../dom.js";
import { table, tabbed } from "../figure.js";
import { copy } from "../dom.js";
import { halfWidth, pretty } from "../format.js";
import { detailOf, figureOf, mainOf, ofHost } from "../model.js";
import { t, word } from "../words.js";

const columns = () => [
  { label: t("probe") },
  { label: t("operation") },
  { label: t("question") },
  { label: t("backend") },
  { label: t("group") },
  { label: t("rate"), number: true },
  { label: "±", number: true },
  { label: t("time"), number: true },
  { label: t("most"), number: true },
  { label: t("worst_group") },
  { label: t("host"), number: true },
  { label: t("remarks") },
];

function remarks(question) {
  const parts = Object.entries(question.doubts ?? {}).map(([kind, count]) => `${count} ${word("doubt", kind)}`);
  for (const key of ["wrong", "failed", "skipped"])
    if (question[key]) parts.push(`${question[key]} ${t(`count_${key}`)}`);
  if (question.noisy) parts.push(`${question.noisy} ${t("count_noisy")}`);
  if (question.reason) parts.push(question.reason);
  return parts.join("; ");
}

function rowOf(ctx, question) {
  const main = mainOf(question);
  const time = figureOf(question, "duration");
  const groups = main?.spread[4] ?? 0;
  return [
    question.probe,
    question.operation,
    detailOf(question),
    question.backend,
    groups > 1 ? `${groups} × ${question.group}` : question.group,
    main && main !== time ? pretty(main.median, main.name) : "",
    halfWidth(main),
    pretty(time?.median, "duration"),
    groups > 1 ? `${pretty(main.spread[1], main.name)} … ${pretty(main.spread[2], main.name)}` : "",
    main?.worst_host ? `${main.worst_host} ${t("rank")} ${main.worst_rank}` : "",
    ctx.host >= 0 ? pretty(ofHost(main, ctx.host), main?.name) : "",
    remarks(question),
  ];
}

export function everything(ctx) {
  const rows = () => ctx.page.questions.map((question) => rowOf(ctx, question));
  const details = h("details", { class: "table-view" }, h("summary", {}, t("everything", ctx.page.questions.length)));
  details.addEventListener("toggle", () => {
    if (!details.open || details.children.length > 1) return;
    const button = h(
      "button",
      { type: "button", class: "quiet", click: () => copy(tabbed(columns(), rows())) },
      t("copy"),
    );
    details.append(
      button,
      h(
        "div",
        { class: "scroll", tabindex: 0, role: "region", "aria-label": t("all_figures") },
        table(columns(), rows(), t("all_figures")),
      ),
    );
  });
  return h("section", { id: "everything" }, h("h2", {}, t("all_figures")), details);
}
