// A part from all sides: three.js and the model are loaded when the picture comes near the screen, never before.
const STEP = Math.PI / 12;
const TURN_SECONDS = 30;
const FRAME_MS = 33;
const MOST_TILT = Math.PI / 2;
const CREASE = 0.85; // cosine of the angle up to which neighbouring triangles are one curved surface
const START = { yaw: (32 * Math.PI) / 180, tilt: (28 * Math.PI) / 180, zoom: 1 }; // as the picture shows it
const MOST_EDGE_TRIANGLES = 60000;
const FLOAT = 5126;
const INDICES = { 5123: Uint16Array, 5125: Uint32Array };

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");

// ---------------------------------------------------------------- the model

// Reads what the validation writes: one mesh of positions and triangles, in metres. Anything else is refused.
function readModel(buffer) {
  const view = new DataView(buffer);
  const word = (at) => view.getUint32(at, true);
  if (word(0) !== 0x46546c67 || word(4) !== 2) throw new Error("this is no GLB");
  const length = word(12);
  const gltf = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 20, length)));
  const { attributes, indices } = gltf.meshes[0].primitives[0];
  const start = (it) => 28 + length + (gltf.bufferViews[it.bufferView].byteOffset ?? 0) + (it.byteOffset ?? 0);
  const [points, corners] = [gltf.accessors[attributes.POSITION], gltf.accessors[indices]];
  if (points.componentType !== FLOAT) throw new Error("its positions are no floats");
  return {
    points: new Float32Array(buffer, start(points), points.count * 3),
    corners: new INDICES[corners.componentType](buffer, start(corners), corners.count),
  };
}

// Returns the normal of each triangle and its area, as x, y, z, area.
function facesOf({ points, corners }) {
  const faces = new Float32Array((corners.length / 3) * 4);
  for (let face = 0; face * 3 < corners.length; face += 1) {
    const [a, b, c] = [0, 1, 2].map((corner) => corners[face * 3 + corner] * 3);
    const u = [0, 1, 2].map((axis) => points[b + axis] - points[a + axis]);
    const v = [0, 1, 2].map((axis) => points[c + axis] - points[a + axis]);
    const cross = [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]];
    const length = Math.hypot(...cross);
    faces.set([...cross.map((it) => it / (length || 1)), length], face * 4);
  }
  return faces;
}

const areOneSurface = (faces, one, other) =>
  faces[one * 4] * faces[other * 4] + faces[one * 4 + 1] * faces[other * 4 + 1] + faces[one * 4 + 2] * faces[other * 4 + 2] > CREASE;

// Returns the triangles around each vertex: those of vertex v are around[first[v]] up to around[first[v + 1]].
function neighbours({ points, corners }) {
  const first = new Uint32Array(points.length / 3 + 1);
  for (const vertex of corners) first[vertex + 1] += 1;
  for (let vertex = 1; vertex < first.length; vertex += 1) first[vertex] += first[vertex - 1];
  const around = new Uint32Array(corners.length);
  const next = first.slice();
  corners.forEach((vertex, corner) => { around[next[vertex]++] = Math.floor(corner / 3); });
  return { first, around };
}

// Curved surfaces are smooth, edges stay edges: a corner's normal is the mean of the triangles of its own surface.
function smoothNormals(model, faces) {
  const { first, around } = neighbours(model);
  const normals = new Float32Array(model.corners.length * 3);
  model.corners.forEach((vertex, corner) => {
    const face = Math.floor(corner / 3);
    let [x, y, z] = [0, 0, 0];
    for (let at = first[vertex]; at < first[vertex + 1]; at += 1) {
      const other = around[at];
      if (!areOneSurface(faces, face, other)) continue;
      const area = faces[other * 4 + 3];
      x += faces[other * 4] * area;
      y += faces[other * 4 + 1] * area;
      z += faces[other * 4 + 2] * area;
    }
    const length = Math.hypot(x, y, z) || 1;
    normals.set([x / length, y / length, z / length], corner * 3);
  });
  return normals;
}

// Returns the lines where two surfaces meet, as pairs of points; none of parts so fine that they would be all lines.
function edgesOf({ points, corners }, faces) {
  const [seen, lines, count] = [new Map(), [], points.length / 3];
  if (corners.length / 3 > MOST_EDGE_TRIANGLES) return new Float32Array(0);
  corners.forEach((vertex, corner) => {
    const face = Math.floor(corner / 3);
    const next = corners[face * 3 + ((corner + 1) % 3)];
    const key = Math.min(vertex, next) * count + Math.max(vertex, next);
    const other = seen.get(key);
    if (other === undefined) seen.set(key, face);
    else if (!areOneSurface(faces, face, other)) lines.push(vertex, next);
  });
  const found = new Float32Array(lines.length * 3);
  lines.forEach((vertex, at) => found.set(points.subarray(vertex * 3, vertex * 3 + 3), at * 3));
  return found;
}

