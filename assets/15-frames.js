/* The live channel: reads frames (dashboard/live/frames.py) and messages (messages.py),
   reconnects with growing, jittered pauses of 1 to 30 s, and resyncs when a hidden tab wakes. */
(function () {
  "use strict";
  const Puente = window.Puente;
  const HEADER = 32, MAGIC = 0x45544e50 /* "PNTE" */, VERSION = 1;
  const PROTOCOL = 1;

  const link = (Puente.link = {
    socket: null,
    open: false,
    attempts: 0,
    retryAt: null, // performance.now() of the next attempt
    frameAt: null, // performance.now() of the newest frame
    frames: 0,
    synced: false, // a whole picture has arrived on this connection
    startedAt: performance.now(),
  });
  let watching = "[]";
  let timer = null;

  Puente.readFrame = function (buffer) {
    const view = new DataView(buffer);
    if (view.getUint32(0, true) !== MAGIC || view.getUint16(4, true) !== VERSION) {
      throw new Error("a frame of another version: reload the page");
    }
    const n = view.getUint32(8, true);
    let offset = HEADER;
    const column = (type) => {
      const values = new type(buffer, offset, n);
      offset += values.byteLength;
      return values;
    };
    return {
      n,
      sequence: view.getUint32(12, true),
      clock: view.getFloat64(16, true),
      attributes: view.getUint32(24, true),
      lon: column(Float32Array),
      lat: column(Float32Array),
      age: column(Uint16Array),
      heading: column(Uint8Array),
      state: column(Uint8Array),
      flags: column(Uint8Array),
      speed: column(Uint8Array),
    };
  };

  function connect() {
    clearTimeout(timer);
    link.retryAt = null;
    const scheme = location.protocol === "https:" ? "wss://" : "ws://";
    const socket = (link.socket = new WebSocket(scheme + location.host + "/live"));
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      link.open = true;
      watching = "[]";
      watch();
    };
    socket.onmessage = (event) => {
      if (socket !== link.socket) return;
      if (typeof event.data === "string") message(JSON.parse(event.data));
      else frame(event.data);
    };
    socket.onclose = () => {
      if (socket !== link.socket) return;
      link.open = link.synced = false;
      const pause = Math.min(30, 2 ** link.attempts) * 1000 * (0.5 + Math.random() / 2);
      link.attempts += 1;
      link.retryAt = performance.now() + Math.max(1000, pause);
      timer = setTimeout(connect, Math.max(1000, pause));
      Puente.emit("link");
    };
  }

  function frame(buffer) {
    Puente.fleet = Puente.readFrame(buffer);
    link.frameAt = performance.now();
    link.frames += 1;
    link.attempts = 0;
    Puente.emit("frame", Puente.fleet);
  }

  function message(said) {
    if (said.t === "hello") {
      if (Puente.hello && said.protocol !== PROTOCOL) return location.reload();
      Puente.hello = said;
    } else if (said.t === "status") {
      Puente.status = said;
      Puente.statusAt = performance.now();
      link.synced = true;
      Puente.emit("status", said);
    } else if (said.t === "attributes") {
      attributes(said);
    } else if (said.t === "alerts") {
      if (said.full) Puente.alerts.clear();
      for (const id of said.removed) Puente.alerts.delete(id);
      for (const alert of said.put) Puente.alerts.set(alert.id, alert);
      Puente.emit("alerts", said);
    } else if (said.t === "card") {
      Puente.emit("card", said);
    }
  }

  function attributes(said) {
    if (said.full) {
      Puente.vehicles = [];
      Puente.slotOf.clear();
    }
    for (const vehicle of said.put) {
      const before = Puente.vehicles[vehicle.slot];
      if (before && Puente.slotOf.get(before.id) === vehicle.slot) Puente.slotOf.delete(before.id);
      if (vehicle.id === undefined) {
        delete Puente.vehicles[vehicle.slot];
        continue;
      }
      vehicle.haystack = [vehicle.name, vehicle.carrier, vehicle.device, ...vehicle.devices, vehicle.to]
        .join("\n")
        .toLowerCase();
      Puente.vehicles[vehicle.slot] = vehicle;
      Puente.slotOf.set(vehicle.id, vehicle.slot);
    }
    Puente.emit("attributes", said);
  }

  /* Cards of these vehicles come with every second. */
  let watched = [];
  Puente.watch = function (subjects) {
    watched = [...new Set(subjects.filter(Boolean))];
    watch();
  };
  function watch() {
    const wanted = JSON.stringify(watched);
    if (!link.open || wanted === watching) return;
    watching = wanted;
    link.socket.send(JSON.stringify({ watch: watched }));
  }

  /* A browser slows hidden tabs down and may have slept: get a whole new picture. */
  Puente.resync = function () {
    link.attempts = 0;
    link.synced = false;
    const old = link.socket;
    connect();
    if (old) old.close();
  };
  document.addEventListener("visibilitychange", () => {
    const quiet = link.frameAt === null || performance.now() - link.frameAt > 3000;
    if (!document.hidden && quiet) Puente.resync();
  });
  window.addEventListener("online", () => !link.open && Puente.resync());

  connect();
})();
