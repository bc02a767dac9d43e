/* The pages behind the map: ages that count on, cells of tables, filters in the URL.
   Nothing here builds HTML from text: whatever a device said is a text node. */
(function () {
  "use strict";

  /* ---- Puente's clock: what the server said it was, moved on by the steady clock ---- */
  const clock = { now: null, rate: 1, at: 0, mark: null };

  function rebase() {
    const mark = document.querySelector(".pg-clock");
    if (!mark) return;
    const said = mark.dataset.now + "/" + mark.dataset.rate;
    if (clock.mark === said) return;
    clock.mark = said;
    clock.now = Number(mark.dataset.now);
    clock.rate = Number(mark.dataset.rate) || 1;
    clock.at = performance.now();
  }

  function now() {
    if (clock.now === null) rebase();
    if (clock.now === null) return Date.now();
    return clock.now + (performance.now() - clock.at) * clock.rate;
  }

  function span(seconds) {
    const s = Math.max(0, Math.floor(seconds));
    if (s < 60) return s + " s";
    const m = Math.floor(s / 60);
    if (m < 60) return m + " min";
    const h = Math.floor(m / 60), rest = m % 60;
    if (h < 24) return rest ? h + " h " + rest + " min" : h + " h";
    const d = Math.floor(h / 24), hours = h % 24;
    return hours ? d + " d " + hours + " h" : d + " d";
  }

  function zoned(at, zone, name) {
    const parts = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
      second: "2-digit", hourCycle: "h23", timeZoneName: "longOffset",
    }).formatToParts(new Date(at)).reduce((all, p) => ({ ...all, [p.type]: p.value }), {});
    const offset = (parts.timeZoneName || "GMT").replace("GMT", "") || "+00:00";
    return parts.day + " " + parts.month + " " + parts.hour + ":" + parts.minute + ":" +
      parts.second + " " + offset.replace("-", "−") + " " + name;
  }

  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;

  function zones(at) {
    if (at === null || at === undefined) return null;
    const lines = [["UTC", "UTC"], ["America/Chicago", "Chicago"],
      ["America/Mexico_City", "Mexico City"]];
    if (here && !lines.some((l) => l[0] === here)) lines.push([here, "this computer"]);
    return lines.map((l) => zoned(at, l[0], l[1])).join("  ·  ");
  }

  function tick() {
    rebase();
    const t = now();
    for (const element of document.querySelectorAll("[data-age]")) {
      const words = span((t - Number(element.dataset.age)) / 1000) + " ago";
      if (element.textContent !== words) element.textContent = words;
    }
    for (const element of document.querySelectorAll("[data-due]")) {
      const left = (Number(element.dataset.due) - t) / 1000;
      const words = left >= 0 ? "due in " + span(left) : "overdue by " + span(-left);
      if (element.textContent !== words) element.textContent = words;
      element.classList.toggle("pg-due--over", left < 0);
    }
  }
  setInterval(tick, 1000);

  /* Ages in tables: a minute's precision needs no refresh every second. */
  setInterval(function () {
    if (document.hidden || !window.dash_ag_grid) return;
    for (const id of ["alerts-grid", "shipments-grid", "devices-grid"]) {
      if (!document.getElementById(id)) continue;
      try {
        window.dash_ag_grid.getApiAsync(id).then(function (api) {
          const columns = api.getColumns() || [];
          const ages = columns.filter((c) => String(c.getColDef().cellClass).includes("pg-age"));
          if (ages.length) api.refreshCells({ columns: ages, force: true });
        }).catch(function () {});
      } catch (error) { /* the grid went with its page */ }
    }
  }, 5000);

  /* ---- words and cells of tables ---- */
  const functions = (window.dashAgGridFunctions = window.dashAgGridFunctions || {});
  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const two = (n) => String(n).padStart(2, "0");

  functions.pgAge = (at) => (at === null || at === undefined ? "never" : span((now() - at) / 1000));
  functions.pgInstant = function (at) {
    if (at === null || at === undefined) return "–";
    const d = new Date(at);
    return d.getUTCDate() + " " + MONTHS[d.getUTCMonth()] + " " + two(d.getUTCHours()) + ":" +
      two(d.getUTCMinutes()) + ":" + two(d.getUTCSeconds());
  };
  functions.pgMinute = function (at) {
    const whole = functions.pgInstant(at);
    return whole === "–" ? whole : whole.slice(0, -3);
  };
  functions.pgZones = zones;
  functions.pgSpan = (at) => span((now() - at) / 1000);

  /* The board's filters: facts for the tiles, as in dashboard/queries/board.py. */
  const board = { state: "", carrier: "", crossing: "", words: [], tile: "" };
  const TILES = {
    all: () => true,
    alerts: (d) => !!d.alert_id,
    off_route: (d) => !!d.off_route,
    stopped: (d) => d.stopped_at !== null && d.stopped_at !== undefined,
    at_border: (d) => d.place === "At the border",
    temperature: (d) => d.band_side === "low" || d.band_side === "high",
    seal: (d) => d.seal === "tampered" || d.seal === "unsealed_unauthorised",
    silent: (d) => !!d.silent,
    not_heard: (d) => d.state === "not_heard",
  };
  functions.pgBoardFiltered = () => !!(board.state || board.carrier || board.crossing ||
    board.words.length || (board.tile && board.tile !== "all"));
  functions.pgBoardPasses = function (params) {
    const d = params.data || (params.node && params.node.data) || {};
    if (board.state && d.state !== board.state) return false;
    if (board.carrier && d.carrier !== board.carrier) return false;
    if (board.crossing && d.crossing !== board.crossing) return false;
    if (board.tile && TILES[board.tile] && !TILES[board.tile](d)) return false;
    if (!board.words.length) return true;
    const hay = [d.id, d.carrier, d.route_words, d.route, d.crossing, d.alert_title, d.sector]
      .join(" ").toLowerCase();
    return board.words.every((w) => hay.includes(w));
  };

  function filterBoard() {
    for (const tile of document.querySelectorAll(".pg-tile")) {
      const name = [...tile.classList].find((c) => c.startsWith("pg-tile--")).slice(9);
      tile.setAttribute("aria-pressed", String(!!board.tile && name === board.tile));
    }
    if (!window.dash_ag_grid) return;
    window.dash_ag_grid.getApiAsync("shipments-grid").then(function (api) {
      api.onFilterChanged();
    }).catch(function () {});
  }
  functions.pgNumber = function (value, digits, unit) {
    if (value === null || value === undefined) return "–";
    const words = Number(value).toLocaleString("en-US", {
      minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
    return unit ? words + " " + unit : words;
  };

  const cells = (window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {});
  const el = (...args) => window.React.createElement(...args);
  const SEVERITY = ["info", "low", "medium", "high", "critical"];
  const PRIORITY = ["info", "P4", "P3", "P2", "P1"];
  const WORDS = ["Info", "Low", "Medium", "High", "Critical"];

  function go(event, href) {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey ||
        event.shiftKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    window.history.pushState({}, "", href);
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
    window.scrollTo(0, 0);
  }

  function link(href, text, className) {
    return el("a", { href: href, className: className || "pg-link",
      onClick: (event) => go(event, href) }, text);
  }

  function severity(rank, words) {
    return el("span", { className: "pg-sev pg-sev--" + SEVERITY[rank], title: WORDS[rank] },
      el("i", { className: "pg-shape" }), words);
  }

  cells.PgSeverity = (p) => (p.value === null || p.value === undefined ? null
    : severity(p.value, PRIORITY[p.value] + " " + WORDS[p.value]));
  cells.PgShipment = (p) => (p.value
    ? link("/shipments/" + encodeURIComponent(p.value), p.value) : el("span", {}, "–"));
  cells.PgLate = (p) => (p.value ? el("span", { className: "pg-late",
    title: "We learned of it " + span((p.data.learned_at - p.data.occurred_at) / 1000) +
      " after it happened" }, "LATE") : null);
  cells.PgAlertState = (p) => el("span",
    { className: "pg-state pg-state--" + p.data.state }, p.value);
  cells.PgShipmentState = (p) => el("span",
    { className: "pg-vehicle pg-vehicle--" + p.data.state }, el("i", { className: "pg-dot" }),
    p.value, p.data.place && p.data.place !== p.value
      ? el("small", {}, " " + p.data.place.toLowerCase()) : null);
  cells.PgProgress = function (p) {
    if (p.value === null || p.value === undefined) return el("span", { className: "pg-muted" }, "–");
    const percent = Math.round(Math.max(0, Math.min(1, p.value)) * 100);
    return el("span", { className: "pg-progress", role: "img",
      "aria-label": percent + " % of the route" },
      el("span", { className: "pg-progress-bar" },
        el("i", { style: { width: percent + "%" } })),
      el("span", { className: "pg-num" }, percent + " %"));
  };
  cells.PgTemperature = function (p) {
    const d = p.data, has = d.temperature_c !== null && d.temperature_c !== undefined;
    if (d.band_low_c === null || d.band_low_c === undefined) {
      return el("span", { className: "pg-num" }, has ? functions.pgNumber(d.temperature_c, 1, "°C") : "–");
    }
    const mark = d.band_side === "high" ? "▲ " : d.band_side === "low" ? "▼ " : "";
    return el("span", { className: "pg-num pg-temp pg-temp--" + (d.band_side || "none"),
      title: d.band_side === "high" ? "above its band" : d.band_side === "low" ? "below its band"
        : d.band_side === "in" ? "inside its band" : "no temperature yet" },
      has ? mark + functions.pgNumber(d.temperature_c, 1, "°C") : "–",
      el("small", {}, " " + functions.pgNumber(d.band_low_c, 0) + " to " +
        functions.pgNumber(d.band_high_c, 0)));
  };
  cells.PgSeal = (p) => el("span", { className: "pg-seal pg-seal--" + p.data.seal }, p.value);
  cells.PgWorst = function (p) {
    const d = p.data;
    if (!d.alert_id) return el("span", { className: "pg-muted" }, "–");
    return el("span", { className: "pg-row" }, severity(d.alert_rank, PRIORITY[d.alert_rank]),
      link("/alerts/" + encodeURIComponent(d.alert_id), d.alert_title),
      d.alerts > 1 ? el("small", {}, "+" + (d.alerts - 1)) : null);
  };
  cells.PgBound = (p) => (p.value ? link("/shipments/" + encodeURIComponent(p.value), p.value)
    : el("span", { className: "pg-flag pg-flag--hollow" }, "UNASSIGNED"));
  cells.PgSilent = (p) => (p.value
    ? el("span", { className: "pg-flag pg-flag--silent" }, "SILENT") : el("span", {}, "heard"));

  /* ---- filters in the URL: replaced in place, so the page is not laid out again ---- */
  function url(values) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(values)) {
      const text = Array.isArray(value) ? value.join(",") : value;
      if (text !== null && text !== undefined && text !== "") query.set(name, text);
    }
    const said = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
    const href = window.location.pathname + (said ? "?" + said : "");
    if (href !== window.location.pathname + window.location.search) {
      window.history.replaceState(window.history.state, "", href);
    }
    return href;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    puentePages: {
      alertsUrl: (state, severity, kind, q, alert) => url({
        state: state === "open" ? "" : state, severity: severity, kind: kind, q: q, alert: alert }),
      shipmentsUrl: function (state, carrier, crossing, q, tile) {
        Object.assign(board, { state: state || "", carrier: carrier || "",
          crossing: crossing || "", tile: tile === "all" ? "" : tile || "",
          words: (q || "").toLowerCase().split(/\s+/).filter(Boolean) });
        filterBoard();
        return url({ state: state, carrier: carrier, crossing: crossing, q: q,
          tile: tile === "all" ? "" : tile });
      },
      pickTile: function (_clicks, held) {
        const pressed = window.dash_clientside.callback_context.triggered_id;
        if (!pressed || !window.dash_clientside.callback_context.triggered[0].value) {
          return window.dash_clientside.no_update;
        }
        return pressed.name === held || pressed.name === "all" ? "" : pressed.name;
      },
      devicesUrl: (show, q) => url({ show: show === "all" ? "" : show, q: q }),
      shipmentUrl: function (hours) {
        if (!hours) return [window.dash_clientside.no_update, window.dash_clientside.no_update];
        return [url({ hours: hours === "24" ? "" : hours }), ""];
      },
    },
  });
})();