// ---------------------------------------------------------------- the scene

function bodyOf(three, model, faces) {
  const geometry = new three.BufferGeometry();
  const points = new Float32Array(model.corners.length * 3);
  model.corners.forEach((vertex, corner) => points.set(model.points.subarray(vertex * 3, vertex * 3 + 3), corner * 3));
  geometry.setAttribute("position", new three.BufferAttribute(points, 3));
  geometry.setAttribute("normal", new three.BufferAttribute(smoothNormals(model, faces), 3));
  const looks = { roughness: 0.6, metalness: 0.05, polygonOffset: true, polygonOffsetFactor: 1, polygonOffsetUnits: 1 };
  return new three.Mesh(geometry, new three.MeshStandardMaterial(looks));
}

function linesOf(three, model, faces) {
  const geometry = new three.BufferGeometry();
  geometry.setAttribute("position", new three.BufferAttribute(edgesOf(model, faces), 3));
  return new three.LineSegments(geometry, new three.LineBasicMaterial({ transparent: true, opacity: 0.4 }));
}

// A key light from the upper left, a weak one from the right, and sky: they stay with the viewer, as in the picture.
function litCamera(three) {
  const camera = new three.PerspectiveCamera(26, 1, 0.1, 100);
  for (const [strength, ...place] of [[4, -0.45, 0.72, 0.53], [1.3, 0.85, -0.05, 0.52]]) {
    const light = new three.DirectionalLight(0xffffff, strength);
    light.position.set(...place);
    camera.add(light, light.target);
  }
  return camera;
}

function sceneOf(three, model) {
  const faces = facesOf(model);
  const [body, lines] = [bodyOf(three, model, faces), linesOf(three, model, faces)];
  const [part, scene, camera] = [new three.Group(), new three.Scene(), litCamera(three)];
  body.geometry.computeBoundingSphere();
  const { center, radius } = body.geometry.boundingSphere;
  part.add(body, lines);
  for (const it of part.children) it.position.copy(center).negate();
  part.scale.setScalar(1 / (radius || 1));
  scene.add(part, camera, new three.HemisphereLight(0xffffff, 0x8c8c8c, 1.6));
  return { scene, camera, part, body, lines };
}

// Returns what a colour of a stylesheet comes to, however it is written, as parts of one.
function rgbOf(written) {
  const context = document.createElement("canvas").getContext("2d");
  context.fillStyle = written;
  context.fillRect(0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)].map((part) => part / 255);
}

// Colours come from the stylesheet, which knows what is light and what is dark.
function colour({ three, body, lines }, canvas) {
  const style = getComputedStyle(canvas);
  body.material.color.setRGB(...rgbOf(style.color), three.SRGBColorSpace);
  lines.material.color.setRGB(...rgbOf(style.borderTopColor), three.SRGBColorSpace);
}

function paint({ renderer, scene, camera, part, pose }) {
  const half = (camera.fov * Math.PI) / 360;
  const narrow = Math.atan(Math.tan(half) * Math.min(1, camera.aspect));
  const distance = 1.04 / Math.sin(narrow) / pose.zoom;
  part.rotation.y = pose.yaw;
  camera.position.set(0, Math.sin(pose.tilt) * distance, Math.cos(pose.tilt) * distance);
  camera.up.set(0, Math.cos(pose.tilt), -Math.sin(pose.tilt));
  camera.lookAt(0, 0, 0);
  renderer.render(scene, camera);
}

function fit({ renderer, camera }, canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  if (!width || !height) return;
  renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
  renderer.setSize(width, height, false);
  camera.aspect = width / height;
  camera.updateProjectionMatrix();
}

// ---------------------------------------------------------------- turning

const MOVES = {
  left: (pose) => { pose.yaw -= STEP; },
  right: (pose) => { pose.yaw += STEP; },
  up: (pose) => { pose.tilt = Math.min(MOST_TILT, pose.tilt + STEP); },
  down: (pose) => { pose.tilt = Math.max(-MOST_TILT, pose.tilt - STEP); },
  closer: (pose) => { pose.zoom = Math.min(4, pose.zoom * 1.2); },
  farther: (pose) => { pose.zoom = Math.max(0.5, pose.zoom / 1.2); },
  reset: (pose) => Object.assign(pose, START),
};
const KEYS = {
  ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down", "+": "closer", "=": "closer", "-": "farther", Home: "reset",
};

