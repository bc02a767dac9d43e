/* Dark or light: ?theme= wins, then what this browser used last, then dark. */
(function () {
  "use strict";
  const Puente = window.Puente;
  const KEY = "mantine-color-scheme-value"; // read by the component library as well
  const root = document.documentElement;

  function remembered() {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // a locked-down browser: the theme lives as long as the page
    }
  }

  function apply(theme) {
    root.setAttribute("data-mantine-color-scheme", theme);
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      /* see above */
    }
    Puente.theme = theme;
  }

  const asked = new URLSearchParams(location.search).get("theme");
  const first = [asked, remembered()].find((t) => t === "dark" || t === "light") || "dark";
  apply(first);

  window.dash_clientside = window.dash_clientside || {};
  window.dash_clientside.puente = Object.assign(window.dash_clientside.puente || {}, {
    destination(path, search) {
      return { path, search, theme: Puente.theme };
    },
    theme(clicks) {
      if (clicks) {
        apply(Puente.theme === "dark" ? "light" : "dark");
        Puente.emit("theme", Puente.theme);
      } else {
        apply(Puente.theme);
      }
      return Puente.theme;
    },
  });
})();
