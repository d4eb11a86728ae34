// The words of the page's glossary, explained where they are first used in a part of the page: on hover and on focus.
const terms = new Map();
for (const term of document.querySelectorAll("main dt")) {
  const said = term.nextElementSibling.textContent;
  for (const name of term.textContent.split(",")) terms.set(name.trim(), said);
}

const tip = make("div", { class: "tip", id: "tip", role: "tooltip", hidden: true });
document.querySelector("main").append(tip);

function show(over, said) {
  tip.textContent = said;
  tip.hidden = false;
  const { left, bottom } = over.getBoundingClientRect();
  const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
  tip.style.left = `${Math.max(8, Math.min(left, room)) + scrollX}px`;
  tip.style.top = `${bottom + scrollY + 4}px`;
}

function explain(element, said) {
  element.setAttribute("aria-describedby", "tip");
  for (const event of ["mouseenter", "focus"]) element.addEventListener(event, () => show(element, said));
  for (const event of ["mouseleave", "blur"]) element.addEventListener(event, () => (tip.hidden = true));
}
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") tip.hidden = true;
});

/** A term as a button, which a keyboard reaches and a pointer finds; what explains it is read with it. */
function term(name, ...inner) {
  const made = make("button", { type: "button", class: "term" }, ...inner);
  explain(made, terms.get(name));
  return made;
}

// In running text only what is no everyday word: capitals, and names of several words.
const spoken = [...terms.keys()].filter((name) => /^[A-Z]{2,}$|\S\s\S/.test(name)).sort((a, b) => b.length - a.length);
const pattern = new RegExp(`(?<![\\w-])(?:${spoken.map((name) => name.replace(/[^\w\s]/g, "\\$&")).join("|")})(?![\\w-])`, "g");

function markText(element, seen) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), nodes = [];
  while (walker.nextNode()) nodes.push(walker.currentNode);
  for (const node of nodes.filter((each) => !each.parentElement.closest("button, a, code"))) {
    const parts = [];
    let end = 0;
    for (const { 0: name, index } of node.data.matchAll(pattern)) {
      if (seen.has(name)) continue;
      seen.add(name);
      parts.push(node.data.slice(end, index), term(name, name));
      end = index + name.length;
    }
    if (end) node.replaceWith(...parts, node.data.slice(end));
  }
}

function markHead(head, seen) {
  const name = head.textContent.trim();
  if (!terms.has(name) || seen.has(name)) return;
  seen.add(name);
  const sorts = head.querySelector("button");
  if (sorts) explain(sorts, terms.get(name));
  else head.append(term(name, ...head.childNodes));
}

let seen = new Set();
for (const element of spoken.length ? document.querySelectorAll("main :is(h2, p, li, figcaption, th)") : []) {
  if (element.matches("h2")) seen = new Set();
  else if (element.closest("#explorer, .tools, .chain")) continue;
  else if (element.matches("th")) markHead(element, seen);
  else markText(element, seen);
}
