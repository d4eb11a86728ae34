// What a page can do beside being read. Without it, everything is there; nothing here fetches or evaluates anything.
document.documentElement.classList.add("scripted");
