// The viewer of items: one item at a time, its chain coloured by any of its maps, layer by layer and step by step.
// `mediate/report/run/explorer.py` says what its data are. Texts are only ever put in as text.

const MOST = { options: 500, rows: 60, columns: 128, numbers: 8 };
const WORDS = { kv_head: "key-value head", position: "token", result: "result of step", later: "later step" };
const word = (dim) => WORDS[dim] || dim;

function explore(data, root) {
  const state = { item: 0, set: null, at: {}, label: {}, wide: {}, matches: [] };
  const spots = new WeakMap(); // which labels of which view an element shows
  let views = [];

  // What is chosen: the set of maps, and a label on each of its axes; those of the chain are apart, as chains differ.
  const set = () => data.sets[state.set];
  const mapOf = (view) => (state.set === null ? undefined : view.maps.get(state.set));
  const axisOf = (map, dim) => map.labels[set().dims.indexOf(dim)];
  const others = () => set().dims.filter((dim) => dim !== set().axis); // each has a slider
  const rowDim = () => set().axis || set().dims[0];
  const columnDim = () => {
    const dims = set().dims.filter((dim) => dim !== rowDim());
    return dims.includes("layer") ? "layer" : dims[0];
  };
  const labelOf = (dim) => (dim === set().axis ? state.label : state.at)[dim];
  const own = (map, dim, label) => fitted(label, state.wide[dim] ?? axisOf(map, dim), axisOf(map, dim), dim);

  /** Looks up cells of a map: at what is chosen, but for the labels that are given, which are the map's own. */
  function looker(map) {
    const chosen = set().dims.map((dim) => own(map, dim, labelOf(dim)));
    return (given = {}) => valueOf(map, set().dims.map((dim, axis) => given[dim] ?? chosen[axis]));
  }

  /** A number of a map in words, with its share of the item's total effect. */
  function told(view, given = {}) {
    const map = mapOf(view);
    const value = looker(map)(given);
    const where = set().dims.map((dim) => {
      const label = given[dim] ?? own(map, dim, labelOf(dim));
      const text = dim === "position" && view.tokens[label];
      return `${word(dim)} ${label}${text ? ` “${text.trim() || text}”` : ""}`;
    });
    const te = set().outcome === null ? undefined : view.effects?.[set().outcome]?.[0];
    const defined = !Number.isNaN(value) && Math.abs(te) > data.outcomes[set().outcome]?.[2];
    const share = defined ? `, ${number((100 * value) / te, false, 0)} % of TE` : "";
    const worth = map.trust ? ` (an estimate; against exact patching, of this item: ${map.trust})` : "";
    return `${where.join(", ")}: ${number(value, true)}${Number.isNaN(value) ? "" : ` ${set().unit}`}${share}${worth}`;
  }

  // What stands there, from above.
  const field = (name, control, ...more) =>
    make("div", { class: "field" }, make("label", { for: control.id }, name), control, ...more);
  const find = make("input", { type: "search", id: "explorer-find", autocomplete: "off" });
  const items = make("select", { id: "explorer-item" });
  const maps = make("select", { id: "explorer-map" });
  const edges = make("input", { type: "checkbox", id: "explorer-edges" });
  const edgesField = make("div", { class: "field" }, edges, make("label", { for: edges.id }, "edges of the step graph"));
  const matching = make("span", { role: "status", class: "small" });
  const heading = make("h3", { id: "explorer-heading", tabindex: "-1" });
  const sliders = make("div", { class: "controls" });
  const [about, legend, reading, fed] = ["small", "small scale", "reading", "small"].map((look) => make("p", { class: look }));
  reading.setAttribute("role", "status");
  const columns = make("div", { class: "views" });
  const effects = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Effects of the item" });
  const tip = make("div", { class: "tip", "aria-hidden": "true", hidden: true });
  root.className = "explorer";
  root.append(
    make("div", { class: "controls" }, field("Find an item", find, matching), field("Item", items),
      button("Previous item", () => leaf(-1)), button("Next item", () => leaf(1))),
    heading,
    make("div", { class: "controls" }, field("Map", maps), sliders, edgesField),
    about, legend, reading, fed, columns, effects, ...data.notes.map((note) => make("p", { class: "small" }, note)), tip,
  );

  function fill() {
    const wanted = find.value.trim().toLowerCase();
    const said = ([id, group, condition, [[question, answer]]]) => [id, group, condition, question, answer].join("\n");
    state.matches = [...data.items.keys()].filter((each) => said(data.items[each]).toLowerCase().includes(wanted));
    const few = around(state.matches, Math.max(0, state.matches.indexOf(state.item)), MOST.options);
    items.replaceChildren(...few.map((each) => make("option", { value: each }, data.items[each][0])));
    items.value = String(state.item);
    matching.textContent = wanted ? `${state.matches.length} of ${data.items.length} items` : "";
  }

  function leaf(by) {
    const next = state.matches[state.matches.indexOf(state.item) + by];
    if (next !== undefined) open(next, {}, true);
  }

  /** Shows an item, with map, layer and step as they are as far as it has them; `noted`: and says so in the address. */
  function open(each, given = {}, noted = false) {
    state.item = each;
    if (![...items.options].some((option) => option.value === String(each))) find.value = "";
    fill();
    const [id, group, condition, worlds] = data.items[each];
    views = worlds.map(viewOf);
    const about = ` group ${group}${condition ? `, ${condition}` : ""}; item ${each + 1} of ${data.items.length}`;
    heading.replaceChildren("Item ", make("bdi", {}, id), make("span", { class: "small" }, about));
    columns.replaceChildren(...views.map(column));
    mark();
    const there = [...data.sets.keys()].filter((place) => views.some((view) => view.maps.has(place)));
    maps.replaceChildren(...there.map((place) => make("option", { value: place }, data.sets[place].name)));
    maps.disabled = !there.length;
    const asked = there.find((place) => [data.sets[place].name, data.sets[place].name.split(":")[0]].includes(given.map));
    choose(asked ?? (there.includes(state.set) ? state.set : there[0]) ?? null, given);
    effects.replaceChildren(...effectsTable(data, views));
    if (noted) address();
  }

  /** Takes a set of maps, and on its axes the labels that are given, were chosen before, or have the largest effects. */
  function choose(which, given = {}) {
    state.set = which;
    sliders.replaceChildren();
    if (which !== null) {
      maps.value = String(which);
      const having = views.map(mapOf).filter(Boolean);
      const longest = (dim) => having.map((map) => axisOf(map, dim)).sort((a, b) => sizeOf(b) - sizeOf(a))[0];
      state.wide = Object.fromEntries(set().dims.map((dim) => [dim, longest(dim)]));
      for (const dim of others()) {
        const labels = listed(state.wide[dim]);
        const usual = ["result", "later"].includes(dim) ? labels.at(-1) : set().at[dim];
        state.at[dim] = [given[dim], state.at[dim], usual, ...labels].find((label) => labels.includes(label));
      }
      state.label = {};
      if (set().axis) strongest(having[0]);
      sliders.append(...others().map(slider));
    }
    for (const view of views) dress(view);
    draw();
  }

  /** Chooses the step or token with the largest effect. */
  function strongest(map) {
    const dim = set().axis;
    const value = looker(map);
    const sizes = listed(axisOf(map, dim)).map((label) => [Math.abs(value({ [dim]: label })) || 0, label]);
    state.label = { [dim]: sizes.reduce((best, one) => (one[0] > best[0] ? one : best), [-1, 0])[1] };
  }

  function slider(dim) {
    const labels = listed(state.wide[dim]);
    const range = make("input", { type: "range", id: `explorer-${dim}`, min: 0, max: labels.length - 1 });
    range.disabled = labels.length < 2;
    range.addEventListener("input", () => take({ [dim]: labels[range.value] }));
    return field(word(dim), range, make("output", { for: range.id }));
  }

  /** Takes labels on axes of the map, and shows what is there. */
  function take(given) {
    for (const [dim, label] of Object.entries(given)) (dim === set().axis ? state.label : state.at)[dim] = label;
    draw();
    address();
  }

  /** One world of the item or one run of it: its question, chain, cue and answer, and its map. */
  function column(view, place) {
    const named = data.views[place];
    view.name = named.name;
    const runs = [];
    view.parts = view.tokens.map((token, each) => {
      const states = view.states?.[0] === each;
      const title = view.states?.[1] ? "states the answer" : "first occurrence of the answer";
      const part = make("span", { id: `explorer-${place}-token-${each}`, title: states && title }, token);
      part.look = `token${states ? ` states${view.states[1] ? "" : " occurs"}` : ""}`;
      if (runs.at(-1)?.step !== view.steps[each]) runs.push({ step: view.steps[each], parts: [], begin: each });
      runs.at(-1).parts.push(part);
      return part;
    });
    view.runs = runs.map((run, each) => {
      const badge = make("b", {}, String(run.step));
      return { ...run, badge, span: make("span", { id: `explorer-${place}-step-${each}` }, badge, ...run.parts) };
    });
    view.chain = make("p", { class: "chain", dir: "auto", tabindex: "0" }, ...view.runs.map((run) => run.span));
    view.chain.addEventListener("keydown", (event) => move(event, view, onwards(view.chain), ["ArrowUp", "ArrowDown"]));
    view.grid = make("table", { class: "grid", role: "grid", tabindex: "0" });
    view.grid.addEventListener("keydown", (event) => move(event, view, ["ArrowUp", "ArrowDown"], ["ArrowLeft", "ArrowRight"]));
    view.caption = make("p", { class: "small" });
    const say = (name, text) => [make("h5", {}, name), make("p", { dir: "auto" }, text)];
    const cue = named.cue ? make("bdi", { class: "small" }, `${named.cue} `) : "";
    return make("section", { "aria-label": named.name }, make("h4", {}, make("bdi", {}, named.name)),
      ...say("question", view.question), make("h5", {}, "chain of thought"), view.chain,
      make("h5", {}, "answer"), make("p", {}, cue, make("bdi", {}, view.answer)), view.caption, make("div", { class: "box" }, view.grid));
  }

  /** Marks the tokens in which two worlds differ, in the steps that have as many of them in both. */
  function mark() {
    const [first, second] = views;
    for (const run of second?.runs ?? []) {
      const other = first.runs.find((each) => each.step === run.step);
      if (other?.parts.length !== run.parts.length) continue;
      run.parts.forEach((part, each) => {
        if (part.textContent !== other.parts[each].textContent) part.look += " differs";
        if (part.look.endsWith("differs")) other.parts[each].look += " differs";
      });
    }
  }

  /** Says what can be chosen in a chain: steps, tokens, or nothing. */
  function dress(view) {
    const axis = mapOf(view) && set().axis;
    const role = (element, name) => (name ? element.setAttribute("role", name) : element.removeAttribute("role"));
    role(view.chain, axis ? "listbox" : "group");
    view.chain.setAttribute("aria-label", `Chain of thought, ${view.name}${axis ? `, ${word(axis)}s` : ""}`);
    if (axis) view.chain.setAttribute("aria-orientation", "horizontal");
    else for (const name of ["aria-orientation", "aria-activedescendant"]) view.chain.removeAttribute(name);
    for (const run of view.runs) {
      role(run.span, axis === "step" ? "option" : axis ? "group" : "");
      if (axis === "position") run.span.setAttribute("aria-label", `step ${run.step}`);
      else run.span.removeAttribute("aria-label");
      run.span.removeAttribute("aria-selected");
      spots.delete(run.span);
      if (axis === "step") spots.set(run.span, { view, given: { step: run.step } });
    }
    view.parts.forEach((part, each) => {
      role(part, axis === "position" ? "option" : "");
      part.removeAttribute("aria-selected");
      spots.delete(part);
      if (axis === "position") spots.set(part, { view, given: { position: each } });
    });
  }

  /** The keys that go back and on in a text, as it is read: to the right, or of Arabic and Hebrew to the left. */
  function onwards(text) {
    const keys = ["ArrowLeft", "ArrowRight"];
    return getComputedStyle(text).direction === "rtl" ? keys.reverse() : keys;
  }

  /** Moves along the rows or the columns of a map. */
  function move(event, view, ofRows, ofColumns) {
    const keys = ofRows.includes(event.key) ? ofRows : ofColumns;
    if (!mapOf(view) || !keys.includes(event.key)) return;
    const dim = keys === ofRows ? rowDim() : columnDim();
    event.preventDefault();
    if (!dim) return;
    const labels = listed(state.wide[dim]);
    const next = labels[labels.indexOf(labelOf(dim)) + (keys.indexOf(event.key) ? 1 : -1)];
    if (next !== undefined) take({ [dim]: next });
  }

  /** Shows what is chosen: colours, maps, and the number in words. */
  function draw() {
    const having = views.map(mapOf).filter(Boolean);
    const [map] = having;
    for (const dim of map ? others() : []) {
      const range = document.getElementById(`explorer-${dim}`);
      range.value = listed(state.wide[dim]).indexOf(state.at[dim]);
      range.setAttribute("aria-valuetext", `${word(dim)} ${state.at[dim]}`);
      range.nextSibling.textContent = state.at[dim];
    }
    for (const view of views) {
      paint(view);
      lay(view);
    }
    for (const view of views) for (const box of [view.chain, view.grid.parentNode]) keepInSight(box);
    about.textContent = map ? `Colours: ${set().words}. ${set().caution}` : "No map of this item: its chain has no colour.";
    reading.textContent = views.filter(mapOf).map((view) => `${views.length > 1 ? `${view.name}: ` : ""}${told(view)}`).join("; ");
    legend.replaceChildren(...(map ? scaleOf(set(), having, data.ends) : []));
    connect();
  }

  const chosenStep = (view) => {
    if (state.set === null) return undefined;
    return set().axis === "position" ? view.steps[state.label.position] : state.label.step;
  };

  function paint(view) {
    const map = mapOf(view);
    const axis = map && set().axis;
    const value = map && looker(map);
    const step = chosenStep(view);
    const shade = (found) => ` ${shadeOf(found, set().limit)}`;
    for (const run of view.runs) {
      const effect = axis === "step" ? value({ step: run.step }) : NaN;
      dye(run.span, `step${axis === "step" ? shade(effect) : " e0"}${run.step === step ? " chosen" : ""}`);
      // What stands there already is left: a chain of thousands of tokens takes long to be set anew.
      const said = Number.isNaN(effect) ? "" : ` ${number(effect, true)}`;
      if (run.said !== said) run.badge.replaceChildren(String(run.step), ...(said ? [make("i", {}, said)] : []));
      run.said = said;
    }
    view.parts.forEach((part, each) => {
      const own = axis === "position" ? shade(value({ position: each })) : "";
      dye(part, part.look + own + (own && each === state.label.position ? " chosen" : ""));
    });
    const chosen = axis === "position" ? view.parts[state.label.position] : view.runs.find((run) => run.step === step)?.span;
    if (axis) select(view.chain, chosen);
  }

  /** Says which of the parts of a chain or of a map is chosen. */
  function select(whole, part) {
    whole.querySelector('[aria-selected="true"]')?.removeAttribute("aria-selected");
    part?.setAttribute("aria-selected", "true");
    if (part) whole.setAttribute("aria-activedescendant", part.id);
    else whole.removeAttribute("aria-activedescendant");
  }

  /** Lays out a map: a row a step or token, a column a layer; of many, those around what is chosen. */
  function lay(view) {
    const map = mapOf(view);
    view.grid.hidden = !map;
    view.caption.textContent = map || !view.effects || state.set === null ? "" : "no such map of this run, so no colour";
    if (!map) return;
    const [down, across] = [rowDim(), columnDim()];
    const part = (dim, most, from) => {
      const all = dim ? listed(axisOf(map, dim)) : [undefined];
      const some = around(all, Math.max(0, all.indexOf(dim && own(map, dim, labelOf(dim)))), most, from);
      return [some, all.length, all.indexOf(some[0])];
    };
    // What is there already stays as long as it holds what is chosen: of long chains, rows are made anew rarely.
    const before = view.laid?.set === state.set ? view.laid : undefined;
    const [[rows, allRows, top], [over, allColumns, left]] = [
      part(down, MOST.rows, before?.top), part(across, MOST.columns, before?.left),
    ];
    const fixed = set().dims.filter((dim) => dim !== down && dim !== across).map(labelOf).join();
    if (!before || before.top !== top || before.left !== left || before.fixed !== fixed) {
      view.laid = { set: state.set, top, left, fixed, cells: gridOf(view, map, down, across, rows, over) };
      const some = [[rows, allRows, down], [over, allColumns, across]].filter(([few, all]) => few.length < all);
      view.limits = some.map(([few, all, dim]) => `${word(dim)}s ${few[0]} to ${few.at(-1)} of ${all}`).join("; ");
    }
    view.caption.textContent = view.limits;
    const at = [own(map, down, labelOf(down)), across && own(map, across, labelOf(across))];
    select(view.grid, view.laid.cells.get(at.join()));
  }

  /** Makes the rows of a map, and returns its cells by their labels. */
  function gridOf(view, map, down, across, rows, over) {
    const value = looker(map);
    const bare = over.length > MOST.numbers;
    const every = Math.ceil(over.length / (bare ? MOST.numbers : MOST.numbers + 1));
    const head = (label, off) => make("th", { scope: "col", class: off && "off" }, String(label ?? set().noun));
    const heads = over.map((label, each) => head(label, each % every > 0));
    const corner = make("th", { scope: "col" }, `${word(down)}${across ? ` \\ ${word(across)}` : ""}`);
    const cells = new Map();
    const says = (row) => (down === "position" && view.tokens[row] ? `${row} ${view.tokens[row].trim()}` : String(row));
    const body = rows.map((row) => make("tr", {}, make("th", { scope: "row" }, says(row)), ...over.map((label) => {
      const given = { [down]: row, ...(across && { [across]: label }) };
      const found = value(given);
      const cell = make("td", { id: `${view.chain.id}-${row}-${label ?? 0}`, class: shadeOf(found, set().limit) });
      if (bare || Number.isNaN(found)) cell.setAttribute("aria-label", number(found, true));
      else cell.textContent = number(found, true);
      spots.set(cell, { view, given });
      cells.set([row, label].join(), cell);
      return cell;
    })));
    view.grid.className = bare ? "grid bare" : "grid";
    view.grid.setAttribute("aria-label", `${set().name} of ${view.name}`);
    view.grid.replaceChildren(make("thead", {}, make("tr", {}, corner, ...heads)), make("tbody", {}, ...body));
    return cells;
  }

  /** Draws the edges of the step graph into and out of the chosen step, and tells them. */
  function connect() {
    const [view] = views;
    const graphs = [...view.maps.keys()].filter((place) => data.sets[place].dims.join() === "step,result");
    const which = graphs.includes(state.set) ? state.set : graphs[0];
    edgesField.hidden = which === undefined;
    view.chain.querySelector("svg")?.remove();
    view.chain.classList.toggle("linked", which !== undefined && edges.checked);
    fed.textContent = "";
    const step = chosenStep(view);
    if (which === undefined || !edges.checked || step === undefined) return;
    const [into, out] = edgesAt(view.maps.get(which), step);
    const say = (verb, all, end) => `${verb} ${all.map((edge) => `step ${edge[end]} (${number(edge.value, true)})`).join(", ")}`;
    const parts = [into.length && say("is fed by", into, "from"), out.length && say("feeds", out, "to")].filter(Boolean);
    fed.textContent = `${data.sets[which].name}: step ${step} ${parts.join(" and ") || `has no edges of ${LEAST_EDGE} or more`}.`;
    view.chain.append(arcsOver(view, [...into, ...out], data.sets[which].limit));
  }

  // The address of what is shown: #item=ID&map=KIND:AXES&layer=N.
  function address() {
    const told = new URLSearchParams({ item: data.items[state.item][0], ...(state.set !== null && { map: set().name, ...state.at }) });
    history.replaceState(null, "", `#${told}`);
  }

  /** Opens the item that an address or another part of the page names, and goes there. */
  function goTo(given) {
    const found = data.items.findIndex(([id]) => id === given.item);
    if (found < 0) return;
    const { item, map, ...labels } = given;
    const numbers = Object.entries(labels).map(([dim, label]) => [dim, Number(label)]);
    open(found, { map, ...Object.fromEntries(numbers) });
    root.scrollIntoView();
    heading.focus({ preventScroll: true });
  }
  const addressed = () => {
    const given = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
    if (given.item === data.items[state.item][0] && !given.map) address();
    else if (given.item !== undefined) goTo(given);
  };

  const spotOf = (event) => {
    let at = event.target;
    while (at && at !== columns && !spots.has(at)) at = at.parentNode;
    return spots.get(at);
  };
  columns.addEventListener("click", (event) => {
    const spot = spotOf(event);
    if (!spot) return;
    const wide = (dim, label) => fitted(label, axisOf(mapOf(spot.view), dim), state.wide[dim], dim);
    take(Object.fromEntries(Object.entries(spot.given).map(([dim, label]) => [dim, wide(dim, label)])));
  });
  columns.addEventListener("pointermove", (event) => {
    const spot = spotOf(event);
    tip.hidden = !spot;
    if (!spot) return;
    tip.textContent = told(spot.view, spot.given);
    const most = document.documentElement.clientWidth - tip.offsetWidth - 4;
    tip.style.left = `${Math.max(4, Math.min(event.clientX + 14, most))}px`;
    tip.style.top = `${event.clientY + 18}px`;
  });
  columns.addEventListener("pointerleave", () => { tip.hidden = true; });
  find.addEventListener("input", fill);
  find.addEventListener("keydown", ({ key }) => key === "Enter" && state.matches.length && open(state.matches[0], {}, true));
  items.addEventListener("change", () => open(Number(items.value), {}, true));
  maps.addEventListener("change", () => { choose(Number(maps.value)); address(); });
  edges.addEventListener("change", connect);
  addEventListener("resize", connect);
  addEventListener("hashchange", addressed);
  document.addEventListener("mediate:open-item", (event) => { goTo({ item: event.detail.id }); address(); });
  open(0);
  addressed();
}
const explored = dataOf("explorer-data");
if (explored?.items.length) explore(explored, document.getElementById("explorer"));
