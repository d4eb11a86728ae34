// What every script of the page shares. Text is only ever put in as text: nothing here reads markup.

/** An element with attributes, and children that are elements or text; what is undefined or false is left out. */
function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** A button that does something. */
function button(label, act, attributes = {}) {
  const made = make("button", { type: "button", ...attributes }, label);
  made.addEventListener("click", act);
  return made;
}

/** What a data element of the page holds; undefined where there is none. */
function dataOf(id) {
  const element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : undefined;
}

/** The id of the heading under which an element of the page stands. */
function placeOf(element) {
  const before = (heading) => heading.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING;
  return [...document.querySelectorAll("main :is(h2, h3, h4, h5)[id]")].findLast(before)?.id ?? "mediate";
}

/** Saves text or bytes as a file of the reader's. */
function save(name, content, type) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  make("a", { href: address, download: name }).click();
  URL.revokeObjectURL(address);
}
