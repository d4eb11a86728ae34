// Numbers, chains and maps as a page's data have them; `mediate/report/run/explorer.py` writes them.

const LONG = 255;
const QUANTA = 127;
const UNDEFINED = -128;
const BINS = 8;
const LEAST_EDGE = 0.01;
const WITH_SHARE = 5; // TE, and the quantities of which a share is told

const bytes = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
// The labels along an axis are listed, or as many as there are where they count from 0.
const listed = (labels) => (typeof labels === "number" ? Array.from({ length: labels }, (_, place) => place) : labels);
const sizeOf = (labels) => (typeof labels === "number" ? labels : labels.length);
const indexIn = (labels, label) => {
  if (typeof labels !== "number") return labels.indexOf(label);
  return label < labels ? label : -1;
};

/** A number with a true minus sign, and with a plus where that is asked for. */
function number(value, signed = false, digits = 2) {
  if (value === null || Number.isNaN(value)) return "undefined";
  const text = Math.abs(value) >= 1e5 ? value.toPrecision(3) : (Number(value.toFixed(digits)) + 0).toFixed(digits);
  return (signed && value > 0 ? "+" : "") + text.replace("-", "−");
}

/** The class of a value's colour on a scale that ends at `limit`. */
function shadeOf(value, limit) {
  if (Number.isNaN(value)) return "nan";
  return `e${limit > 0 ? Math.round(BINS * Math.max(-1, Math.min(1, value / limit))) + 0 : 0}`;
}

/** Gives an element its looks, where it has others. */
function dye(element, look) {
  if (element.className !== look) element.className = look;
}

/** Scrolls a box to what is chosen in it, where that is out of sight. */
function keepInSight(box) {
  const chosen = box.querySelector('[aria-selected="true"]');
  if (!chosen || box.scrollHeight <= box.clientHeight) return;
  const [part, whole] = [chosen.getBoundingClientRect(), box.getBoundingClientRect()];
  if (part.top < whole.top || part.bottom > whole.bottom) box.scrollTop += part.top - whole.top - whole.height / 3;
}

/** The tokens of a text, by their lengths. */
function tokensOf(text, lengths) {
  const tokens = [];
  let [begin, length] = [0, 0];
  for (const each of bytes(lengths)) {
    length += each;
    if (each === LONG) continue;
    tokens.push(text.slice(begin, begin + length));
    [begin, length] = [begin + length, 0];
  }
  return tokens;
}

/** One world of an item, or one run of it; the cells of its maps are read when they are first asked for. */
function viewOf([question, answer, chain, lengths, runs, states, effects, maps]) {
  const steps = [];
  for (let each = 0; each < runs.length; each += 2) {
    for (let count = runs[each + 1]; count > 0; count -= 1) steps.push(runs[each]);
  }
  const found = new Map(maps.map(([set, largest, labels, cells, trust]) => [set, { largest, labels, cells, trust }]));
  return { question, answer, tokens: tokensOf(chain, lengths), steps, states, effects, maps: found };
}

/** A cell of a map by its labels, in the order of the axes; NaN where it has no such cell, or no number there. */
function valueOf(map, labels) {
  if (typeof map.cells === "string") map.cells = new Int8Array(bytes(map.cells).buffer);
  let index = 0;
  for (let axis = 0; axis < labels.length; axis += 1) {
    const place = indexIn(map.labels[axis], labels[axis]);
    if (place < 0 || place === undefined) return NaN;
    index = index * sizeOf(map.labels[axis]) + place;
  }
  return map.cells[index] === UNDEFINED ? NaN : (map.cells[index] * map.largest) / QUANTA;
}

/** The stretch of a list, at most so long, that holds a place: the one that begins at `from`, where that does. */
function around(list, place, most, from = -1) {
  const kept = from >= 0 && from <= place && place < from + most;
  const begin = Math.max(0, Math.min(kept ? from : place - Math.floor(most / 2), list.length - most));
  return list.slice(begin, begin + most);
}

