// SPDX-License-Identifier: Apache-2.0
import { h } from "../dom.js";
import { t } from "../words.js";
import { stateWord } from "./verdict.js";

const letters = { fail: "×", unknown: "?", warn: "!", pass: "" };

/** One tab stop for all tiles; arrow keys go from one to the next. */
function roving(box, tiles) {
  const focus = (at) => {
    for (const tile of tiles) tile.tabIndex = -1;
    tiles[at].tabIndex = 0;
    tiles[at].focus();
  };
  box.addEventListener("keydown", (event) => {
    const at = tiles.indexOf(document.activeElement);
    const columns = Math.max(1, tiles.filter((tile) => tile.offsetTop === tiles[0].offsetTop).length);
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (at < 0 || !step) return;
    event.preventDefault();
    focus(Math.min(tiles.length - 1, Math.max(0, at + step)));
  });
}

/** All hosts of the page as tiles; a click shows one of them in every figure. */
export function hosts(ctx) {
  const { page } = ctx;
  if (page.hosts.length < 2) return null;
  const small = page.hosts.length > 60;
  const tiles = page.hosts.map((host, i) =>
    h(
      "button",
      {
        type: "button",
        class: `tile state-${host.state}`,
        tabindex: i === Math.max(ctx.host, 0) ? 0 : -1,
        "data-host": host.name,
        "aria-pressed": ctx.host === i ? "true" : "false",
        "aria-label": `${host.name}: ${stateWord(host.state)}`,
        title: `${host.name}: ${host.reason || stateWord(host.state)}`,
        click: () => ctx.setHost(ctx.hostName === host.name ? null : host.name),
      },
      small ? letters[host.state] : host.name,
    ),
  );
  const box = h("div", { class: small ? "tiles small" : "tiles", role: "group", "aria-label": t("hosts") }, tiles);
  roving(box, tiles);
  const known = new Set(page.hosts.map((host) => host.name));
  const search = h("input", {
    type: "search",
    placeholder: t("find_host"),
    "aria-label": t("find_host"),
    list: "host-names",
    autocomplete: "off",
  });
  search.addEventListener("change", () => {
    if (known.has(search.value)) ctx.setHost(search.value);
  });
  return h(
    "section",
    { class: "hosts", id: "hosts" },
    h(
      "div",
      { class: "row" },
      h("h2", {}, t("hosts")),
      h("p", { class: "note" }, t("hosts_note", page.hosts.length, page.run.hosts)),
      small ? search : null,
    ),
    box,
    small
      ? h(
          "datalist",
          { id: "host-names" },
          page.hosts.map((host) => h("option", { value: host.name })),
        )
      : null,
  );
}
