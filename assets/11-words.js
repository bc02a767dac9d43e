/* Numbers and ages in plain words: dashboard/text.py says the same on the server. */
(function () {
  "use strict";
  const Puente = window.Puente;

  Puente.number = (value) =>
    value === null || value === undefined ? "–" : Math.round(value).toLocaleString("en-US");

  Puente.age = function (seconds) {
    if (seconds === null || seconds === undefined) return "–";
    const whole = Math.max(0, Math.floor(seconds));
    if (whole < 60) return whole + " s";
    const minutes = Math.floor(whole / 60);
    if (minutes < 60) return minutes + " min";
    const hours = Math.floor(minutes / 60);
    if (hours < 24) return minutes % 60 ? hours + " h " + (minutes % 60) + " min" : hours + " h";
    const days = Math.floor(hours / 24);
    return hours % 24 ? days + " d " + (hours % 24) + " h" : days + " d";
  };

  Puente.plural = (count, one, many) =>
    Puente.number(count) + " " + (count === 1 ? one : many || one + "s");

  /* Creating a formatter costs more than using it a thousand times. */
  const formats = new Map();
  function format(zone, seconds) {
    const key = zone + seconds;
    if (!formats.has(key)) {
      formats.set(
        key,
        new Intl.DateTimeFormat("en-GB", {
          timeZone: zone || undefined,
          hour: "2-digit",
          minute: "2-digit",
          second: seconds ? "2-digit" : undefined,
          hourCycle: "h23",
        }),
      );
    }
    return formats.get(key);
  }

  Puente.timeOfDay = (at, zone, seconds = true) => format(zone, seconds).format(new Date(at));

  /* "CDT", or "UTC−6" where the zone has no name of its own in English. */
  Puente.zoneName = function (at, zone) {
    const parts = new Intl.DateTimeFormat("en-US", {
      timeZone: zone || undefined,
      timeZoneName: "short",
    }).formatToParts(new Date(at));
    const name = (parts.find((part) => part.type === "timeZoneName") || {}).value || "";
    return name.replace("GMT", "UTC").replace("-", "−");
  };
})();