/** The label on one list that is at the place of another's label, or at its relative depth where they differ in length. */
function fitted(label, from, to, dim) {
  if (dim !== "layer" || sizeOf(from) === sizeOf(to)) return label;
  const depth = sizeOf(from) > 1 ? indexIn(from, label) / (sizeOf(from) - 1) : 0;
  return listed(to)[Math.round(depth * (sizeOf(to) - 1))];
}

/** The edges of a step graph into a step and out of it, but for those that are next to nothing. */
function edgesAt(graph, step) {
  const edge = (from, to) => ({ from, to, value: valueOf(graph, [from, to]) });
  const [into, out] = [
    listed(graph.labels[0]).map((from) => edge(from, step)),
    listed(graph.labels[1]).map((to) => edge(step, to)),
  ];
  return [into, out].map((edges) => edges.filter(({ value }) => Math.abs(value) >= LEAST_EDGE));
}

/** Edges as arcs from the number of one step to that of another, over the text of a chain. */
function arcsOver(view, edges, limit) {
  const element = (name, attributes) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [each, value] of Object.entries(attributes)) made.setAttribute(each, value);
    return made;
  };
  const svg = element("svg", { "aria-hidden": "true" });
  const { left, top } = view.chain.getBoundingClientRect();
  const end = (step) => {
    const box = view.runs.find((run) => run.step === step)?.badge.getBoundingClientRect();
    return box && [box.left - left + box.width / 2, box.top - top + view.chain.scrollTop];
  };
  for (const { from, to, value } of edges) {
    const [begin, stop] = [end(from), end(to)];
    if (!begin || !stop) continue;
    const bend = 14 + Math.min(40, Math.abs(stop[0] - begin[0]) / 8);
    const width = 1 + 4 * Math.min(1, Math.abs(value) / limit);
    const d = `M${begin}C${begin[0]} ${begin[1] - bend} ${stop[0]} ${stop[1] - bend} ${stop}`;
    svg.append(element("path", { d, class: value < 0 ? "below" : "above", "stroke-width": width }));
  }
  return svg;
}

/** What the colours of maps mean, and how near its numbers are to the exact ones. */
function scaleOf(set, maps, ends) {
  const bins = Array.from({ length: 2 * BINS + 1 }, (_, each) => make("span", { class: `e${each - BINS}` }));
  const largest = Math.max(...maps.map((map) => map.largest));
  const within = `within ${(largest / QUANTA / 2).toPrecision(1)} ${set.unit} of the exact ones`;
  const said = `${ends}; one scale for all items${maps.length > 1 ? " and runs" : ""}). Numbers are ${within}, which are in results/effects.parquet.`;
  return [`${number(-set.limit)} `, ...bins, ` +${number(set.limit)} ${set.unit} (${said}`];
}

/** The effects of an item: a row a quantity, two columns an outcome and run; nothing where it has none. */
function effectsTable(data, views) {
  const runs = views.filter((view) => view.effects);
  const told = runs.flatMap((view) => view.effects.map((row, place) => ({ view, row, outcome: data.outcomes[place] })));
  const having = told.filter(({ row }) => row);
  const shared = (row, place, least) => {
    if (place === 0 || place >= WITH_SHARE) return "";
    return Math.abs(row[0]) > least ? `${number((100 * row[place]) / row[0], false, 0)} %` : "undefined";
  };
  const head = (text) => make("th", { scope: "col" }, text);
  const heads = having.flatMap(({ view, outcome: [name, unit] }) => [
    head(`${runs.length > 1 ? `${view.name}: ` : ""}${name} (${unit})`),
    head("share of TE"),
  ]);
  const rows = data.quantities.map((name, place) => {
    const texts = having.flatMap(({ row, outcome }) => [number(row[place]), shared(row, place, outcome[2])]);
    const cells = texts.map((text) => make("td", { class: "num" }, text));
    return make("tr", {}, make("th", { scope: "row" }, name), ...cells);
  });
  if (!having.length) return [];
  const above = make("thead", {}, make("tr", {}, head("quantity"), ...heads));
  return [make("table", { class: "table" }, above, make("tbody", {}, ...rows))];
}
