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
