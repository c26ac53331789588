// Before the first paint, so that nobody who chose the dark theme sees a white flash.
const chosen = localStorage.getItem("towpath.theme");
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.theme = chosen === "light" || chosen === "dark" ? chosen : dark ? "dark" : "light";
