// Small charts: a column for each day or hour, a bar for each name. The numbers stand beside them, so nothing has to be guessed.

import { h, s } from "/look/dom.js";

const HEIGHT = 100;
const STEP = 20;

/** Columns over time, from [label, value] in order. The first and the last are named, each tells itself when pointed at. */
export function columns(title, points, say = String) {
  const most = Math.max(...points.map(([, value]) => value));
  const bar = ([label, value], i) => {
    const height = value > 0 ? Math.max(2, (value / most) * HEIGHT) : 0;
    return s("g", {}, s("title", {}, `${label}: ${say(value)}`),
      s("rect", { class: "hit", x: i * STEP, y: 0, width: STEP, height: HEIGHT }),
      s("rect", { class: "filled", x: i * STEP + 3, y: HEIGHT - height, width: STEP - 6, height }));
  };
  return h("figure", { class: "chart" },
    h("figcaption", {}, h("h3", {}, title), h("span", { class: "muted small" }, `at most ${say(most)}`)),
    s("svg", { class: "columns", viewBox: `0 0 ${points.length * STEP} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": [title, ...points.filter(([, value]) => value > 0).map(([label, value]) => `${label}: ${say(value)}`)].join(", ") }, points.map(bar)),
    h("div", { class: "row between muted small", "aria-hidden": "true" }, h("span", {}, points[0][0]), h("span", {}, points.at(-1)[0])));
}

/** A bar for each of [label, value]. */
export function bars(title, rows, say = String) {
  const most = Math.max(...rows.map(([, value]) => value)) || 1;
  return h("section", { class: "chart" }, h("h3", {}, title),
    h("table", {}, rows.map(([label, value]) =>
      h("tr", {}, h("th", { scope: "row" }, label), h("td", { class: "bar" }, bar(value / most)), h("td", {}, say(value))))));
}

const bar = (part) =>
  s("svg", { width: "100%", height: 10, "aria-hidden": "true" }, s("rect", { class: "rest", width: "100%", height: 10, rx: 5 }), part > 0 && s("rect", { class: "filled", width: `${Math.max(part * 100, 2)}%`, height: 10, rx: 5 }));
