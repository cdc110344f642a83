// Before the first paint: the theme chosen here last, else the system's.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem("tallystick.theme");
  } catch {
    chosen = null;
  }
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("dark", dark);
})();
