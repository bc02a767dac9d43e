/* Every vehicle in two draw calls a kind: a MapLibre custom layer on plotly's own map.

   A vehicle is one GL point. Its shape is a signed distance in the fragment shader, chosen by its
   state; colour comes from the theme. Order of drawing: ordinary, then silent and off route, then
   alerts, then the ring round what is selected, so that exceptions are never covered.
   Positions are Mercator, relative to a point in the corridor, which keeps float32 below a metre. */
(function () {
  "use strict";
  const Puente = window.Puente;
  const REF_X = 0.2187, REF_Y = 0.42;
  const STATES = ["on_route", "stopped", "at_border", "off_route", "alert_high", "alert_critical", "silent", "unassigned"];
  const SELECTED = 128, HIDDEN = 64; // above the server's flags
  const PASSES = 5;

  const VERTEX = `#version 300 es
  uniform mat4 u_matrix;
  uniform float u_size;
  uniform int u_pass, u_states;
  uniform vec3 u_colors[8];
  in vec2 a_position;
  in vec4 a_look;            // heading, state, flags, unused
  out vec3 v_color;
  out float v_turn, v_aa;
  flat out int v_shape, v_hollow;

  // pass in which a state is drawn, and its size against an ordinary truck
  const int PASS[8] = int[8](0, 0, 0, 1, 2, 3, 1, 0);
  const float SCALE[8] = float[8](1.0, 0.72, 0.8, 1.15, 1.9, 2.3, 1.0, 0.95);

  void main() {
    int state = int(a_look.y + 0.5), flags = int(a_look.z + 0.5);
    bool selected = (flags & ${SELECTED}) != 0;
    bool shown = state < 8 && (flags & ${HIDDEN}) == 0 && ((u_states >> state) & 1) == 1;
    bool mine = u_pass == 4 ? selected : (state < 8 && PASS[state] == u_pass);
    if (!mine || !(shown || selected)) {
      gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
      gl_PointSize = 0.0;
      return;
    }
    float size = u_size * (u_pass == 4 ? max(2.6, SCALE[state] * 1.45) : SCALE[state]);
    gl_Position = u_matrix * vec4(a_position, 0.0, 1.0);
    gl_PointSize = size;
    v_aa = 3.0 / size;
    v_color = u_colors[state];
    v_turn = a_look.x / 255.0 * 6.2831853;
    v_hollow = flags & 1;
    bool pointing = a_look.x < 254.5 && (flags & 2) != 0;
    v_shape = u_pass == 4 ? 8 : state;
    // An arrow without a direction would lie: a lozenge has none.
    if (state == 0 && a_look.x > 254.5) v_shape = 9;
    if (u_pass != 4 && (state == 4 || state == 5) && !pointing) v_shape = state + 6;
  }`;

  const FRAGMENT = `#version 300 es
  precision highp float;
  uniform vec3 u_outline, u_accent;
  in vec3 v_color;
  in float v_turn, v_aa;
  flat in int v_shape, v_hollow;
  out vec4 color;

  float arrow(vec2 p) { return max(abs(p.x) * 1.45 - p.y * 0.66 - 0.44, p.y * 0.9 - 0.56 - abs(p.x) * 0.42); }
  float chevron(vec2 p) {
    vec2 q = vec2(abs(p.x), p.y + 0.05), a = vec2(0.0, -0.52), b = vec2(0.56, 0.5);
    float t = clamp(dot(q - a, b - a) / dot(b - a, b - a), 0.0, 1.0);
    return length(q - a - (b - a) * t) - 0.2;
  }
  float square(vec2 p, float r) { return max(abs(p.x), abs(p.y)) - r; }
  float lozenge(vec2 p, float r) { return (abs(p.x) + abs(p.y) - r) * 0.707; }
  float ring(vec2 p, float r, float w) { return abs(length(p) - r) - w; }

  void main() {
    vec2 p = gl_PointCoord * 2.0 - 1.0;
    float c = cos(v_turn), s = sin(v_turn);
    vec2 r = vec2(c * p.x + s * p.y, -s * p.x + c * p.y);
    float d = 1.0, extra = 9.0;
    if (v_shape == 0) d = arrow(r);
    else if (v_shape == 1) d = square(p, 0.5);
    else if (v_shape == 2) d = length(p) - 0.6;
    else if (v_shape == 3) d = chevron(r);
    else if (v_shape == 4) { d = arrow(r / 0.56) * 0.56; extra = ring(p, 0.78, 0.045); }
    else if (v_shape == 5) { d = arrow(r / 0.5) * 0.5; extra = ring(p, 0.76, 0.1); }
    else if (v_shape == 6) d = ring(p, 0.52, 0.13);
    else if (v_shape == 7) d = abs(lozenge(p, 0.72)) - 0.09;
    else if (v_shape == 8) d = ring(p, 0.86, 0.06);
    else if (v_shape == 9) d = lozenge(p, 0.6);
    else if (v_shape == 10) { d = square(p, 0.26); extra = ring(p, 0.78, 0.045); }
    else if (v_shape == 11) { d = square(p, 0.24); extra = ring(p, 0.76, 0.1); }
    // Without news a mark is hollow: this is where the truck was, not where it is.
    if (v_hollow == 1 && v_shape < 6) d = abs(d + 0.1) - 0.075;
    d = min(d, extra);
    float edge = 0.08;
    float alpha = 1.0 - smoothstep(edge, edge + v_aa, d);
    if (alpha < 0.02) discard;
    vec3 fill = v_shape == 8 ? u_accent : v_color;
    vec3 rgb = mix(fill, u_outline, smoothstep(-v_aa * 0.4, v_aa * 0.6, d));
    color = vec4(rgb * alpha, alpha);
  }`;

  function rgb(hex) {
    const value = parseInt(hex.slice(1), 16);
    return [(value >> 16) / 255, ((value >> 8) & 255) / 255, (value & 255) / 255];
  }

  function mercator(lon, lat) {
    const sine = Math.sin((lat * Math.PI) / 180);
    return [(lon + 180) / 360, 0.5 - (0.25 * Math.log((1 + sine) / (1 - sine))) / Math.PI];
  }

  class FleetLayer {
    constructor() {
      this.id = "fleet";
      this.type = "custom";
      this.renderingMode = "2d";
      this.n = 0;
      this.positions = new Float32Array(0);
      this.looks = new Uint8Array(0);
      this.shownStates = 0xff;
      this.selected = -1;
      this.scale = 1;
      this.dirty = false;
      this.draws = 0;
      this.readTheme();
    }

    readTheme() {
      this.colors = new Float32Array(STATES.flatMap((key) => rgb(Puente.color("state-" + key))));
      this.outline = rgb(Puente.color("outline"));
      this.accent = rgb(Puente.color("text"));
    }

    /* Take a frame; `hides(slot)` says whether the search hides a vehicle. */
    set(fleet, hides) {
      const n = (this.n = fleet.n);
      if (this.positions.length < 2 * n) {
        this.positions = new Float32Array(2 * n);
        this.looks = new Uint8Array(4 * n);
      }
      const { positions, looks } = this;
      for (let i = 0; i < n; i++) {
        const placed = fleet.lat[i] === fleet.lat[i];
        const [x, y] = placed ? mercator(fleet.lon[i], fleet.lat[i]) : [9, 9];
        positions[2 * i] = x - REF_X;
        positions[2 * i + 1] = y - REF_Y;
        looks[4 * i] = fleet.heading[i];
        looks[4 * i + 1] = placed ? fleet.state[i] : 255;
        looks[4 * i + 2] = (fleet.flags[i] & 63) | (i === this.selected ? SELECTED : 0) | (hides && hides(i) ? HIDDEN : 0);
      }
      this.dirty = true;
    }

    onAdd(map, gl) {
      this.map = map;
      const program = (this.program = gl.createProgram());
      for (const [type, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
        const shader = gl.createShader(type);
        gl.shaderSource(shader, source);
        gl.compileShader(shader);
        if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS) && !gl.isContextLost()) {
          throw new Error("fleet shader: " + gl.getShaderInfoLog(shader));
        }
        gl.attachShader(program, shader);
      }
      gl.linkProgram(program);
      this.array = gl.createVertexArray();
      gl.bindVertexArray(this.array);
      this.positionBuffer = this.attribute(gl, "a_position", 2, gl.FLOAT);
      this.lookBuffer = this.attribute(gl, "a_look", 4, gl.UNSIGNED_BYTE);
      gl.bindVertexArray(null);
      this.uniforms = {};
      for (const name of ["u_matrix", "u_size", "u_pass", "u_states", "u_colors", "u_outline", "u_accent"]) {
        this.uniforms[name] = gl.getUniformLocation(program, name);
      }
      this.dirty = true;
    }

    attribute(gl, name, size, type) {
      const buffer = gl.createBuffer(), location = gl.getAttribLocation(this.program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(location);
      gl.vertexAttribPointer(location, size, type, false, 0, 0);
      return buffer;
    }

    size() {
      const z = this.map.getZoom();
      const px = z < 4 ? 10 : z < 6 ? 10 + (z - 4) * 3 : 16 + Math.min(z - 6, 6) * 2;
      return px * this.scale * this.map.getPixelRatio();
    }

    render(gl, frame) {
      if (!this.n) return;
      gl.useProgram(this.program);
      gl.bindVertexArray(this.array);
      if (this.dirty) {
        gl.bindBuffer(gl.ARRAY_BUFFER, this.positionBuffer);
        gl.bufferData(gl.ARRAY_BUFFER, this.positions, gl.DYNAMIC_DRAW);
        gl.bindBuffer(gl.ARRAY_BUFFER, this.lookBuffer);
        gl.bufferData(gl.ARRAY_BUFFER, this.looks, gl.DYNAMIC_DRAW);
        this.dirty = false;
      }
      // The reference point goes into the matrix in double precision.
      const m = frame.defaultProjectionData.mainMatrix;
      const moved = Float64Array.from(m);
      for (let i = 0; i < 4; i++) moved[12 + i] = m[i] * REF_X + m[4 + i] * REF_Y + m[12 + i];
      const u = this.uniforms;
      gl.uniformMatrix4fv(u.u_matrix, false, new Float32Array(moved));
      gl.uniform1f(u.u_size, this.size());
      gl.uniform1i(u.u_states, this.shownStates);
      gl.uniform3fv(u.u_colors, this.colors);
      gl.uniform3fv(u.u_outline, this.outline);
      gl.uniform3fv(u.u_accent, this.accent);
      gl.enable(gl.BLEND);
      gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
      gl.disable(gl.DEPTH_TEST);
      gl.disable(gl.STENCIL_TEST);
      for (let pass = 0; pass < PASSES; pass++) {
        gl.uniform1i(u.u_pass, pass);
        gl.drawArrays(gl.POINTS, 0, this.n);
      }
      gl.bindVertexArray(null);
      this.draws += 1;
    }

    /* The vehicle nearest to a point within some pixels, exceptions first; -1 for none. */
    pick(lng, lat, pixels) {
      const [x, y] = mercator(lng, lat);
      const px = x - REF_X, py = y - REF_Y;
      const reach = pixels / (512 * 2 ** this.map.getZoom());
      let best = -1, bestScore = Infinity;
      for (let i = 0; i < this.n; i++) {
        const state = this.looks[4 * i + 1], flags = this.looks[4 * i + 2];
        if (state > 7 || flags & HIDDEN || !((this.shownStates >> state) & 1)) continue;
        const dx = this.positions[2 * i] - px, dy = this.positions[2 * i + 1] - py;
        const distance = Math.hypot(dx, dy);
        if (distance > reach) continue;
        const score = distance - (state === 4 || state === 5 ? reach / 2 : 0);
        if (score < bestScore) [best, bestScore] = [i, score];
      }
      return best;
    }
  }

  Puente.FleetLayer = FleetLayer;
  Puente.STATE_KEYS = STATES;
})();