function turntable(view, figure) {
  const turn = { isOn: !calm.matches, isSeen: true, at: 0, frame: 0 };
  const button = figure.querySelector("[data-turn=pause]");
  const step = (time) => {
    turn.frame = requestAnimationFrame(step);
    const passed = time - turn.at;
    if (passed < FRAME_MS) return;
    view.pose.yaw += (Math.min(passed, 200) / 1000 / TURN_SECONDS) * 2 * Math.PI;
    turn.at = time;
    paint(view);
  };
  turn.sync = () => {
    cancelAnimationFrame(turn.frame);
    button.setAttribute("aria-pressed", String(!turn.isOn));
    if (turn.isOn && turn.isSeen) turn.frame = requestAnimationFrame((time) => { turn.at = time; step(time); });
    else paint(view);
  };
  turn.set = (isOn) => { turn.isOn = isOn; turn.sync(); };
  turn.move = (name) => { MOVES[name](view.pose); turn.set(false); };
  return turn;
}

function listenToKeys(canvas, turn) {
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") turn.set(!turn.isOn);
    else if (KEYS[event.key]) turn.move(KEYS[event.key]);
    else return;
    event.preventDefault();
  });
}

function listenToPointer(canvas, view, turn) {
  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    last = event;
    canvas.setPointerCapture(event.pointerId);
    turn.set(false);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last || event.pointerId !== last.pointerId) return;
    view.pose.yaw += ((event.clientX - last.clientX) / canvas.clientWidth) * 2 * Math.PI;
    const tilt = view.pose.tilt + ((event.clientY - last.clientY) / canvas.clientHeight) * Math.PI;
    view.pose.tilt = Math.max(-MOST_TILT, Math.min(MOST_TILT, tilt));
    last = event;
    paint(view);
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });
}

function listenToButtons(figure, turn) {
  for (const button of figure.querySelectorAll("[data-turn]")) {
    const { turn: name } = button.dataset;
    button.addEventListener("click", () => { if (name === "pause") turn.set(!turn.isOn); else turn.move(name); });
  }
}

// What is not seen is not drawn; what changes its size or its colours is drawn anew.
function listenToSurroundings(canvas, view, turn) {
  const recolour = () => { colour(view, canvas); paint(view); };
  new ResizeObserver(() => { fit(view, canvas); paint(view); }).observe(canvas);
  new IntersectionObserver(([seen]) => { turn.isSeen = seen.isIntersecting; turn.sync(); }).observe(canvas);
  dark.addEventListener("change", recolour);
  calm.addEventListener("change", () => turn.set(!calm.matches));
}

// ---------------------------------------------------------------- the page

async function fetchModel(path) {
  const answer = await fetch(path, { redirect: "error" });
  if (!answer.ok) throw new Error(`the model was not sent: ${answer.status}`);
  return readModel(await answer.arrayBuffer());
}

function canvasFor(figure) {
  const canvas = document.createElement("canvas");
  canvas.className = "model-canvas";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", figure.dataset.label);
  canvas.setAttribute("aria-describedby", "model-keys");
  figure.querySelector(".model-stage").append(canvas);
  return canvas;
}

async function show(figure) {
  figure.dataset.state = "loading";
  const [three, model] = await Promise.all([import(figure.dataset.three), fetchModel(figure.dataset.model)]);
  const canvas = canvasFor(figure);
  const renderer = new three.WebGLRenderer({ canvas, antialias: true, alpha: true });
  const view = { three, renderer, ...sceneOf(three, model), pose: { ...START } };
  canvas.addEventListener("webglcontextlost", () => fall(figure));
  colour(view, canvas);
  fit(view, canvas);
  const turn = turntable(view, figure);
  listenToKeys(canvas, turn);
  listenToPointer(canvas, view, turn);
  listenToButtons(figure, turn);
  listenToSurroundings(canvas, view, turn);
  figure.dataset.state = "shown";
}

// The picture stays, with a word about why it does not turn.
function fall(figure) {
  figure.querySelector("canvas")?.remove();
  figure.dataset.state = "failed";
}

const canDraw = () => {
  const context = document.createElement("canvas").getContext("webgl2");
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
};

function begin(figure) {
  if (!canDraw()) { fall(figure); return; }
  const start = () => { if (!figure.dataset.state) show(figure).catch(() => fall(figure)); };
  figure.querySelector("[data-show]").addEventListener("click", start);
  if (navigator.connection?.saveData) { figure.dataset.asks = ""; return; }
  const near = new IntersectionObserver(([seen]) => { if (seen.isIntersecting) { near.disconnect(); start(); } }, { rootMargin: "300px" });
  near.observe(figure);
}

for (const figure of document.querySelectorAll("[data-model]")) begin(figure);
