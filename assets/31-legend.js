/* The legend is the filter: every state with its shape, its word and how many there are. */
(function () {
  "use strict";
  const Puente = window.Puente, el = Puente.el;

  function toggle(key) {
    const hidden = Puente.filters.hidden;
    if (hidden.has(key)) hidden.delete(key);
    else hidden.add(key);
    Puente.emit("filters");
  }

  function build(host, states) {
    host.replaceChildren(
      el("div", { class: "legend-title" }, "By most urgent state"),
      ...states.map((state) =>
        el(
          "button",
          { class: "legend-item", "data-state": state.key, title: "Show or hide", onclick: () => toggle(state.key) },
          el("span", { class: "shape shape-" + state.key }), el("span", { class: "legend-words" }, state.words), el("span", { class: "legend-count" }),
        ),
      ),
      el("button", { class: "legend-all", onclick: () => {
        Puente.filters.hidden = new Set();
        Puente.emit("filters");
      } }, "Show all"),
    );
  }

  function render() {
    const host = document.getElementById("legend");
    if (!host || !Puente.hello || !Puente.status) return;
    const states = Puente.hello.states;
    if (!host.firstChild) build(host, states);
    states.forEach((state, i) => {
      const item = host.querySelector("[data-state=" + state.key + "]");
      Puente.write(item.querySelector(".legend-count"), Puente.number(Puente.status.shown[i]));
      item.setAttribute("aria-pressed", String(!Puente.filters.hidden.has(state.key)));
    });
    Puente.show(host.querySelector(".legend-all"), Puente.filters.hidden.size);
  }

  for (const name of ["status", "filters", "page"]) Puente.on(name, render);
})();
