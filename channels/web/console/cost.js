// What was spent: per day, agent and person. In money where every price is known, else in tokens.

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
    const priced = costs.every((row) => row.cost_usd !== null);
    const [value, say] = priced ? [(row) => row.cost_usd, money] : [(row) => row.tokens, tokens];
    fill(element,
      h("p", { class: "lead" }, costs.length ? summary(costs) : `Nothing was thought in the last ${DAYS} days.`),
      costs.length > 0 && [
        columns("Per day", lastDays().map((date) => [day(Date.parse(date) / 1000), sum(costs.filter((row) => row.day === date), value)]), say),
        bars("Per agent", by(costs, "agent", value), say),
        bars("Per person who asked", by(costs, "person", value), say),
      ],
      h("p", { class: "hint" }, priced ? "Prices are those of bot/prices.toml." : "Some of it was done by a model without a price in bot/prices.toml; therefore the charts show tokens.", " Days are UTC; threads that changed lately count. The same for machines: GET /v1/costs."));
  };
  return { title: "Cost", element, update };
}

const sum = (rows, value) => rows.reduce((all, row) => all + (value(row) ?? 0), 0);

function summary(costs) {
  const known = sum(costs, (row) => row.cost_usd);
  return [known > 0 && h("strong", {}, money(known), " "), `${count(sum(costs, (row) => row.calls), "call")} of the model, ${tokens(sum(costs, (row) => row.tokens))}, in the last ${DAYS} days.`];
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
