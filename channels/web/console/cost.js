// What was spent: per day, agent and person. In money where every price is known, else in tokens, else in calls.

import { bars, columns } from "./charts.js";
import { fill, h } from "/look/dom.js";
import { count, day, money, tokens } from "/look/words.js";

const DAYS = 14;

export function costView(app) {
  const element = h("div", { class: "scroller padded figures" });

  const update = () => {
    const { costs } = app.state;
    const signature = JSON.stringify(costs);
    if (element.signature === signature) return;
    element.signature = signature;
    if (!costs) return;
    const { value, say, words } = unit(costs);
    fill(element,
      h("p", { class: "lead" }, costs.length ? summary(costs) : `Nothing was thought in the last ${DAYS} days.`),
      costs.length > 0 && [
        columns("Per day", lastDays().map((date) => [day(Date.parse(date) / 1000), sum(costs.filter((row) => row.day === date), value)]), say),
        bars("Per agent", by(costs, "agent", value), say),
        bars("Per person who asked", by(costs, "person", value), say),
      ],
      h("p", { class: "hint" }, words, " Days are UTC; the 500 threads that changed last count. For machines: GET /v1/costs."));
  };
  return { title: "Cost", element, update };
}

function unit(costs) {
  if (costs.every((row) => row.cost_usd !== null)) return { value: (row) => row.cost_usd, say: money, words: "Prices are those of bot/prices.toml." };
  const words = "bot/prices.toml has no price for some of the models, so this is no money.";
  if (sum(costs, (row) => row.tokens)) return { value: (row) => row.tokens, say: tokens, words };
  return { value: (row) => row.calls, say: (n) => count(n, "call"), words };
}

const sum = (rows, value) => rows.reduce((all, row) => all + (value(row) ?? 0), 0);

function summary(costs) {
  const [dollars, used] = ["cost_usd", "tokens"].map((key) => sum(costs, (row) => row[key]));
  return [dollars > 0 && h("strong", {}, money(dollars), " "), [count(sum(costs, (row) => row.calls), "call of the model", "calls of the model"), used > 0 && tokens(used), `in the last ${DAYS} days.`].filter(Boolean).join(", ")];
}

/** [name, value] of each, the most first. */
function by(costs, key, value) {
  const names = [...new Set(costs.map((row) => row[key]))];
  return names.map((name) => [name || "nobody", sum(costs.filter((row) => row[key] === name), value)]).sort((a, b) => b[1] - a[1]);
}

function lastDays() {
  const today = Date.parse(new Date().toISOString().slice(0, 10));
  return Array.from({ length: DAYS }, (_, i) => new Date(today - (DAYS - 1 - i) * 86_400_000).toISOString().slice(0, 10));
}
