// Tables: sorted by their headings, searched, shown in pages of rows, and saved as CSV.
const PAGE = 100; // rows that are shown at a time
const SEARCHED = 20; // a table of more rows can be searched
const TIGHT = 32; // characters of a name that is not broken, as on the page
const LONG_NAME = 20; // of one that is broken all the same on a phone
const words = new Intl.Collator("en", { numeric: true });

/** The number that a text begins with, as the page writes numbers; NaN where it begins with none. */
function numberOf(text) {
  const plain = text.replaceAll("\u2212", "-").replace(/,(?=\d{3})/g, "");
  const found = /^\[?\s*([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/.exec(plain);
  return found ? Number(found[1]) : NaN;
}

/** The class that says whether a name is broken, as on the page. */
function breaking(text) {
  if (/\s/.test(text) || text.length > TIGHT) return "loose";
  return text.length > LONG_NAME ? "tight long" : "tight";
}

/** A field of CSV. What a spreadsheet would take for a formula begins with an apostrophe. */
function field(text) {
  const risky = /^[=+\-@\t\r]/.test(text) && !/^[+-]?\d[\d.,]*(e[+-]?\d+)?$/.test(text);
  const safe = risky ? `'${text}` : text;
  return /[",\r\n]/.test(safe) || risky ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The texts of a row, column by column; what spans several stands in each. */
function spread(cells) {
  return [...cells].flatMap((cell) => Array(cell.colSpan).fill(cell.textContent.trim()));
}

/** A row of a table: one that stands there, or one of its data, which becomes an element when it is shown. */
class Row {
  constructor(element, data, looks) {
    Object.assign(this, { element, data, looks });
  }

  get texts() {
    this.kept ??= this.data
      ? this.data.flatMap((cell) => (Array.isArray(cell) ? Array(cell[2]).fill(cell[0]) : [cell]))
      : spread(this.element.cells);
    return this.kept;
  }

  get searched() {
    this.lower ??= this.texts.join("\n").toLowerCase();
    return this.lower;
  }

  get shown() {
    this.element ??= this.#made();
    return this.element;
  }

  #made() {
    let place = 0;
    const cells = this.data.map((cell) => {
      const [text, look, span, channel] = Array.isArray(cell) ? cell : [cell, "", 1, ""];
      const given = [this.looks[place], look, text === "undefined" || text === "no interval" ? "undefined" : ""];
      if (this.looks[place] !== "num") given.push(breaking(text));
      place += span;
      const made = make("td", { class: given.filter(Boolean).join(" ") || false, colspan: span > 1 && span }, text);
      if (channel) made.prepend(make("span", { class: `swatch c-${channel}` }));
      return made;
    });
    return make("tr", {}, ...cells);
  }
}

/** What the page's script adds to a table. */
class Sheet {
  constructor(table, name) {
    Object.assign(this, { table, name, body: table.tBodies[0], page: 0, column: -1, falling: false, kept: [] });
    this.heads = [...(table.tHead?.rows[table.tHead.rows.length - 1].cells ?? [])];
    this.rows = [...this.body.rows].map((row) => new Row(row));
    const rest = table.parentElement.nextElementSibling;
    if (rest?.matches("script.rest")) {
      const { looks, rows } = JSON.parse(rest.textContent);
      this.rows.push(...rows.map((data) => new Row(null, data, looks)));
    }
    this.found = this.rows;
    this.said = make("p", { role: "status" });
    table.parentElement.before(this.#tools());
    if (this.rows.length > 1) this.heads.forEach((head, column) => this.#sortable(head, column));
    this.show();
  }

  #tools() {
    const tools = make("div", { class: "tools" });
    if (this.rows.length > SEARCHED) {
      const box = make("input", { type: "search", placeholder: "Search rows", "aria-label": `Search rows of ${this.name}` });
      box.addEventListener("input", () => this.search(box.value));
      tools.append(box, this.said);
    }
    if (this.rows.length > PAGE) {
      this.back = button("Previous", () => this.turn(-1), { "aria-label": "Previous rows" });
      this.on = button("Next", () => this.turn(1), { "aria-label": "Next rows" });
      tools.append(this.back, this.on);
    }
    tools.append(button("CSV", () => this.save(), { "aria-label": `Save ${this.name} as CSV`, class: "csv" }));
    return tools;
  }

  #sortable(head, column) {
    const name = head.textContent.trim();
    if (!name) return;
    const inner = make("button", { type: "button", class: "sort" }, ...head.childNodes);
    inner.addEventListener("click", () => this.sort(column));
    head.append(inner);
  }

  /** Upwards, downwards, and then as it was. */
  sort(column) {
    if (this.column !== column) Object.assign(this, { column, falling: false });
    else if (!this.falling) this.falling = true;
    else Object.assign(this, { column: -1, falling: false });
    this.heads.forEach((head, place) => {
      if (place === this.column) head.setAttribute("aria-sort", this.falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    this.page = 0;
    this.show();
  }

  search(text) {
    const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.found = this.rows.filter((row) => wanted.every((word) => row.searched.includes(word)));
    this.page = 0;
    this.show();
  }

  turn(by) {
    const page = this.page + by;
    if (page < 0 || page * PAGE >= this.found.length) return;
    this.page = page;
    this.show();
  }

  /** The rows that are asked for in their order; those without a value come last, whichever way. */
  ordered() {
    if (this.column < 0) return this.found;
    const numeric = this.heads[this.column].classList.contains("num");
    const ranks = numeric ? undefined : this.#ranks(this.column);
    const keyed = this.found.map((row) => {
      const text = row.texts[this.column] ?? "";
      const key = numeric ? numberOf(text) : ranks.get(text);
      return { row, key, none: numeric ? Number.isNaN(key) : !text };
    });
    const sign = this.falling ? -1 : 1;
    keyed.sort((a, b) => a.none - b.none || (a.none ? 0 : sign * (a.key - b.key)));
    return keyed.map(({ row }) => row);
  }

  /** The place of each text of a column among all of them; comparing texts takes most of the time, so it is kept. */
  #ranks(column) {
    this.kept[column] ??= new Map(
      [...new Set(this.rows.map((row) => row.texts[column] ?? ""))].sort(words.compare).map((text, place) => [text, place]),
    );
    return this.kept[column];
  }

  show() {
    const begin = this.page * PAGE, rows = this.ordered(), end = Math.min(begin + PAGE, rows.length);
    this.body.replaceChildren(...rows.slice(begin, end).map((row) => this.#opening(row.shown)));
    const all = this.rows.length.toLocaleString("en");
    const count = rows.length === this.rows.length ? `${all} rows` : `${rows.length.toLocaleString("en")} of ${all} rows`;
    this.said.textContent = rows.length > PAGE ? `${(begin + 1).toLocaleString("en")} to ${end.toLocaleString("en")} of ${count}` : count;
    this.back?.setAttribute("aria-disabled", this.page === 0);
    this.on?.setAttribute("aria-disabled", end >= rows.length);
  }

  /** A row whose first cell leads to what it opens, where the page has that. */
  #opening(row) {
    const cell = row.cells[0], opens = this.table.dataset.opens;
    if (!opens || !document.getElementById("explorer") || cell.querySelector("a")) return row;
    const id = cell.textContent;
    const link = make("a", { href: `#${opens}=${encodeURIComponent(id)}` }, id);
    link.addEventListener("click", () => document.dispatchEvent(new CustomEvent(`mediate:open-${opens}`, { detail: { id } })));
    cell.replaceChildren(link);
    return row;
  }

  /** All rows that were found, in their order, as CSV; percentages are numbers, and their heading says so. */
  save() {
    const above = this.table.tHead?.rows.length > 1 ? spread(this.table.tHead.rows[0].cells) : [];
    const plain = (text) => text.replaceAll("\u2212", "-").replaceAll("\u00a0", " ");
    const rows = this.ordered().map((row) => row.texts.map(plain));
    const isShare = (text) => /\d %$/.test(text);
    const shares = this.heads.map((_, place) => {
      const given = rows.map((row) => row[place]).filter((text) => !Number.isNaN(numberOf(text)));
      return given.length > 0 && given.every(isShare);
    });
    const heads = this.heads.map((head, place) => {
      const name = [above[place], head.textContent.trim()].filter(Boolean).join(": ");
      return shares[place] ? `${name} (%)` : name;
    });
    const cell = (text, place) => field(shares[place] ? text.replace(/ %$/, "") : text);
    const lines = [...(heads.some(Boolean) ? [heads.map(field)] : []), ...rows.map((row) => row.map(cell))];
    save(`${this.name}.csv`, lines.map((line) => `${line.join(",")}\r\n`).join(""), "text/csv");
  }
}

const known = new Map();
for (const table of document.querySelectorAll("main table")) {
  const part = placeOf(table), number = (known.get(part) ?? 0) + 1;
  known.set(part, number);
  new Sheet(table, number > 1 ? `${part}-${number}` : part);
}
