// What a page can do beside being read. Without it everything is there; nothing here fetches or evaluates anything.
const root = document.documentElement;
root.classList.add("scripted");

// Light and dark: as the reader's system has it, until the switch says otherwise; forgotten when the page is closed.
const dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
const theme = button("", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  name();
}, { class: "theme" });
function name() {
  theme.textContent = isDark() ? "Light" : "Dark";
  theme.setAttribute("aria-label", isDark() ? "Show in light colours" : "Show in dark colours");
}
dark.addEventListener("change", name);
name();
document.querySelector("header").append(theme);

// The contents are a list at the side, or where there is little room a line that opens.
if (matchMedia("(max-width: 40rem)").matches) document.querySelector("#contents details").open = false;

// A folded part opens for a link into it, and all of them for print.
function unfold() {
  const target = document.getElementById(location.hash.slice(1));
  if (!target) return;
  for (let each = target; (each = each.parentElement?.closest("details")); ) each.open = true;
  const own = target.nextElementSibling;
  if (target.matches("h2, h3, h4, h5") && own?.matches("details")) own.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", unfold);
unfold();

let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("main details:not([open])")];
  for (const each of folded) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of folded) each.open = false;
});

// Each figure as the file that it is.
for (const figure of document.querySelectorAll("figure")) {
  const image = figure.querySelector("img"), file = `${figure.id.replace(/^figure-/, "")}.svg`;
  const saved = () => save(file, Uint8Array.from(atob(image.src.split(",")[1]), (char) => char.charCodeAt(0)), "image/svg+xml");
  figure.querySelector("figcaption").append(" ", button("SVG", saved, { "aria-label": `Save this figure as ${file}` }));
}

// A table that is wider than its place is scrolled by keyboard too.
const watch = new ResizeObserver((seen) => {
  for (const { target } of seen) {
    const wide = target.scrollWidth > target.clientWidth + 1;
    for (const [name, value] of Object.entries({ tabindex: "0", role: "group", "aria-label": `Table, scrolls sideways: ${placeOf(target)}` })) {
      if (wide) target.setAttribute(name, value);
      else target.removeAttribute(name);
    }
  }
});
for (const each of document.querySelectorAll(".scroll")) watch.observe(each);
